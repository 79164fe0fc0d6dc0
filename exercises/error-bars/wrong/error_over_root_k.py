"""The error of the item means is divided by the root of K once more."""

PART = "test-answers"


def repeated(answers):
    items = np.mean(answers, axis=1)
    return items.mean(), standard_error(items) / np.sqrt(np.shape(answers)[1])
