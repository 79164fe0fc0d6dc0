"""Plain loops and the standard library."""

from math import sqrt


def standard_error(scores):
    n = len(scores)
    mean = sum(scores) / n
    return sqrt(sum((s - mean) ** 2 for s in scores) / (n - 1) / n)


def clustered_error(scores, clusters):
    n, mean = len(scores), sum(scores) / len(scores)
    total = standard_error(scores) ** 2
    for i in range(n):
        for j in range(n):
            if i != j and clusters[i] == clusters[j]:
                total += (scores[i] - mean) * (scores[j] - mean) / n**2
    return sqrt(total) if total > 0 else 0.0


def repeated(answers):
    items = [sum(row) / len(row) for row in answers]
    return sum(items) / len(items), standard_error(items)


def table_line(items):
    scores, passages = [item["score"] for item in items], [item["passage"] for item in items]
    mean, half = sum(scores) / len(scores), 1.959964 * clustered_error(scores, passages)
    return mean, mean - half, mean + half


def wilson(right, items):
    z2 = 1.959964**2
    middle = (right + z2 / 2) / (items + z2)
    half = sqrt(z2 * (right * (items - right) / items + z2 / 4)) / (items + z2)
    return middle - half, middle + half
