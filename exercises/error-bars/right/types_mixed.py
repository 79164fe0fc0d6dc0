"""The same numbers, as arrays, lists and dictionaries' values."""

import numpy as np


def standard_error(scores):
    values = np.asarray(scores, dtype=float)
    return np.array(values.std(ddof=1) / np.sqrt(len(values)))


def clustered_error(scores, clusters):
    rest = np.asarray(scores, dtype=float) - np.mean(scores)
    sums = {label: sum(r for r, c in zip(rest, clusters) if c == label) for label in set(clusters)}
    pairs = sum(total**2 for total in sums.values()) - (rest**2).sum()
    return np.sqrt(standard_error(scores) ** 2 + pairs / len(rest) ** 2)


def repeated(answers):
    items = np.asarray(answers, dtype=float).mean(axis=1)
    return [items.mean(), standard_error(items)]


def wilson(right, items):
    z, p = 1.959964, right / items
    half = z * np.sqrt(p * (1 - p) / items + z**2 / (4 * items**2))
    return (p + z**2 / (2 * items) + np.array([-half, half])) / (1 + z**2 / items)


def table_line(items):
    scores = [item["score"] for item in items]
    half = 1.959964 * clustered_error(scores, [item["passage"] for item in items])
    mean = np.mean(scores)
    return {"mean": mean, "low": mean - half, "high": mean + half}.values()
