"""A tied matrix is counted at both ends."""

PART = "test-parameters"


def parameters(shape):
    attention = 2 * shape.width * shape.head_size * (shape.heads + shape.kv_heads)
    mlp = (3 if shape.gated else 2) * shape.width * shape.hidden
    return shape.layers * (attention + mlp), 2 * shape.vocabulary * shape.width
