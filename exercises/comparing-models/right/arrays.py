"""Arrays: covariance within clusters as a matrix, adjusted p values for the two rules."""


def compare(a, b, clusters):
    gap = np.subtract(a, b, dtype=float)
    labels, rest, n = np.asarray(clusters), gap - gap.mean(), len(gap)
    same = (labels[:, None] == labels) & ~np.eye(n, dtype=bool)
    error = float(np.sqrt(gap.var(ddof=1) / n + rest @ same @ rest / n**2))
    if error == 0.0:
        return float(gap.mean()), 0.0, float(gap.mean() == 0)
    return float(gap.mean()), error, float(2 * norm.cdf(-abs(gap.mean() / error)))


def items_needed(difference, between, noise=(0.0, 0.0), answers=(1, 1), power=0.8):
    variance = between + np.divide(noise, answers).sum()
    return int(-(-((norm.ppf(1 - 0.05 / 2) + norm.ppf(power)) ** 2) * variance // difference**2))


def holm(p_values, level=0.05):
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p), dtype=bool)
    result[order] = adjusted <= level
    return result.tolist()


def benjamini_hochberg(p_values, rate=0.05):
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.minimum.accumulate(scaled[::-1])[::-1]
    result = np.empty(len(p), dtype=bool)
    result[order] = adjusted <= rate
    return result.tolist()
