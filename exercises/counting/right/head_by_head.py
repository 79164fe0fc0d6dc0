"""Counts head by head and unit by unit, and the ends of the time scale in seconds."""


def parameters(shape):
    blocks = 0
    for _ in range(shape.layers):
        blocks += shape.heads * 2 * shape.width * shape.head_size
        blocks += shape.kv_heads * 2 * shape.width * shape.head_size
        blocks += shape.hidden * shape.width * (3 if shape.gated else 2)
    table = shape.vocabulary * shape.width
    return blocks, table if shape.tied else table + table


def forward_flops(shape, window):
    one_head = 2 * shape.head_size * window + 2 * window * shape.head_size
    blocks = 2 * parameters(shape)[0] + shape.layers * shape.heads * one_head
    return blocks + 2 * shape.vocabulary * shape.width


def training_cost(forward_flops_per_token, tokens):
    flops = 6 * (forward_flops_per_token / 2) * tokens
    return flops, flops / 1e15 / 86400


def kv_cache_bytes(shape, tokens, sequences=1, bytes_per_number=2):
    one = bytes_per_number * shape.head_size
    return one * (shape.kv_heads + shape.kv_heads) * shape.layers * tokens * sequences


def utilisation(flops, device_hours, peak):
    seconds = device_hours * 3600
    return flops / seconds / peak
