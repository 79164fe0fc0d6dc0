"""Loops over runs, Nelder-Mead with restarts after L-BFGS, and the split by its formula in D."""


def columns(runs):
    N, D, L = [], [], []
    for run in runs:
        if 0 < run["validation_loss"] < float("inf"):
            N.append(12 * run["layers"] * run["width"] * run["width"])
            D.append(run["steps"] * run["batch"] * run["window"])
            L.append(run["validation_loss"])
    return np.array(N), np.array(D), np.array(L)


def log_loss(p, N, D):
    top = [max(p[2], p[0] - p[3] * np.log(n), p[1] - p[4] * np.log(d)) for n, d in zip(N, D)]
    top = np.array(top)
    rest = np.exp(p[2] - top) + np.exp(p[0] - p[3] * np.log(N) - top)
    return top + np.log(rest + np.exp(p[1] - p[4] * np.log(D) - top))


def objective(p, N, D, L, delta=1e-3):
    total = 0.0
    for r in np.abs(log_loss(p, N, D) - np.log(L)):
        total += r * r / 2 if r < delta else delta * (r - delta / 2)
    return total


def optimal(p, C):
    a, b, _, alpha, beta = p
    g = np.exp((a - b) / (alpha + beta)) * (alpha / beta) ** (1 / (alpha + beta))
    D = (C / 6) ** (alpha / (alpha + beta)) / g
    return C / (6 * D), D
