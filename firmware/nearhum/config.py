"""Settings: one table with name, type, range and, for who reads it, meaning; defaults keyed by the kind of signal.

Leaf. A board file names the kind; whatever it (or the user, with `set`) says beyond that overrides the kind's defaults.
Everything is validated here, before the first sample, with the name, the value, the allowed range and the remedy.
"""

from nearhum.errors import ConfigError
from nearhum.wire import LEARN_WINDOWS

KINDS = ("telemetry", "vibration", "motion", "audio", "spectra", "radio")
STATISTICS = ("rms", "peak", "crest", "kurtosis", "zero_crossings")

# name: (low, high) for numbers, (choices,) for words, (None,) for free text.
SETTINGS = {
    "board": (None,),  # name of the board file
    "kind": (KINDS,),  # kind of signal, chooses the defaults
    "path": (("fixed", "float"),),  # numeric path: kernels on integers, or ulab on floats
    "rate_hz": (0.001, 100000),  # samples a second and channel
    "n_channels": (1, 8),  # channels of the sensor, or made of its subcarriers
    "n_subcarriers": (0, 128),  # subcarriers of a Wi-Fi packet, a frame of which n_channels are made; 0: samples
    "n_window": (2, 1024),  # samples in a window
    "n_hop": (1, 1024),  # samples from one window to the next, at most n_window
    "bin_hz": (0, 50000),  # width of a bin, where a window is a spectrum that was computed elsewhere; 0: samples
    "mean": (("off", "scaled", "ranged"),),  # channel means as features: full scale = 127, or by their own spread
    "n_range": (8, 1000),  # windows that set the scale of ranged means before learning
    "statistics": (None,),  # comma-separated, of rms peak crest kurtosis zero_crossings, or empty
    "n_bands": (0, 32),  # log band energies a channel
    "level": (("kept", "free"),),  # bands as they are, or each less their mean: loudness does not count then
    "spacing": (("linear", "log", "mel"),),  # how the bands divide the range of frequencies
    "f_low_hz": (0, 50000),  # lower edge of the first band; 0: the lowest there is
    "f_high_hz": (0, 50000),  # upper edge of the last band; 0: half the sampling rate
    "n_envelope_bands": (0, 32),  # log bands of the envelope spectrum a channel; 0: none
    "envelope_low_hz": (0, 50000),  # lower edge of the band of frequencies whose envelope is taken
    "envelope_high_hz": (0, 50000),  # upper edge of that band, at most 0.45 of rate_hz
    "envelope_top_hz": (0, 50000),  # upper edge of the last envelope band; 0: half of that band's width
    "head": (None,),  # path of an int8 head file on the board, or empty for none
    "learn_windows": LEARN_WINDOWS,  # windows of a learning period that `learn` was not told the length of
    "settle_s": (0.0, 3600),  # seconds after `learn` that are not learned: who typed it leaves
    "n_modes": (1, 8),  # normal prototypes at most, of the modes found while learning
    "prior": (None,),  # path of a learned state to start from, or empty for none
    "prior_weight": (1, 16000000),  # windows it counts as at most
    "spread": (("diagonal", "full"),),  # a distance is measured by a spread a feature, or by their covariance
    "spread_floor": (1, 64),  # steps of a feature: a spread below counts as this
    "smooth": (1, 256),  # share of a new score in the smoothed one, of 256; 256: no smoothing
    "alarms_per_day": (0.001, 1000),  # false alarms a day that the threshold is set for
    "alarm_m": (1, 30),  # windows over the threshold, of the last alarm_n, that raise an alarm
    "alarm_n": (1, 30),  # see alarm_m
    "release": (0, 255),  # an alarm ends under this share, of 256, of the way from the threshold to its fading peak
    "fade": (1, 1000000),  # windows in which the remembered peak of an alarm fades by an octave
    "drift_budget": (0, 64),  # spreads that normal may creep away from what was learned; 0: it stands still
    "drift_windows": (16, 4096),  # windows in which a window's share of what creeps is followed
    "recognise": (("windows", "words"),),  # what an example is: a window, or what was said between two silences
    "reject": (0, 8192),  # an example this many 1/256 octaves beyond the spread of the examples is unknown
    "label_m": (1, 30),  # windows of the last label_n that announce a label
    "label_n": (1, 30),  # see label_m
    "teach": (("off", "ask", "auto"),),  # near misses before a hit: wait for `accept`, or are accepted in budget
    "teach_s": (0.001, 3600.0),  # seconds from near miss to hit
    "teach_budget": (0.0, 1000.0),  # spreads that they may move a label
    "teach_days": (0.001, 10000.0),  # days that takes at least
    "watchdog_s": (0, 8),  # seconds after which the chip resets a board whose loop stalls; 0: it does not
    "alarm_pin": (None,),  # output that shows the alarm: "25", "LED", "25 low" for one that is on while low; or empty
}

_COMMON = {
    "board": "",
    "kind": "vibration",
    "path": "fixed",
    "mean": "off",
    "n_range": 40,
    "statistics": "",
    "n_bands": 0,
    "n_subcarriers": 0,
    "bin_hz": 0,
    "level": "kept",
    "settle_s": 0,
    "spacing": "log",
    "f_low_hz": 0,
    "f_high_hz": 0,
    "n_envelope_bands": 0,
    "envelope_low_hz": 0,
    "envelope_high_hz": 0,
    "envelope_top_hz": 0,
    "head": "",
    "prior": "",
    "prior_weight": 200,
    "learn_windows": 400,
    "n_modes": 8,
    "spread": "diagonal",
    "spread_floor": 2,
    "smooth": 128,
    "alarms_per_day": 1,
    "alarm_m": 1,
    "alarm_n": 1,
    "release": 0,
    "fade": 256,
    "recognise": "windows",
    "drift_budget": 0,
    "drift_windows": 128,
    "reject": 512,
    "label_m": 1,
    "label_n": 1,
    "teach": "off",
    "teach_s": 5,
    "teach_budget": 3,
    "teach_days": 7,
    "watchdog_s": 0,
    "alarm_pin": "",
}

# One default setting per kind of signal. Rates are those the kind is usually sampled at; a board file states its own.
_KIND = {
    # slow rows of physical quantities: the mean of 32 rows, a step a 40th of its spread, scores smoothed over 4
    "telemetry": {
        "rate_hz": 1, "n_channels": 1, "n_window": 32, "n_hop": 1, "mean": "ranged", "smooth": 64,
        "spread": "full", "release": 90, "fade": 512, "drift_budget": 3, "drift_windows": 200,
        "label_m": 2, "label_n": 3,
    },
    # a bearing's or motor's acceleration: band energies and their sum; a spread below 2 dB is not believed
    "vibration": {
        "rate_hz": 4000, "n_channels": 3, "n_window": 1024, "n_hop": 512, "n_bands": 12, "statistics": "rms",
        "spread_floor": 5, "label_m": 2, "label_n": 3,
    },
    # a limb or a handle: posture (means), effort (rms) and rhythm (bands) over four seconds
    "motion": {
        "rate_hz": 50, "n_channels": 6, "n_window": 200, "n_hop": 200, "mean": "scaled", "n_bands": 6,
        "statistics": "rms", "f_low_hz": 0.4, "f_high_hz": 12, "spread_floor": 3, "learn_windows": 30, "smooth": 256,
        "teach": "ask", "teach_s": 20,
    },
    # sound: mel bands of 32 ms every 16 ms (at 8 kHz: n_window 256, n_hop 128), and the words among it
    "audio": {
        "rate_hz": 16000, "n_channels": 1, "n_window": 512, "n_hop": 256, "n_bands": 20, "spacing": "mel",
        "f_low_hz": 100, "spread_floor": 5, "recognise": "words", "reject": 48,
    },
    # spectra from elsewhere, one a window: where the energy lies, not how much there is
    "spectra": {
        "rate_hz": 512, "n_channels": 1, "n_window": 512, "n_hop": 512, "bin_hz": 1, "n_bands": 24,
        "spacing": "linear", "level": "free", "smooth": 64,
    },
    # a radio's receiver: how strong, and how unsteady, each part of the channel is
    "radio": {
        "rate_hz": 100, "n_channels": 8, "n_subcarriers": 64, "n_window": 100, "n_hop": 20, "mean": "scaled",
        "statistics": "rms", "smooth": 64, "settle_s": 1.5,
    },
}  # fmt: skip

SOURCE = "source"  # the one nested entry: {"driver": name, ...}; its keys are the driver's own


def defaults(kind):
    """Return a new dict with the default of every setting for this kind."""
    if kind not in KINDS:
        raise ConfigError("kind = %r" % (kind,), "one of " + ", ".join(KINDS))
    out = dict(_COMMON)
    out.update(_KIND[kind])
    out["kind"] = kind
    return out


def check(name, value):
    """Return value if the setting of that name may have it; raise ConfigError with the allowed range if not."""
    if name not in SETTINGS:
        raise ConfigError("no setting is called %r" % (name,), "`get` lists them")
    rule = SETTINGS[name]
    if rule[0] is None:
        if not isinstance(value, str) or len(value) > 64:
            raise ConfigError("%s = %r" % (name, value), "a text of at most 64 characters")
    elif isinstance(rule[0], tuple):
        if value not in rule[0]:
            raise ConfigError("%s = %r" % (name, value), "one of " + ", ".join(rule[0]))
    else:
        whole = isinstance(rule[0], int) and not name.endswith("_hz")
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and rule[0] <= value <= rule[1]
        if not fits or whole and int(value) != value:
            kind = "a whole number" if whole else "a number"
            raise ConfigError("%s = %r" % (name, value), "%s from %s to %s" % (kind, rule[0], rule[1]))
        if whole:
            value = int(value)
    return value


def parse(name, text):
    """Return the value that the words of a console line give a setting; checked."""
    if name in SETTINGS and SETTINGS[name][0] is not None and not isinstance(SETTINGS[name][0], tuple):
        try:
            return check(name, float(text) if "." in text or "e" in text else int(text))
        except ValueError:
            return check(name, text)
    return check(name, text)


def complete(given):
    """Return every setting: the kind's defaults overridden by `given`, each checked, then checked together."""
    for name in given:
        if name != SOURCE:
            check(name, given[name])
    out = defaults(given.get("kind", _COMMON["kind"]))
    for name in given:
        out[name] = given[name] if name == SOURCE else check(name, given[name])
    if SOURCE not in out or not isinstance(out[SOURCE], dict) or "driver" not in out[SOURCE]:
        raise ConfigError("source = %r" % (out.get(SOURCE),), 'a table with a driver, {"driver": "replay", ...}')
    _together(out)
    return out


def statistics(config):
    """Return the tuple of names in the setting `statistics`."""
    return tuple([word.strip() for word in config["statistics"].split(",") if word.strip()])


def frame_values(config):
    """Return the int16 values of a frame as the source delivers it."""
    return config["n_subcarriers"] or config["n_channels"]


def _together(c):
    # what one value alone cannot tell
    half, of_what = c["rate_hz"] / 2, "half of rate_hz"
    if c["bin_hz"]:
        half, of_what = c["bin_hz"] * c["n_window"], "n_window * bin_hz"
        _spectrum(c)
    if 0 < c["n_subcarriers"] < c["n_channels"]:
        raise ConfigError("n_subcarriers = %d" % c["n_subcarriers"], "at least n_channels = %d" % c["n_channels"])
    if c["n_hop"] > c["n_window"]:
        raise ConfigError("n_hop = %d" % c["n_hop"], "at most n_window = %d" % c["n_window"])
    if c["alarm_m"] > c["alarm_n"]:
        raise ConfigError("alarm_m = %d" % c["alarm_m"], "at most alarm_n = %d" % c["alarm_n"])
    if c["label_m"] > c["label_n"]:
        raise ConfigError("label_m = %d" % c["label_m"], "at most label_n = %d" % c["label_n"])
    for name in statistics(c):
        if name not in STATISTICS:
            raise ConfigError("statistics names %r" % name, "of " + ", ".join(STATISTICS))
    if c["n_bands"] and c["n_window"] < 32:
        raise ConfigError("n_window = %d with bands" % c["n_window"], "at least 32, or n_bands = 0")
    if c["f_high_hz"] > half:
        raise ConfigError("f_high_hz = %s" % c["f_high_hz"], "at most %s, %s" % (of_what, half))
    if c["f_low_hz"] >= (c["f_high_hz"] or half):
        raise ConfigError("f_low_hz = %s" % c["f_low_hz"], "below f_high_hz, or %s" % of_what)
    if c["recognise"] == "words" and c["n_bands"] < 10:
        raise ConfigError("n_bands = %d for words" % c["n_bands"], "at least 10, or recognise = windows")
    if c["n_envelope_bands"]:
        _envelope(c)
    elif not c["n_bands"] and c["mean"] == "off" and not statistics(c):
        raise ConfigError("no feature is on", "set n_bands, statistics or mean")


def _spectrum(c):
    if c["n_hop"] != c["n_window"]:
        raise ConfigError(
            "n_hop = %d with bin_hz" % c["n_hop"], "n_window = %d: a window is a spectrum" % c["n_window"]
        )
    if not c["n_bands"] or c["n_envelope_bands"] or statistics(c) or c["mean"] != "off":
        raise ConfigError(
            "bin_hz = %s" % c["bin_hz"], "with n_bands alone: a spectrum has no mean, statistics, envelope"
        )


def _envelope(c):
    low, high, top, rate = c["envelope_low_hz"], c["envelope_high_hz"], c["envelope_top_hz"], c["rate_hz"]
    if low * 1000 < rate:
        raise ConfigError(
            "envelope_low_hz = %s with n_envelope_bands" % low, "at least rate_hz / 1000, or no such bands"
        )
    if not low < high:
        raise ConfigError("envelope_high_hz = %s" % high, "above envelope_low_hz = %s" % low)
    if high * 20 > rate * 9:
        raise ConfigError("envelope_high_hz = %s" % high, "at most 0.45 of rate_hz = %s" % rate)
    if top > low:
        raise ConfigError("envelope_top_hz = %s" % top, "at most envelope_low_hz = %s" % low)
