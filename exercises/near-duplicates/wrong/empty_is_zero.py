"""An empty set gives zeros, which look like the smallest possible hash."""

PART = "test-signature"


def signature(hashes, a, b):
    if not hashes:
        return np.zeros(len(a), dtype=np.uint64)
    x = np.array(sorted(hashes), dtype=np.uint64)[:, None]
    return ((a * x + b) % np.uint64(PRIME)).min(axis=0)
