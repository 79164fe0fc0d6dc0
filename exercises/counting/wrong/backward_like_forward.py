"""The backward pass costs as much as the forward pass."""

PART = "test-training-cost"


def training_cost(forward_flops_per_token, tokens):
    flops = 2 * forward_flops_per_token * tokens
    return flops, flops / (1e15 * 24 * 3600)
