"""Layout of a plan: what is computed from a window, and in which order.

Loaded at a start and released after it. Enters: complete settings. Leaves: the attributes of an
extract.Plan, and a fingerprint of them.
"""

from binascii import crc32

from micropython import const
from nearhum.config import statistics as statistics_of
from nearhum.errors import ConfigError
from nearhum.features.bands import cut, fft_length, millihertz

_MAX_FEATURES = const(128)  # The distance kernels allow no more (viper_nearest.distances).


def lay_out(config):
    """Return the attributes of an extract.Plan as a dict.

    config: complete settings. Raises ConfigError if the bands do not fit the window, or if there
    are more than 128 features.
    """
    n_window = config["n_window"]
    is_spectrum = config["bin_hz"] > 0
    if is_spectrum:  # The window holds the bins of one half of a transform.
        n_fft = 2 * n_window
        rate_mhz = n_fft * millihertz(config["bin_hz"])
    else:
        n_fft = fft_length(n_window)
        rate_mhz = millihertz(config["rate_hz"])
    bands, envelope = [], None
    if config["n_bands"]:
        low, high = millihertz(config["f_low_hz"]), millihertz(config["f_high_hz"])
        bands = cut(
            "n_bands", config["n_bands"], config["spacing"], rate_mhz, low, high, n_fft,
            n_fft // 2,
        )  # fmt: skip
    if config["n_envelope_bands"]:
        from nearhum.features.envelope import EnvelopePlan

        envelope = EnvelopePlan(config)
    statistics = statistics_of(config)
    n_before_bands = (config["mean"] != "off") + len(statistics)
    n_per_channel = n_before_bands + len(bands) + (len(envelope.bands) if envelope else 0)
    n_features = n_per_channel * config["n_channels"]
    if n_features > _MAX_FEATURES:
        raise ConfigError(
            "%d features (%d for each channel)" % (n_features, n_per_channel),
            "at most %d: fewer bands, statistics or channels" % _MAX_FEATURES,
        )
    return {
        "n_channels": config["n_channels"],
        "n_subcarriers": config["n_subcarriers"],
        "n_window": n_window,
        "mean": config["mean"],
        # Examples of words have another form than those of windows, so states of the two differ in
        # their fingerprints. Words adds the fingerprint of its head here.
        "words": ("words",) if config["recognise"] == "words" else (),
        "n_range": config["n_range"],
        "statistics": statistics,
        "aside": statistics_of(config, "aside"),
        "slow": config["slow"],
        "level": config["level"],
        "is_spectrum": is_spectrum,
        "n_fft": n_fft,
        "rate_mhz": rate_mhz,
        "bands": bands,
        "envelope": envelope,
        "n_before_bands": n_before_bands,
        "n_per_channel": n_per_channel,
        "n_features": n_features,
    }


def fingerprint(plan, head):
    """Return a CRC-32 over everything that two embeddings must share to be comparable.

    plan: extract.Plan. head: the head's own fingerprint, int.
    """
    parts = (
        plan.n_channels,
        plan.n_window,
        plan.mean,
        plan.statistics,
        plan.bands,
        plan.rate_mhz,
        head,
    )
    parts += (plan.level, plan.is_spectrum, plan.n_subcarriers)
    if plan.aside or plan.slow:  # The learned state then has more than one view.
        parts += (plan.aside, plan.slow)
    if plan.envelope:
        parts += plan.envelope.parts
    return crc32(repr(parts + plan.words).encode())
