"""Checks: whether a board can start with its settings, before it tries.

Enters: complete settings. Leaves: the plan of their features, or the ConfigError, FormatError or
ImportError that the start would raise. A board loads this while `set` changes a setting. Host tools
run the same file under CPython before they deploy (boards/configuration.py).
"""

import os
import sys

from nearhum.board import driver
from nearhum.errors import ConfigError
from nearhum.features.extract import Plan
from nearhum.features.plan import fingerprint

# Paths of viper's transform begin like this. On an RP2040 one file in assembler replaces them.
OF_TRANSFORM = ("kernels/viper_l", "kernels/viper_s")
MOST_WHITENED = 32  # dimensions, as in embedding/whitening.py, which is not loaded just for this
PINS = ("sda", "scl", "sck", "ws", "sd", "mosi", "miso", "cs")


def whole(config, there=None):
    """Return the Plan of complete settings, if a board can start with them.

    there: function that raises ImportError if a module is not on the board. It is called with the
    path of every module that the settings load. Default: on_board. Raises ConfigError too.
    """
    plan = features(config)
    alarm(config)
    for path in needed(config, plan):
        (there or on_board)(path)
    sensor(config)
    return plan


def features(config):
    """Return the Plan of complete settings. Raises ConfigError."""
    plan = Plan(config)
    if not config["head"]:
        whitened(config, plan.n_features)
    whitened(config, plan.n_channels * len(plan.aside))
    return plan


def whitened(config, n_dims):
    """Raise ConfigError if the settings ask for the covariance of more dimensions than possible."""
    if config["spread"] == "full" and n_dims > MOST_WHITENED:
        raise ConfigError(
            "spread = 'full' with %d dimensions" % n_dims,
            "%d at most: fewer bands or statistics, or a trained head" % MOST_WHITENED,
        )


def alarm(config):
    """Raise ConfigError unless alarm_pin is empty, or an output that the sensor does not use."""
    text, source = config["alarm_pin"], config["source"]
    name, _, level = text.partition(" ")
    taken = [source[key] for key in PINS if key in source] + list(source.get("pins", ()))
    if name.isdigit() and int(name) in taken:
        raise ConfigError("alarm_pin = %r" % text, "a pin that the sensor does not use")
    try:
        if level not in ("", "low"):
            raise ValueError
        if name:
            check_pin(int(name) if name.isdigit() else name)
    except (ValueError, TypeError, OSError):
        raise ConfigError(
            "alarm_pin = %r" % text,
            'the number or the name of an output, and "low" where that is on',
        )


def check_pin(name):
    """Raise ValueError if the chip has no pin of that number or name. Does not change the pin."""
    try:
        from machine import Pin
    except ImportError:
        return  # MicroPython's unix port has no pins.
    Pin(name)


class _Planned:
    """Takes the attributes that a driver's plan() sets."""


def sensor(config):
    """Raise ConfigError if the sensor's driver cannot do what the settings ask."""
    given = config["source"]
    name = given["driver"]
    try:
        source = driver(name)
    except ImportError:
        raise ConfigError("driver = %r: not on the board" % name, "deploy with that driver")
    try:
        if hasattr(source, "plan"):
            source.plan(_Planned(), config, given)
    except KeyError as e:
        raise ConfigError("source has no %s" % e)
    if "wraps" in given:
        inner = dict(config)
        inner["source"] = dict(given)
        inner["source"].update({"driver": inner["source"].pop("wraps")})
        sensor(inner)


def needed(c, plan):
    """Return the paths of the modules that these settings load and not all settings do.

    c: complete settings. plan: their Plan.
    """
    words, full, fixed = c["recognise"] == "words", c["spread"] == "full", c["path"] == "fixed"
    taught = c["teach"] != "off" and not words
    out = []
    for wanted, paths in (
        (True, "features/transform_" + c["path"]),
        (not fixed, "features/arrays/spectrum kernels/viper_float"),
        (not fixed or full, "features/arrays/np"),
        (c["statistics"] or c["aside"], "kernels/viper_moments"),
        (plan.is_spectrum, "features/spectra kernels/viper_bands"),
        (plan.envelope, "features/envelope kernels/viper_filter"),
        (c["level"] == "free", "features/level"),
        (c["n_subcarriers"], "features/packets"),
        (c["mean"] == "ranged", "features/ranges"),
        (c["head"] or full, "embedding/head"),
        (c["head"], "embedding/positions kernels/viper_pool"),
        (c["slow"] or c["aside"], "detection/view"),
        (c["drift_budget"], "detection/drift"),
        (full, "detection/covariance embedding/whitening kernels/viper_outer"),
        (not words, "recognition/windows kernels/viper_most"),
        (words, "recognition/words recognition/templates kernels/viper_words"),
        (words and c["head"], "recognition/context"),
        (taught, "recognition/near recognition/quarantine guard/budget"),
        (c["prior"], "storage/prior"),
        (c["watchdog_s"], "guard/watchdog"),
        (c["alarm_pin"], "outputs/pin"),
    ):
        if wanted:
            out += paths.split()
    of = [plan.n_fft] if fixed and plan.bands and not plan.is_spectrum else []
    for n in of + ([plan.envelope.n_fft] if plan.envelope else []):
        out.append("kernels/viper_last" + ("8" if n & 0x540 else "4"))  # kernels.last_stage
        out.append("kernels/viper_spectrum")
    return out


def on_board(path):
    """Raise ImportError if the board has no module at that path. Loads nothing."""
    from nearhum import kernels

    if kernels.VARIANT == "asm" and path[:15] in OF_TRANSFORM:
        path = "kernels/thumb_spectrum"
    package = sys.modules["nearhum"]
    folder = getattr(package, "__path__", "nearhum")
    if "nearhum." + path.replace("/", ".") in sys.modules or folder[:7] == ".frozen":
        return
    for end in (".mpy", ".py"):
        try:
            os.stat(folder + "/" + path + end)
            return
        except OSError:
            pass
    raise ImportError(path)


def prints(config, plan, hum):
    """Return the fingerprint of a state that is learned with these settings.

    config, plan: the new settings. hum: the running pipeline. The head's file is opened only if it
    may differ from the pipeline's head. Raises ConfigError, FormatError.
    """
    path, head = config["head"], 0
    same = path == hum.config["head"] and plan.n_features == hum.plan.n_features
    same = same and bool(plan.words) == bool(hum.plan.words)
    if same:
        whitened(config, hum.head.n_out)
        plan.words, head = hum.plan.words, hum.head.fingerprint
    elif path and plan.words:
        from nearhum.kernels.viper_words import N_CEPSTRA
        from nearhum.recognition.context import WIDTH

        plan.words += (_opened(path, WIDTH * N_CEPSTRA).fingerprint,)
    elif path:
        network = _opened(path, plan.n_features)
        whitened(config, network.n_out)
        head = network.fingerprint
    return fingerprint(plan, head)


def _opened(path, n):
    from nearhum.embedding.head import opened

    return opened(path, n)


def near(name, known):
    """Return ": did you mean X?" with the most similar of the known names, or ""."""
    best, most = "", 0
    for other in known:
        n = sum([2 for i in range(len(name) - 1) if name[i : i + 2] in other])
        n -= abs(len(other) - len(name))
        if n > most:
            best, most = other, n
    return ": did you mean %s?" % best if most >= len(name) // 2 else ""
