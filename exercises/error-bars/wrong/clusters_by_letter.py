"""Items are grouped by the letter of the right answer, which is not how they were made."""

PART = "test-table-line"


def table_line(items):
    scores = [item["score"] for item in items]
    half = 1.959964 * clustered_error(scores, [item["letter"] for item in items])
    return np.mean(scores), np.mean(scores) - half, np.mean(scores) + half
