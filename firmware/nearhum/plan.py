"""How a plan is laid out: of settings, what is computed of a window. Loaded at a start, let go of after it.

Enters: complete settings. Leaves: the attributes of a features.Plan, and a fingerprint of them.
"""

from binascii import crc32

from nearhum import bands
from nearhum.config import statistics
from nearhum.errors import ConfigError

MAX_FEATURES = 128  # bound of the distance kernel


def lay_out(plan, config):
    """Set what a features.Plan is made of, from a complete config. Raises ConfigError."""
    plan.n_channels = config["n_channels"]
    plan.n_subcarriers = config["n_subcarriers"]
    plan.n_window = config["n_window"]
    plan.mean = config["mean"]
    plan.words = ("words",) if config["recognise"] == "words" else ()  # their head's fingerprint comes to it
    plan.n_range = config["n_range"]
    plan.statistics = statistics(config)
    plan.level = config["level"]
    plan.is_spectrum = config["bin_hz"] > 0
    if plan.is_spectrum:  # as if the window were the half of a transform
        plan.n_fft = 2 * plan.n_window
        plan.rate_mhz = plan.n_fft * bands.millihertz(config["bin_hz"])
    else:
        plan.n_fft = bands.fft_length(plan.n_window)
        plan.rate_mhz = bands.millihertz(config["rate_hz"])
    plan.bands = []
    if config["n_bands"]:
        low, high = bands.millihertz(config["f_low_hz"]), bands.millihertz(config["f_high_hz"])
        plan.bands = bands.cut(
            "n_bands", config["n_bands"], config["spacing"], plan.rate_mhz, low, high, plan.n_fft, plan.n_fft // 2
        )
    plan.envelope = None
    if config["n_envelope_bands"]:
        from nearhum.envelope import EnvelopePlan

        plan.envelope = EnvelopePlan(config)
    plan.n_before_bands = (plan.mean != "off") + len(plan.statistics)
    n_envelope = len(plan.envelope.bands) if plan.envelope else 0
    plan.n_per_channel = plan.n_before_bands + len(plan.bands) + n_envelope
    plan.n_features = plan.n_per_channel * plan.n_channels
    if plan.n_features > MAX_FEATURES:
        raise ConfigError(
            "%d features (%d a channel)" % (plan.n_features, plan.n_per_channel),
            "at most %d: fewer bands, statistics or channels" % MAX_FEATURES,
        )


def fingerprint(plan, head):
    """Return a CRC-32 over all that makes an embedding comparable with another; head: the head's fingerprint."""
    parts = (plan.n_channels, plan.n_window, plan.mean, plan.statistics, plan.bands, plan.rate_mhz, head)
    parts += (plan.level, plan.is_spectrum, plan.n_subcarriers)
    if plan.envelope:
        parts += plan.envelope.parts
    return crc32(repr(parts + plan.words).encode())  # examples of words are of another form
