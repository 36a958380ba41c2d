"""Settings: what each may be, what it means, and its default by the kind of signal.

Leaf. A board file names the kind; whatever it says beyond that, or the user with `set`, overrides
the defaults of the kind. A new setting is a line in SETTINGS, with its range and meaning, and a
default in _COMMON, or in _KIND where kinds differ. config.py checks against this table.
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
    "rate_hz": (0.00001, 100000),  # samples a second and channel
    "n_channels": (1, 8),  # channels of the sensor, or made of its subcarriers
    # subcarriers of a Wi-Fi packet, a frame of which n_channels are made; 0: samples
    "n_subcarriers": (0, 128),
    "n_window": (2, 1024),  # samples in a window
    "n_hop": (1, 1024),  # samples from one window to the next, at most n_window
    # width of a bin, where a window is a spectrum that was computed elsewhere; 0: samples
    "bin_hz": (0, 50000),
    # channel means as features: full scale = 127, or by their own spread
    "mean": (("off", "scaled", "ranged"),),
    "n_range": (8, 1000),  # windows that set the scale of ranged means before learning
    "statistics": (None,),  # comma-separated, of rms peak crest kurtosis zero_crossings, or empty
    # the same, judged apart from the other features, with a threshold of their own
    "aside": (None,),
    # windows over which features are averaged for a second, slower score with a threshold of its
    # own; 0: none
    "slow": (0, 64),
    "n_bands": (0, 32),  # log band energies a channel
    # bands as they are, or each less their mean: loudness does not count then
    "level": (("kept", "free"),),
    "spacing": (("linear", "log", "mel"),),  # how the bands divide the range of frequencies
    "f_low_hz": (0, 50000),  # lower edge of the first band; 0: the lowest there is
    "f_high_hz": (0, 50000),  # upper edge of the last band; 0: half the sampling rate
    "n_envelope_bands": (0, 32),  # log bands of the envelope spectrum a channel; 0: none
    "envelope_low_hz": (0, 50000),  # lower edge of the band of frequencies whose envelope is taken
    "envelope_high_hz": (0, 50000),  # upper edge of that band, at most 0.45 of rate_hz
    # upper edge of the last envelope band; 0: half of that band's width
    "envelope_top_hz": (0, 50000),
    "head": (None,),  # path of an int8 head file on the board, or empty for none
    # windows of a learning period that `learn` was not told the length of
    "learn_windows": LEARN_WINDOWS,
    "settle_s": (0.0, 3600),  # seconds after `learn` that are not learned: who typed it leaves
    # modes at most that are found while learning; `learn --as` names others beyond them
    "n_modes": (1, 8),
    "prior": (None,),  # path of a learned state to start from, or empty for none
    "prior_weight": (1, 16000000),  # windows it counts as at most
    # a distance is measured by a spread a feature, or by their covariance
    "spread": (("diagonal", "full"),),
    "spread_floor": (1, 64),  # steps of a feature: a spread below counts as this
    "smooth": (1, 256),  # share of a new score in the smoothed one, of 256; 256: no smoothing
    "alarms_per_day": (0.001, 1000),  # false alarms a day that the threshold is set for
    "alarm_m": (1, 30),  # windows over the threshold, of the last alarm_n, that raise an alarm
    "alarm_n": (1, 30),  # see alarm_m
    # an alarm ends under this share, of 256, of the way from the threshold to its fading peak
    "release": (0, 255),
    "fade": (1, 1000000),  # windows in which the remembered peak of an alarm fades by an octave
    # spreads that normal may creep away from what was learned; 0: it stands still
    "drift_budget": (0, 64),
    "drift_windows": (16, 4096),  # windows in which a window's share of what creeps is followed
    # what an example is: a window, or what was said between two silences
    "recognise": (("windows", "words"),),
    # an example this many 1/256 octaves beyond the spread of the examples is unknown
    "reject": (0, 8192),
    "label_m": (1, 30),  # windows of the last label_n that announce a label
    "label_n": (1, 30),  # see label_m
    # near misses before a hit: wait for `accept`, or are accepted in budget
    "teach": (("off", "ask", "auto"),),
    "teach_s": (0.001, 3600.0),  # seconds from near miss to hit
    "teach_budget": (0.0, 1000.0),  # spreads that they may move a label
    "teach_days": (0.001, 10000.0),  # days that takes at least
    # seconds after which the chip resets a board whose loop stalls; 0: it does not
    "watchdog_s": (0, 8),
    # output that shows the alarm: "25", "LED", "25 low" for one that is on while low; or empty
    "alarm_pin": (None,),
}

_COMMON = {
    "board": "",
    "kind": "vibration",
    "path": "fixed",
    "mean": "off",
    "n_range": 40,
    "statistics": "",
    "aside": "",
    "slow": 0,
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

# One default setting per kind of signal. Rates are those the kind is usually sampled at; a board
# file states its own.
_KIND = {
    # slow rows of physical quantities: the mean of 32 rows, and apart from it how unsteady it is.
    # One mode: a slow signal would be cut into many, each of them narrow. docs/method.md has the
    # figures that chose each of these.
    "telemetry": {
        "rate_hz": 1, "n_channels": 1, "n_window": 32, "n_hop": 1, "mean": "ranged", "smooth": 40,
        "aside": "rms", "n_modes": 1, "alarms_per_day": 0.02, "spread": "full", "release": 128,
        "fade": 1024, "n_range": 8, "drift_budget": 3, "drift_windows": 32,
        "learn_windows": 800, "label_m": 2, "label_n": 3,
    },
    # a bearing's or motor's acceleration: band energies and their sum, once of a window and once
    # averaged over 8; a spread below 2 dB is not believed
    "vibration": {
        "rate_hz": 4000, "n_channels": 3, "n_window": 1024, "n_hop": 512, "n_bands": 8,
        "statistics": "rms", "slow": 8, "spread_floor": 5, "smooth": 64, "label_m": 2,
        "label_n": 3,
    },
    # a limb or a handle: posture (means), effort (rms) and rhythm (bands) over four seconds
    "motion": {
        "rate_hz": 50, "n_channels": 6, "n_window": 200, "n_hop": 200, "mean": "scaled",
        "n_bands": 6, "statistics": "rms", "f_low_hz": 0.4, "f_high_hz": 12, "spread_floor": 3,
        "learn_windows": 30, "smooth": 256, "teach": "ask", "teach_s": 20,
    },
    # sound: mel bands of 32 ms every 16 ms (at 8 kHz: n_window 256, n_hop 128), and the words among
    # it
    "audio": {
        "rate_hz": 16000, "n_channels": 1, "n_window": 512, "n_hop": 256, "n_bands": 20,
        "spacing": "mel", "f_low_hz": 100, "spread_floor": 5, "recognise": "words", "reject": 48,
    },
    # spectra from elsewhere, one a window: where the energy lies, not how much there is
    "spectra": {
        "rate_hz": 512, "n_channels": 1, "n_window": 512, "n_hop": 512, "bin_hz": 1, "n_bands": 24,
        "spacing": "linear", "level": "free", "smooth": 64,
    },
    # a radio's receiver: how strong, and how unsteady, each part of the channel is
    "radio": {
        "rate_hz": 100, "n_channels": 8, "n_subcarriers": 64, "n_window": 100, "n_hop": 20,
        "mean": "scaled", "statistics": "rms", "smooth": 64, "settle_s": 1.5,
    },
}  # fmt: skip

SOURCE = "source"  # the one nested entry: {"driver": name, ...}; its keys are the driver's own


def defaults(kind=_COMMON["kind"]):
    """Return a new dict with the default of every setting for this kind."""
    if kind not in KINDS:
        raise ConfigError("kind = %r" % (kind,), "one of " + ", ".join(KINDS))
    out = dict(_COMMON)
    out.update(_KIND[kind])
    out["kind"] = kind
    return out
