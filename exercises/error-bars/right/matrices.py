"""Matrices, and Wilson's ends as roots of a quadratic."""


def standard_error(scores):
    values = np.array(scores, dtype=float)
    return float(np.sqrt(np.var(values, ddof=1) / values.size))


def clustered_error(scores, clusters):
    rest = np.array(scores, dtype=float)
    rest -= rest.mean()
    labels = np.array(clusters)
    same = (labels[:, None] == labels[None, :]) & ~np.eye(len(labels), dtype=bool)
    square = standard_error(scores) ** 2 + rest @ same @ rest / len(rest) ** 2
    return float(np.sqrt(np.clip(square, 0, None)))


def repeated(answers):
    table = np.array(answers, dtype=float)
    return float(table.mean()), standard_error(table.mean(axis=1))


def table_line(items):
    scores, passages = (np.array([item[key] for item in items]) for key in ("score", "passage"))
    groups = [scores[passages == one] - scores.mean() for one in np.unique(passages)]
    square = standard_error(scores) ** 2
    square += sum(g.sum() ** 2 - (g**2).sum() for g in groups) / scores.size**2
    return tuple(scores.mean() + np.sqrt(max(square, 0)) * np.array([0, -1.959964, 1.959964]))


def wilson(right, items):
    z2, p = 1.959964**2, right / items
    a, b, c = 1 + z2 / items, -(2 * p + z2 / items), p * p
    root = np.sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
