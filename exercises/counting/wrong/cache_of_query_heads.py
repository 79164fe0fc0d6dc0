"""All query heads are kept."""

PART = "test-kv-cache-bytes"


def kv_cache_bytes(shape, tokens, sequences=1, bytes_per_number=2):
    return 2 * shape.layers * shape.heads * shape.head_size * tokens * sequences * bytes_per_number
