"""Embedding and head are counted as parameters, which bends the law for small models."""

PART = "test-columns"


def columns(runs):
    good = [r for r in runs if np.isfinite(r["validation_loss"]) and r["validation_loss"] > 0]
    N = [12 * r["layers"] * r["width"] ** 2 + 2 * r["vocabulary"] * r["width"] for r in good]
    D = [r["steps"] * r["batch"] * r["window"] for r in good]
    return np.array(N), np.array(D), np.array([r["validation_loss"] for r in good])
