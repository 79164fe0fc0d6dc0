"""Loops over runs, another scale and tighter options for the fit, and masks written out."""

import numpy as np


def columns(runs):
    N, D, L = [], [], []
    for run in runs:
        if 0 < run["validation_loss"] < float("inf"):
            N.append(run["width"] * (12 * run["layers"] * run["width"] + run["vocabulary"]))
            D.append(run["steps"] * run["batch"] * run["window"])
            L.append(run["validation_loss"])
    return N, D, L


def objective(p, N, D, L, delta=1e-3):
    log_loss, slopes = law(p, N, D)  # noqa: F821
    total, change = 0.0, np.zeros(5)
    for r, row in zip(log_loss - np.log(L), slopes):
        if abs(r) < delta:
            total, change = total + r * r / 2, change + r * row
        else:
            total, change = total + delta * (abs(r) - delta / 2), change + np.sign(r) * delta * row
    return total, change


def held_out(N, D, L):
    rest = [i for i, n in enumerate(N) if n < max(N)]
    p = fit(N[rest], D[rest], L[rest])  # noqa: F821
    A, B, E = np.exp(p[:3])
    return [(E + A / n ** p[3] + B / d ** p[4] - y) / y for n, d, y in zip(N, D, L) if n == max(N)]
