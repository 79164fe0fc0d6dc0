"""Arrays throughout; clusters by relabelling."""


def shingles(text, n=5):
    words = re.findall(r"\w+", text.lower())
    count = max(len(words) - n + 1, min(len(words), 1))
    runs = (" ".join(words[i : i + n]) for i in range(count))
    return {int(np.frombuffer(sha1(run.encode()).digest()[:4], ">u4")[0]) for run in runs}


def signature(hashes, a, b):
    x = np.fromiter(hashes, dtype=np.uint64, count=len(hashes))
    values = (np.outer(a, x) + b[:, None]) % np.uint64(PRIME)
    return np.min(values, axis=1, initial=PRIME)


def caught(similarity, bands, rows):
    return float(-np.expm1(bands * np.log1p(-(similarity**rows)))) if similarity < 1 else 1.0


def candidate_pairs(signatures, bands, rows):
    cut = np.asarray(signatures).reshape(len(signatures), bands, rows)
    full = (cut != PRIME).any(axis=(1, 2))
    same = (cut[:, None] == cut[None]).all(axis=3).any(axis=2) & full[:, None] & full
    return {(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(same, 1)), strict=True)}


def keep(sets, pairs, threshold=0.8):
    label = np.arange(len(sets))
    for i, j in pairs:
        union = sets[i] | sets[j]
        if union and len(sets[i] & sets[j]) / len(union) >= threshold:
            low, high = sorted((label[i], label[j]))
            label[label == high] = low
    return [int(i) for i in np.flatnonzero(label == np.arange(len(sets)))]
