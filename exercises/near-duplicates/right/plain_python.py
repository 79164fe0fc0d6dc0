"""Exact Python integers, no numpy inside; clusters by breadth-first search."""


def shingles(text, n=5):
    words = re.findall(r"\w+", text.lower())
    runs = [words[i : i + n] for i in range(len(words) - n + 1)] or ([words] if words else [])
    return {int(sha1(" ".join(run).encode("utf-8")).hexdigest()[:8], 16) for run in runs}


def signature(hashes, a, b):
    values = [
        min(((int(p) * x + int(q)) % PRIME for x in hashes), default=PRIME) for p, q in zip(a, b, strict=True)
    ]
    return np.array(values, dtype=np.uint64)


def caught(similarity, bands, rows):
    missed = 1.0
    for _ in range(bands):
        missed *= 1 - similarity**rows
    return 1 - missed


def candidate_pairs(signatures, bands, rows):
    found = set()
    for i, j in combinations(range(len(signatures)), 2):
        if (signatures[i] == PRIME).all():
            continue
        for band in range(bands):
            part = slice(band * rows, band * rows + rows)
            if np.array_equal(signatures[i][part], signatures[j][part]):
                found.add((i, j))
    return found


def keep(sets, pairs, threshold=0.8):
    near = {i: set() for i in range(len(sets))}
    for i, j in pairs:
        size = len(sets[i] | sets[j])
        if size and len(sets[i] & sets[j]) >= threshold * size:
            near[i].add(j)
            near[j].add(i)
    seen, stay = set(), []
    for i in range(len(sets)):
        if i in seen:
            continue
        stay.append(i)
        todo = [i]
        while todo:
            k = todo.pop()
            if k not in seen:
                seen.add(k)
                todo.extend(near[k])
    return stay
