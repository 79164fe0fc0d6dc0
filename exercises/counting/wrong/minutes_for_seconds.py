"""An hour has sixty seconds."""

PART = "test-utilisation"


def utilisation(flops, device_hours, peak):
    return flops / (device_hours * 60 * peak)
