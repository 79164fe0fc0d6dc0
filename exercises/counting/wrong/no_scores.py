"""Only matrices with parameters are counted."""

PART = "test-forward-flops"


def forward_flops(shape, window):
    return 2 * parameters(shape)[0] + 2 * shape.vocabulary * shape.width
