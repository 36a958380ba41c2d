"""Plausible: what the samples of the last window say against their sensor, though they come.

Enters: the pipeline, when `status` is asked. Leaves: sentences for its warning. Loaded for that and
released afterwards, so that it takes no memory and no time while the board watches. health.py sees
what stops learning; this sees what makes learning worth less:

 1 dead channel  one channel has the same value in the whole window, while another one moves. Slow
                 channels may stand still, so only channels with bands count
 2 no gravity    an accelerometer's mean is far from 1 g: a dead axis, a wrong range, a bad copy
"""

from micropython import const

_LOOKS = const(64)  # samples that are searched for movement
# A channel moves if it takes so many values there. Noise of fewer could leave another axis of a
# coarse sensor on one value.
_MOVES = const(8)
# In g. An offset of the chip is up to 0.25 g (ADXL345 Data Sheet, Rev. E, Table 1). One wrong step
# of the range is a factor of 2.
_LIGHT, _HEAVY = 0.7, 1.4


def doubts(hum):
    """Return what is wrong as one text, "" if nothing is. Allocates.

    hum: a pipeline. A source that failed is not judged, because health.py reports it.
    """
    c = hum.config
    if not hum.n_windows or hum.source is hum.health or c["bin_hz"] or c["n_subcarriers"]:
        return ""
    out, rows = [], hum.window.rows
    if c["n_bands"]:
        dead = [i for i, row in enumerate(rows) if max(row) == min(row)]
        if dead and any([len(set(row[:_LOOKS])) >= _MOVES for row in rows]):
            names = [_name(c["source"], hum.source, i) for i in dead]
            out.append("%s never varies while others do" % ", ".join(names))
    counts = _counts_of_g(hum.source)
    if counts:
        g = sum([(sum(row) / len(row) / counts) ** 2 for row in rows[:3]]) ** 0.5
        if not _LIGHT < g < _HEAVY:
            out.append("gravity measures %.2f g, not 1" % g)
    return ", ".join(out) + ": see `nearhum doctor`" if out else ""


def _counts_of_g(source):
    # only chips with an identity register have counts of a g; a source at rest keeps its driver's
    return source.counts if hasattr(source, "who") else getattr(source, "counts_of_g", 0)


def _name(given, source, i):
    if given.get("names"):
        return given["names"][i]
    return "axis " + "xyz"[i] if _counts_of_g(source) and i < 3 else "c%d" % i
