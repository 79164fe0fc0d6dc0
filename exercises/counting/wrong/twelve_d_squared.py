"""12 L d^2 for every shape."""

PART = "test-parameters"


def parameters(shape):
    return 12 * shape.layers * shape.width**2, (1 if shape.tied else 2) * shape.vocabulary * shape.width
