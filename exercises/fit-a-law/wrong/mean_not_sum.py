"""The mean over runs instead of the sum."""

PART = "test-objective"


def objective(p, N, D, L, delta=1e-3):
    r = np.abs(log_loss(p, N, D) - np.log(L))
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).mean()
