"""Exponents are rounded to two digits before the budget is split."""

PART = "test-optimal"


def optimal(p, C):
    a, b, e, alpha, beta = [round(float(x), 2) for x in p]
    total = alpha + beta
    N = np.exp((np.log(alpha / beta) + a - b) / total) * (C / 6) ** (beta / total)
    return N, C / 6 / N
