"""Config: checks every setting of a board, each alone and all of them together.

Enters: the contents of a board file, and what the user changed with `set`. Leaves: a dict with a
value for every setting of the table in settings.py. Everything is checked here, before the first
sample. Each error has the name, the value, the allowed range and the remedy.
"""

from nearhum.errors import ConfigError
from nearhum.settings import SETTINGS, SOURCE, STATISTICS, defaults


def check(name, value):
    """Return value as the setting `name` stores it.

    Raises ConfigError with the allowed range if the setting cannot have that value.
    """
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
        fits = (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and rule[0] <= value <= rule[1]
        )
        if not fits or whole and int(value) != value:
            kind = "a whole number" if whole else "a number"
            raise ConfigError(
                "%s = %r" % (name, value), "%s from %s to %s" % (kind, rule[0], rule[1])
            )
        if whole:
            value = int(value)
    return value


def parse(name, text):
    """Return the checked value of a setting. text: as typed at the console. Raises ConfigError."""
    if (
        name in SETTINGS
        and SETTINGS[name][0] is not None
        and not isinstance(SETTINGS[name][0], tuple)
    ):
        try:
            return check(name, float(text) if "." in text or "e" in text else int(text))
        except ValueError:
            return check(name, text)
    return check(name, text)


def complete(given):
    """Return a dict of all settings: the defaults of the kind, overridden by `given`.

    Raises ConfigError if a value is not allowed, alone or together with the others.
    """
    out = filled(given)
    for wrong in together(out):
        raise ConfigError(*wrong)
    return out


def filled(given):
    """Return the same as `complete`, but each setting is checked only alone."""
    for name in given:
        if name != SOURCE:
            check(name, given[name])
    out = defaults(given["kind"]) if "kind" in given else defaults()
    for name in given:
        out[name] = given[name] if name == SOURCE else check(name, given[name])
    if SOURCE not in out or not isinstance(out[SOURCE], dict) or "driver" not in out[SOURCE]:
        raise ConfigError(
            "source = %r" % (out.get(SOURCE),), 'a table with a driver, {"driver": "replay", ...}'
        )
    return out


def statistics(config, setting="statistics"):
    """Return the names in the setting `statistics` or `aside`, as a tuple."""
    return tuple([word.strip() for word in config[setting].split(",") if word.strip()])


def frame_values(config):
    """Return the number of int16 values in a frame that the source delivers."""
    return config["n_subcarriers"] or config["n_channels"]


def together(c):
    """Yield (message, hint) for all complete settings that exclude each other.

    A board reports the first one, host tools report all.
    """
    half, of_what = c["rate_hz"] / 2, "half of rate_hz"
    if c["bin_hz"]:
        half, of_what = c["bin_hz"] * c["n_window"], "n_window * bin_hz"
        yield from _spectrum(c)
    if 0 < c["n_subcarriers"] < c["n_channels"]:
        yield (
            "n_subcarriers = %d" % c["n_subcarriers"],
            "at least n_channels = %d" % c["n_channels"],
        )
    if c["n_hop"] > c["n_window"]:
        yield "n_hop = %d" % c["n_hop"], "at most n_window = %d" % c["n_window"]
    if c["alarm_m"] > c["alarm_n"]:
        yield "alarm_m = %d" % c["alarm_m"], "at most alarm_n = %d" % c["alarm_n"]
    if c["label_m"] > c["label_n"]:
        yield "label_m = %d" % c["label_m"], "at most label_n = %d" % c["label_n"]
    for setting in ("statistics", "aside"):
        for name in statistics(c, setting):
            if name not in STATISTICS:
                yield "%s names %r" % (setting, name), "of " + ", ".join(STATISTICS)
    if c["bin_hz"] and c["aside"]:
        yield "aside = %r with bin_hz" % c["aside"], "a spectrum has no statistics"
    if c["n_bands"] and c["n_window"] < 32:
        yield "n_window = %d with bands" % c["n_window"], "at least 32, or n_bands = 0"
    if c["f_high_hz"] > half:
        yield "f_high_hz = %s" % c["f_high_hz"], "at most %s, %s" % (of_what, half)
    if c["f_low_hz"] >= (c["f_high_hz"] or half):
        yield "f_low_hz = %s" % c["f_low_hz"], "below f_high_hz, or %s" % of_what
    if c["recognise"] == "words" and c["n_bands"] < 10:
        yield ("n_bands = %d for words" % c["n_bands"], "at least 10, or recognise = windows")
    if c["envelope_high_hz"] * 20 > c["rate_hz"] * 9:
        yield (
            "envelope_high_hz = %s" % c["envelope_high_hz"],
            "at most 0.45 of rate_hz, %g" % (c["rate_hz"] * 0.45),
        )
    if c["n_envelope_bands"]:
        yield from _envelope(c)
    elif not c["n_bands"] and c["mean"] == "off" and not statistics(c):
        yield "no feature is on", "set n_bands, statistics or mean"


def _spectrum(c):
    if c["n_hop"] != c["n_window"]:
        yield (
            "n_hop = %d with bin_hz" % c["n_hop"],
            "n_window = %d: a window is a spectrum" % c["n_window"],
        )
    if not c["n_bands"] or c["n_envelope_bands"] or statistics(c) or c["mean"] != "off":
        yield (
            "bin_hz = %s" % c["bin_hz"],
            "with n_bands alone: a spectrum has no mean, statistics, envelope",
        )


def _envelope(c):
    low, high, top = c["envelope_low_hz"], c["envelope_high_hz"], c["envelope_top_hz"]
    if low * 1000 < c["rate_hz"]:
        yield (
            "envelope_low_hz = %s with n_envelope_bands" % low,
            "at least rate_hz / 1000, or no such bands",
        )
    if not low < high:
        yield "envelope_high_hz = %s" % high, "above envelope_low_hz = %s" % low
    if top > low:
        yield "envelope_top_hz = %s" % top, "at most envelope_low_hz = %s" % low
