"""The same numbers, as a list, an array, a fraction and a number of NumPy's."""

from fractions import Fraction

import numpy as np


def parameters(shape):
    queries, keys = shape.heads * shape.head_size, shape.kv_heads * shape.head_size
    block = shape.width * (2 * queries + 2 * keys + (3 if shape.gated else 2) * shape.hidden)
    return [shape.layers * block, (1 if shape.tied else 2) * shape.vocabulary * shape.width]


def forward_flops(shape, window):
    scores = 4 * shape.layers * window * shape.heads * shape.head_size
    return np.int64(2 * parameters(shape)[0] + scores + 2 * shape.vocabulary * shape.width)


def training_cost(forward_flops_per_token, tokens):
    flops = 3 * forward_flops_per_token * tokens
    return np.array([flops, flops / 8.64e19])


def kv_cache_bytes(shape, tokens, sequences=1, bytes_per_number=2):
    return float(2 * shape.layers * shape.kv_heads * shape.head_size * tokens * sequences * bytes_per_number)


def utilisation(flops, device_hours, peak):
    return Fraction(flops) / (Fraction(device_hours) * 3600 * Fraction(peak))
