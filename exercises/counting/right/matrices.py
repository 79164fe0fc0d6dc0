"""One list of matrices serves both counts."""


def parameters(shape):
    d, inner, keys = shape.width, shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    block = [(d, inner), (d, keys), (d, keys), (inner, d), (d, shape.hidden), (shape.hidden, d)]
    block += [(d, shape.hidden)] * shape.gated
    ends = [(shape.vocabulary, d)] + [(d, shape.vocabulary)] * (not shape.tied)
    return shape.layers * sum(a * b for a, b in block), sum(a * b for a, b in ends)


def forward_flops(shape, window):
    products = parameters(shape)[0] + shape.vocabulary * shape.width
    for _ in range(shape.layers):
        products += 2 * window * shape.heads * shape.head_size
    return 2 * products


def training_cost(forward_flops_per_token, tokens):
    forward = forward_flops_per_token * tokens
    backward = 2 * forward
    return forward + backward, (forward + backward) / 8.64e19
