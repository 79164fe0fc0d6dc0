"""All K n answers are taken for independent items."""

PART = "test-answers"


def repeated(answers):
    flat = np.ravel(np.asarray(answers, dtype=float))
    return flat.mean(), flat.std(ddof=1) / np.sqrt(len(flat))
