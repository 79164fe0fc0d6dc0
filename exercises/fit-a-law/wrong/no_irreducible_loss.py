"""The law has no E: loss goes to zero."""

PART = "test-log-loss"


def log_loss(p, N, D):
    return np.logaddexp(p[0] - p[3] * np.log(N), p[1] - p[4] * np.log(D))
