"""Multiply-adds are counted once, as in 3ND."""

PART = "test-training-cost"


def training_cost(forward_flops_per_token, tokens):
    flops = 3 * (forward_flops_per_token / 2) * tokens
    return flops, flops / (1e15 * 24 * 3600)
