"""Alpha and beta are exchanged."""

PART = "test-log-loss"


def log_loss(p, N, D):
    a, b, e, alpha, beta = p
    terms = [np.full(len(N), float(e)), a - beta * np.log(N), b - alpha * np.log(D)]
    return np.logaddexp.reduce(terms, axis=0)
