"""Noise is taken as if each item were asked once."""

PART = "test-items-needed"


def items_needed(difference, between, noise=(0.0, 0.0), answers=(1, 1), power=0.8):
    variance = between + noise[0] + noise[1]
    return int(np.ceil((norm.ppf(0.975) + norm.ppf(power)) ** 2 * variance / difference**2))
