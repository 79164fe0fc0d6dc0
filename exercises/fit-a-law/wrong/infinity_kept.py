"""Only nan counts as diverged: a run with an infinite loss stays."""

PART = "test-columns"


def columns(runs):
    good = [r for r in runs if not np.isnan(r["validation_loss"]) and r["validation_loss"] > 0]
    N = [12 * r["layers"] * r["width"] ** 2 for r in good]
    D = [r["steps"] * r["batch"] * r["window"] for r in good]
    return np.array(N), np.array(D), np.array([r["validation_loss"] for r in good])
