"""Hours are taken for seconds."""

PART = "test-utilisation"


def utilisation(flops, device_hours, peak):
    return flops / (device_hours * peak)
