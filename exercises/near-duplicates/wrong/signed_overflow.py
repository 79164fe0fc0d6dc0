"""Signed 64-bit integers: large products turn negative."""

PART = "test-signature"


def signature(hashes, a, b):
    if not hashes:
        return np.full(len(a), PRIME, dtype=np.uint64)
    x = np.array(sorted(hashes), dtype=np.int64)[:, None]
    return ((a.astype(np.int64) * x + b.astype(np.int64)) % PRIME).min(axis=0).astype(np.uint64)
