"""A gated MLP counted as a plain one."""

PART = "test-parameters"


def parameters(shape):
    attention = 2 * shape.width * shape.head_size * (shape.heads + shape.kv_heads)
    ends = (1 if shape.tied else 2) * shape.vocabulary * shape.width
    return shape.layers * (attention + 2 * shape.width * shape.hidden), ends
