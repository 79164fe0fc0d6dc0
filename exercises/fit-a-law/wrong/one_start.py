"""One start, in a place where both size terms are too small to have a gradient."""

PART = "test-fit"


def fit(N, D, L):
    start = [0.0, 0.0, 0.0, 2.0, 2.0]
    return minimize(lambda p: 1e4 * objective(p, N, D, L), start, method="L-BFGS-B").x
