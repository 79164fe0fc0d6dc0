"""A multiplication and an addition count as one."""

PART = "test-forward-flops"


def forward_flops(shape, window):
    scores = 2 * shape.layers * window * shape.heads * shape.head_size
    return parameters(shape)[0] + scores + shape.vocabulary * shape.width
