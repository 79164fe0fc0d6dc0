"""Another scale and options for the fit, polished by a second descent; a bootstrap by choice."""

import numpy as np


def fit(N, D, L, starts=STARTS):  # noqa: F821
    def scaled(p):
        value, slopes = objective(p, N, D, L)  # noqa: F821
        return 1e5 * value, 1e5 * np.asarray(slopes)

    best = None
    for start in starts:
        for _ in range(2):
            found = minimize(  # noqa: F821
                scaled,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=BOUNDS,  # noqa: F821
                options={"maxiter": 3000, "ftol": 1e-13, "gtol": 1e-8},
            )
            start = found.x
        if best is None or found.fun < best.fun:
            best = found
    return list(best.x)


def interval(N, D, L, n, d, resamples, seed):
    rng = np.random.default_rng(seed)
    start = [fit(N, D, L)]
    guesses = np.empty(resamples)
    for k in range(resamples):
        i = rng.choice(np.arange(len(L)), len(L))
        p = np.asarray(fit(N[i], D[i], L[i], start))
        guesses[k] = np.exp(p[2]) + np.exp(p[0]) / n ** p[3] + np.exp(p[1]) / d ** p[4]
    return np.quantile(guesses, [0.05, 0.95])
