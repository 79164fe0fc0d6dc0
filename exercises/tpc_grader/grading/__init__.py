"""One submission from its bytes to its result, whichever way it came."""
