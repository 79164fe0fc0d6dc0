"""Training is taken to cost the forward pass: 2ND."""

PART = "test-training-cost"


def training_cost(forward_flops_per_token, tokens):
    flops = forward_flops_per_token * tokens
    return flops, flops / (1e15 * 24 * 3600)
