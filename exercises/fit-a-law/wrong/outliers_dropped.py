"""Runs that miss a first fit are dropped, and the others fitted by least squares."""

import numpy as np

PART = "test-fit"


def fit(N, D, L, starts=STARTS):  # noqa: F821
    def squares(p, keep):
        log_loss, slopes = law(p, N[keep], D[keep])  # noqa: F821
        r = log_loss - np.log(L[keep])
        return 1e3 * (r * r).sum() / 2, 1e3 * r @ slopes

    keep = np.ones(len(N), bool)
    for _ in range(2):
        found = [
            minimize(squares, start, (keep,), jac=True, method="L-BFGS-B", bounds=BOUNDS, tol=1e-12)  # noqa: F821
            for start in starts
        ]
        p = min(found, key=lambda result: result.fun).x
        r = law(p, N, D)[0] - np.log(L)  # noqa: F821
        keep = abs(r - np.median(r)) < 3 * 1.48 * np.median(abs(r - np.median(r)))
    return p
