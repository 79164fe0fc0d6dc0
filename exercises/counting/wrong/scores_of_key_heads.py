"""Scores are counted for key heads, of which there are fewer."""

PART = "test-forward-flops"


def forward_flops(shape, window):
    scores = 4 * shape.layers * window * shape.kv_heads * shape.head_size
    return 2 * parameters(shape)[0] + scores + 2 * shape.vocabulary * shape.width
