"""Plain loops; the p value from the error function."""

from math import ceil, erfc, sqrt


def compare(a, b, clusters):
    gap = [float(x) - float(y) for x, y in zip(a, b, strict=True)]
    n, labels = len(gap), list(clusters)
    mean = sum(gap) / n
    variance = sum((g - mean) ** 2 for g in gap) / (n - 1) / n
    for i in range(n):
        for j in range(n):
            if i != j and labels[i] == labels[j]:
                variance += (gap[i] - mean) * (gap[j] - mean) / n**2
    error = sqrt(max(variance, 0.0))
    if error == 0:
        return mean, 0.0, float(mean == 0)
    return mean, error, erfc(abs(mean) / error / sqrt(2))


def items_needed(difference, between, noise=(0.0, 0.0), answers=(1, 1), power=0.8):
    total = between + sum(s / k for s, k in zip(noise, answers, strict=True))
    return ceil(((norm.isf(0.025) + norm.isf(1 - power)) / difference) ** 2 * total)


def holm(p_values, level=0.05):
    left, stands = sorted(range(len(p_values)), key=lambda i: p_values[i]), set()
    while left and p_values[left[0]] * len(left) <= level:
        stands.add(left.pop(0))
    return [i in stands for i in range(len(p_values))]


def benjamini_hochberg(p_values, rate=0.05):
    ranked, bound = sorted(p_values), -1.0
    for k, p in enumerate(ranked, start=1):
        if p <= k * rate / len(ranked):
            bound = p
    return [p <= bound for p in p_values]
