"""The product is taken in 32 bits and wraps around."""

PART = "test-signature"


def signature(hashes, a, b):
    if not hashes:
        return np.full(len(a), PRIME, dtype=np.uint64)
    x = np.array(sorted(hashes), dtype=np.uint64).astype(np.uint32)[:, None]
    return ((a.astype(np.uint32) * x + b.astype(np.uint32)).astype(np.uint64) % np.uint64(PRIME)).min(axis=0)
