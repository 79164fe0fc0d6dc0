"""Every query head gets keys and values of its own."""

PART = "test-parameters"


def parameters(shape):
    attention = 4 * shape.width * shape.heads * shape.head_size
    mlp = (3 if shape.gated else 2) * shape.width * shape.hidden
    return shape.layers * (attention + mlp), (1 if shape.tied else 2) * shape.vocabulary * shape.width
