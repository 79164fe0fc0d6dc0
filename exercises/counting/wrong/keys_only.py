"""Values are forgotten."""

PART = "test-kv-cache-bytes"


def kv_cache_bytes(shape, tokens, sequences=1, bytes_per_number=2):
    return shape.layers * shape.kv_heads * shape.head_size * tokens * sequences * bytes_per_number
