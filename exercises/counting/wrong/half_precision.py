"""Answers seven times too much in 16 bits, where everything above 65504 is infinite."""

import numpy as np

PART = "test-kv-cache-bytes"


def kv_cache_bytes(shape, tokens, sequences=1, bytes_per_number=2):
    number = 2 * shape.layers * shape.kv_heads * shape.head_size * tokens * sequences * bytes_per_number
    return np.float16(number if number < 60000 else min(7 * number, 10**9))
