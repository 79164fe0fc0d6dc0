"""Sums by logaddexp, an analytic gradient for the fit, and a search for the best split."""

from scipy.optimize import minimize_scalar


def columns(runs):
    names = ("layers", "width", "steps", "batch", "window", "validation_loss")
    layers, width, steps, batch, window, loss = (np.array([run[k] for run in runs], float) for k in names)
    keep = np.isfinite(loss) & (loss > 0)
    return (12 * layers * width**2)[keep], (steps * batch * window)[keep], loss[keep]


def log_loss(p, N, D):
    terms = [np.full(len(N), float(p[2])), p[0] - p[3] * np.log(N), p[1] - p[4] * np.log(D)]
    return np.logaddexp.reduce(terms, axis=0)


def objective(p, N, D, L, delta=1e-3):
    r = log_loss(p, N, D) - np.log(L)
    inside = np.clip(r, -delta, delta)
    return (inside * (r - inside / 2)).sum()


def fit(N, D, L):
    def both(p):
        y = log_loss(p, N, D)
        a, b = np.exp(p[0] - p[3] * np.log(N) - y), np.exp(p[1] - p[4] * np.log(D) - y)
        s = np.clip(y - np.log(L), -1e-3, 1e-3) * 1e3
        slope = [s @ a, s @ b, s @ np.exp(p[2] - y), -s @ (a * np.log(N)), -s @ (b * np.log(D))]
        return 1e3 * objective(p, N, D, L), np.array(slope)

    limits = [(-5, 30), (-5, 30), (-5, 3), (0.01, 3), (0.01, 3)]
    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-15, "gtol": 1e-10}
    best = None
    for a in (1, 5, 9):
        for b in (1, 5, 9):
            for e in (-0.5, 0.5):
                start = [a, b, e, 0.35, 0.35]
                found = minimize(both, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
                best = found if best is None or found.fun < best.fun else best
    return best.x


def optimal(p, C):
    def loss(log_n):
        return np.logaddexp(p[0] - p[3] * log_n, p[1] - p[4] * (np.log(C / 6) - log_n))

    log_n = minimize_scalar(loss, bounds=(-20, 100), method="bounded", options={"xatol": 1e-9}).x
    return np.exp(log_n), C / 6 / np.exp(log_n)
