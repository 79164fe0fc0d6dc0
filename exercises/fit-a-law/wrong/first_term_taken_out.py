"""The first term is taken out of the sum, which helps only when it is the largest."""

import numpy as np

PART = "test-log-loss"


def log_loss(p, N, D):
    a, b, e, alpha, beta = p
    first = a - alpha * np.log(N)
    rest = np.exp(b - beta * np.log(D) - first) + np.exp(e - first)
    return first + np.log1p(rest)
