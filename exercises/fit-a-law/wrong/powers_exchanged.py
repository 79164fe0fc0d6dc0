"""N grows with alpha/(alpha+beta) instead of beta/(alpha+beta)."""

PART = "test-optimal"


def optimal(p, C):
    a, b, e, alpha, beta = p
    total = alpha + beta
    N = np.exp((np.log(alpha / beta) + a - b) / total) * (C / 6) ** (alpha / total)
    return N, C / 6 / N
