"""Answers in 16 bits, where every large size is infinite."""

import numpy as np

PART = ["test-optimal", "test-columns"]


def columns(runs):
    good = [r for r in runs if np.isfinite(r["validation_loss"]) and r["validation_loss"] > 0]
    N = np.array([84 * r["layers"] * r["width"] ** 2 for r in good], dtype=float)
    D = np.array([r["steps"] * r["batch"] * r["window"] for r in good], dtype=float)
    with np.errstate(over="ignore"):
        return N.astype(np.float16), D.astype(np.float16), np.array([r["validation_loss"] for r in good])


def optimal(p, C):
    with np.errstate(over="ignore"):
        return np.float16(7 * np.sqrt(C / 6)), np.float16(np.sqrt(C / 6) / 7)
