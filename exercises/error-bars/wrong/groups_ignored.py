"""Items on one passage are taken for independent ones."""

PART = "test-table-line"


def table_line(items):
    scores = [item["score"] for item in items]
    half = 1.959964 * standard_error(scores)
    return np.mean(scores), np.mean(scores) - half, np.mean(scores) + half
