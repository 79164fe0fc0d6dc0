def flops(parameters: float, tokens: float) -> float:
    """Return the work of training, about six operations for each parameter and token."""
    return 6 * parameters * tokens
