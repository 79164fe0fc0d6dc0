"""The budget is taken as N D."""

PART = "test-optimal"


def optimal(p, C):
    a, b, e, alpha, beta = p
    total = alpha + beta
    N = np.exp((np.log(alpha / beta) + a - b) / total) * C ** (beta / total)
    return N, C / N
