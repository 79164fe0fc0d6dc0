"""A PF-day lasts an hour."""

PART = "test-training-cost"


def training_cost(forward_flops_per_token, tokens):
    flops = 3 * forward_flops_per_token * tokens
    return flops, flops / (1e15 * 3600)
