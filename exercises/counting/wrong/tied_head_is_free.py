"""A tied head is taken to cost nothing."""

PART = "test-forward-flops"


def forward_flops(shape, window):
    scores = 4 * shape.layers * window * shape.heads * shape.head_size
    head = 0 if shape.tied else 2 * shape.vocabulary * shape.width
    return 2 * parameters(shape)[0] + scores + head
