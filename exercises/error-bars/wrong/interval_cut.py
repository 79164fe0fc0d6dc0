"""The interval is cut at 0 and 1, though a score may be any number."""

PART = "test-table-line"


def table_line(items):
    scores = [item["score"] for item in items]
    mean, half = np.mean(scores), 1.959964 * clustered_error(scores, [item["passage"] for item in items])
    return mean, max(0.0, mean - half), min(1.0, mean + half)
