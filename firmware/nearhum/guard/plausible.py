"""Plausible: what the samples of the last window say against their sensor, though they come.

Enters: the pipeline, when `status` is asked. Leaves: sentences for its warning. Loaded for that and
released afterwards, so that it takes no memory and no time while the board watches. health.py sees
what stops learning; this sees what makes learning worth less:

 1 dead channel  one channel has the same value in the whole window, while another one moves. Slow
                 channels may stand still, so only channels with bands count
 2 no gravity    an accelerometer's mean is far from 1 g: a dead axis, a wrong range, a bad copy
 3 too quiet     a microphone's background lies below what the features can tell, and the last word
                 was hardly above it; or nearly all bands of the machine lie there
"""

from micropython import const

_LOOKS = const(64)  # samples that are searched for movement
# A channel moves if it takes so many values there. Noise of fewer could leave another axis of a
# coarse sensor on one value.
_MOVES = const(8)
# In g. An offset of the chip is up to 0.25 g (ADXL345 Data Sheet, Rev. E, Table 1). One wrong step
# of the range is a factor of 2.
_LIGHT, _HEAVY = 0.7, 1.4
# A word's loudest level above the background, in 0.5 dB. Of digits that were made softer step by
# step, those of 49 were still recognised like loud ones, and of those of 37 one in three was lost.
_CLEAR = const(42)
_SOFTEST = const(128)  # -128 as a byte: a band at the lower end of the features


def doubts(hum):
    """Return what is wrong as one text, "" if nothing is. Allocates.

    hum: a pipeline. A source that failed is not judged, because health.py reports it.
    """
    c = hum.config
    if not hum.n_windows or hum.source is hum.health or c["bin_hz"] or c["n_subcarriers"]:
        return ""
    out, rows = [], hum.window.rows
    if c["n_bands"]:
        # two samples tell most rows from a dead one, at no cost
        dead = [i for i, row in enumerate(rows) if row[0] == row[-1] and max(row) == min(row)]
        if dead and any([len(set(row[:_LOOKS])) >= _MOVES for row in rows]):
            names = [_name(c["source"], hum.source, i) for i in dead]
            out.append("%s never varies while others do" % ", ".join(names))
    counts = _counts_of_g(hum.source)
    if counts:
        g = sum([(sum(row) / len(row) / counts) ** 2 for row in rows[:3]]) ** 0.5
        if not _LIGHT < g < _HEAVY:
            out.append("gravity measures %.2f g, not 1" % g)
    if c["kind"] == "audio" and c["n_bands"] and c["level"] == "kept":
        quiet = _word if c["recognise"] == "words" else _hum
        out.extend(quiet(hum))
    return ", ".join(out) + ": see `nearhum doctor`" if out else ""


def _word(hum):
    from nearhum.kernels.viper_words import QUIETEST

    heard = hum.recogniser.utterances
    floor = QUIETEST + 2 << 4  # within 1 dB
    if _most([level <= floor for level in heard.background]) and heard.peak < _CLEAR:
        said = "the last word was %d dB" % (heard.peak // 2) if heard.peak else "no word was heard"
        return ["the microphone is too quiet: %s above what can be told" % said]
    return []


def _hum(hum):
    p, plan, x = hum.detector.prototypes, hum.plan, hum.embedding
    if hum.head.fingerprint or not x:  # a trained head's dimensions are no bands
        return []
    first = plan.n_before_bands
    for vector in [x] + [p.mean_of(j) for j in range(p.n)]:
        bands = memoryview(vector)[first : first + len(plan.bands)]
        if not _most([level & 255 == _SOFTEST for level in bands]):
            return []
    return ["the microphone is too quiet: most bands are below what can be told"]


def _most(which):
    return 4 * sum(which) >= 3 * len(which)


def _counts_of_g(source):
    # only chips with an identity register have counts of a g; a source at rest keeps its driver's
    return source.counts if hasattr(source, "who") else getattr(source, "counts_of_g", 0)


def _name(given, source, i):
    if given.get("names"):
        return given["names"][i]
    return "axis " + "xyz"[i] if _counts_of_g(source) and i < 3 else "c%d" % i
