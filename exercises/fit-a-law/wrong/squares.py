"""Squares instead of Huber: one outlier rules."""

PART = "test-objective"


def objective(p, N, D, L, delta=1e-3):
    return ((log_loss(p, N, D) - np.log(L)) ** 2 / 2).sum()
