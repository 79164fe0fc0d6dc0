"""Answers in 16 bits, which hold three digits."""

import numpy as np

PART = ["test-standard-error", "test-answers"]


def standard_error(scores):
    values = np.asarray(scores, dtype=float)
    return np.float16(values.std(ddof=1) / np.sqrt(len(values)))


def repeated(answers):
    items = np.asarray(answers, dtype=np.float16).mean(axis=1)
    return items.mean(), items.std(ddof=1) / np.sqrt(len(items))
