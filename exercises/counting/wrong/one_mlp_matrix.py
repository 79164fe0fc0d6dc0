"""The way back from the MLP is forgotten."""

PART = "test-parameters"


def parameters(shape):
    attention = 2 * shape.width * shape.head_size * (shape.heads + shape.kv_heads)
    mlp = (2 if shape.gated else 1) * shape.width * shape.hidden
    return shape.layers * (attention + mlp), (1 if shape.tied else 2) * shape.vocabulary * shape.width
