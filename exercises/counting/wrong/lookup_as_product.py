"""The embedding is counted as a matrix product."""

PART = "test-forward-flops"


def forward_flops(shape, window):
    scores = 4 * shape.layers * window * shape.heads * shape.head_size
    return 2 * parameters(shape)[0] + scores + 4 * shape.vocabulary * shape.width
