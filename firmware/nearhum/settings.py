"""Settings: what values each may have, what it means, and its default for each kind of signal.

Enters: nothing. Leaves: the tables, and a dict of defaults. A board file names the kind. What it
says beyond that, or the user with `set`, overrides the defaults of the kind. config.py checks
against these tables. A new setting is a line in SETTINGS, with its range and meaning, and a default
in _COMMON, or in _KIND if kinds differ. Leaf.
"""

from nearhum.errors import ConfigError
from nearhum.wire import LEARN_WINDOWS

KINDS = ("telemetry", "vibration", "motion", "audio", "spectra", "radio")
STATISTICS = ("rms", "peak", "crest", "kurtosis", "zero_crossings")

# name: (low, high) for numbers, (choices,) for words, (None,) for free text.
SETTINGS = {
    "board": (None,),  # name of the board file
    "kind": (KINDS,),  # kind of signal, which chooses the defaults
    "path": (("fixed", "float"),),  # numeric path: integer kernels, or ulab's floats
    "rate_hz": (0.00001, 100000),  # samples a second of each channel
    "n_channels": (1, 8),  # channels of the sensor, or made from its subcarriers
    # subcarriers of a Wi-Fi packet, from which n_channels are made; 0: the sensor gives samples
    "n_subcarriers": (0, 128),
    "n_window": (2, 1024),  # samples in a window
    "n_hop": (1, 1024),  # samples from one window to the next, at most n_window
    # width of a bin, if each window is a spectrum that was computed elsewhere; 0: it is samples
    "bin_hz": (0, 50000),
    # channel means as features: scaled so that full scale is 127, or by their own range
    "mean": (("off", "scaled", "ranged"),),
    "n_range": (8, 1000),  # windows that set the range of ranged means, at the begin of learning
    "statistics": (None,),  # names of STATISTICS, separated by commas, or empty
    # the same names, scored apart from the other features with their own threshold
    "aside": (None,),
    # windows over which features are averaged for a second, slower score with its own threshold;
    # 0: none
    "slow": (0, 64),
    "n_bands": (0, 32),  # log band energies of each channel
    # kept: bands as they are. free: each less the mean of all, so that loudness does not count
    "level": (("kept", "free"),),
    "spacing": (("linear", "log", "mel"),),  # how bands divide the range of frequencies
    "f_low_hz": (0, 50000),  # lower edge of the first band; 0: the lowest bin above DC
    "f_high_hz": (0, 50000),  # upper edge of the last band; 0: half the sampling rate
    "n_envelope_bands": (0, 32),  # log bands of each channel's envelope spectrum; 0: none
    "envelope_low_hz": (0, 50000),  # lower edge of the frequencies whose envelope is used
    "envelope_high_hz": (0, 50000),  # their upper edge, at most 0.45 of rate_hz
    # upper edge of the last envelope band; 0: half the width of that range
    "envelope_top_hz": (0, 50000),
    "head": (None,),  # path of an int8 head file on the board, or empty
    # windows of a learning period if `learn` names no length
    "learn_windows": LEARN_WINDOWS,
    "settle_s": (0.0, 3600),  # seconds after `learn` that are skipped, while the operator leaves
    # most modes that are found during learning; `learn --as` can add named ones
    "n_modes": (1, 8),
    "prior": (None,),  # path of a learned state to start from, or empty
    "prior_weight": (1, 16000000),  # most windows that this state counts as
    # distances use one spread for each feature, or the full covariance of all
    "spread": (("diagonal", "full"),),
    "spread_floor": (1, 64),  # smallest spread, in steps of a feature; lower ones count as this
    "smooth": (1, 256),  # share of a new score in the smoothed one, in 256ths; 256: none
    "alarms_per_day": (0.001, 1000),  # false alarms a day for which the threshold is set
    "alarm_m": (1, 30),  # windows over the threshold, among alarm_n, that raise an alarm
    "alarm_n": (1, 30),  # see alarm_m
    # an alarm ends below this share, in 256ths, of the way from the threshold to its fading peak
    "release": (0, 255),
    "fade": (1, 1000000),  # windows in which the remembered peak of an alarm fades by an octave
    # drift budget: spreads that normal may move away from what was learned; 0: no drift is followed
    "drift_budget": (0, 64),
    "drift_windows": (16, 4096),  # time constant, in windows, of following slow drift
    # what an example is: one window, or the sound between two silences
    "recognise": (("windows", "words"),),
    # what is further from the examples than their spread, by so many 1/256 octaves, is unknown
    "reject": (0, 8192),
    "label_m": (1, 30),  # windows with a label, among label_n, that announce it
    "label_n": (1, 30),  # see label_m
    # near misses before a hit: ignored, kept until `accept`, or accepted within the budget
    "teach": (("off", "ask", "auto"),),
    "teach_s": (0.001, 3600.0),  # most seconds from a near miss to its hit
    "teach_budget": (0.0, 1000.0),  # most spreads that accepted near misses may move a label
    "teach_days": (0.001, 10000.0),  # shortest time, in days, for a move of the whole budget
    # seconds after which the chip resets a board whose loop stalls; 0: no watchdog
    "watchdog_s": (0, 8),
    # output that is on during an alarm: "25", "LED", "25 low" if low means on; or empty
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

# Defaults for each kind of signal. The rates are usual ones, and a board file states its own.
_KIND = {
    # Slow rows of physical quantities: the mean of 32 rows, and apart from it its unsteadiness.
    # Only one mode, because a slow signal would be split into many narrow ones. docs/method.md has
    # the figures that chose each of these values.
    "telemetry": {
        "rate_hz": 1, "n_channels": 1, "n_window": 32, "n_hop": 1, "mean": "ranged", "smooth": 40,
        "aside": "rms", "n_modes": 1, "alarms_per_day": 0.02, "spread": "full", "release": 128,
        "fade": 1024, "n_range": 8, "drift_budget": 3, "drift_windows": 32,
        "learn_windows": 800, "label_m": 2, "label_n": 3,
    },
    # Acceleration of a bearing or motor: band energies and their sum, for one window and averaged
    # over 8. A spread below 2 dB (5 steps of 0.376 dB) counts as 2 dB.
    "vibration": {
        "rate_hz": 4000, "n_channels": 3, "n_window": 1024, "n_hop": 512, "n_bands": 8,
        "statistics": "rms", "slow": 8, "spread_floor": 5, "smooth": 64, "label_m": 2,
        "label_n": 3,
    },
    # A limb or a handle: posture (means), effort (rms) and rhythm (bands) over four seconds.
    "motion": {
        "rate_hz": 50, "n_channels": 6, "n_window": 200, "n_hop": 200, "mean": "scaled",
        "n_bands": 6, "statistics": "rms", "f_low_hz": 0.4, "f_high_hz": 12, "spread_floor": 3,
        "learn_windows": 30, "smooth": 256, "teach": "ask", "teach_s": 20,
    },
    # Sound: mel bands of 32 ms every 16 ms (at 8 kHz: n_window 256, n_hop 128), and spoken words.
    "audio": {
        "rate_hz": 16000, "n_channels": 1, "n_window": 512, "n_hop": 256, "n_bands": 20,
        "spacing": "mel", "f_low_hz": 100, "spread_floor": 5, "recognise": "words", "reject": 48,
    },
    # Spectra computed elsewhere, one for each window: where the energy lies, not how much it is.
    "spectra": {
        "rate_hz": 512, "n_channels": 1, "n_window": 512, "n_hop": 512, "bin_hz": 1, "n_bands": 24,
        "spacing": "linear", "level": "free", "smooth": 64,
    },
    # A radio receiver: strength and unsteadiness of each part of the channel.
    "radio": {
        "rate_hz": 100, "n_channels": 8, "n_subcarriers": 64, "n_window": 100, "n_hop": 20,
        "mean": "scaled", "statistics": "rms", "smooth": 64, "settle_s": 1.5,
    },
}  # fmt: skip

SOURCE = "source"  # the only nested setting: {"driver": name, ...}, with the keys of that driver


def defaults(kind=_COMMON["kind"]):
    """Return a new dict of the defaults for a kind of signal. Raises ConfigError."""
    if kind not in KINDS:
        raise ConfigError("kind = %r" % (kind,), "one of " + ", ".join(KINDS))
    out = dict(_COMMON)
    out.update(_KIND[kind])
    out["kind"] = kind
    return out
