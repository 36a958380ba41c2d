"""Features: one window of every channel to one int8 vector, in log steps.

Enters: the rows of a full window.Window, int16. Leaves: a bytearray of plan.n_features int8, for
the head. For each channel in turn it holds the mean, the statistics, the bands and the envelope
bands. `Plan.name(i)` names dimension i, so that the log can say what is strange. Means of slow
channels may be `ranged`, see ranges.py.
"""

import micropython
from nearhum import kernels


class Plan:
    """What is computed from a window, and in which order.

    plan.py computes the attributes from complete settings. Raises ConfigError.
    """

    def __init__(self, config):
        from nearhum.features.plan import lay_out

        for name, value in lay_out(config).items():
            setattr(self, name, value)

    def aside_name(self, i):
        """Return the name of statistic i of those kept beside the vector, such as `c0.rms`."""
        channel, i = divmod(i, len(self.aside))
        return "c%d.%s" % (channel, self.aside[i])

    def name(self, i):
        """Return the name of feature i.

        Examples: `c0.mean`, `c2.rms`, `c1.120-250Hz`, `c0.env.20-30Hz`.
        """
        channel, i = divmod(i, self.n_per_channel)
        if self.mean != "off" and i == 0:
            return "c%d.mean" % channel
        if i < self.n_before_bands:
            return "c%d.%s" % (channel, self.statistics[i - (self.mean != "off")])
        i -= self.n_before_bands
        if i < len(self.bands):
            kind, (first, count), n_fft = "", self.bands[i], self.n_fft
        else:
            kind, (first, count), n_fft = (
                "env.",
                self.envelope.bands[i - len(self.bands)],
                self.envelope.n_full,
            )
        hz = self.rate_mhz / 1000 / n_fft
        return "c%d.%s%.3g-%.3gHz" % (channel, kind, (first - 0.5) * hz, (first - 0.5 + count) * hz)


class Features:
    """Extracts vectors by a plan on one numeric path, "fixed" or "float".

    Only the code of that path is loaded. Allocates its buffers once.
    """

    def __init__(self, plan, path):
        self.plan = plan
        if path == "fixed":
            from nearhum.features.transform_fixed import Fixed as Transform
        else:
            from nearhum.features.transform_float import Float as Transform
        transform = self.transform = Transform(plan)
        self.vector = bytearray(plan.n_features)
        out = memoryview(self.vector)
        bands_into = self._bands_into(plan, transform) if plan.bands else None
        self._band_slots, self._envelope_slots = [], []
        for c in range(plan.n_channels):
            first = c * plan.n_per_channel + plan.n_before_bands
            middle = first + len(plan.bands)
            self._band_slots.append(out[first:middle])
            self._envelope_slots.append(out[middle : (c + 1) * plan.n_per_channel])
        self.ranges, level = None, _full_scale if plan.mean == "scaled" else None
        if plan.mean == "ranged":
            from nearhum.features.ranges import Ranges

            self.ranges = Ranges(plan)
            level = self.ranges.scale
        # Everything that a window needs is in one tuple, because making a bound method allocates
        # and looking up an attribute takes time.
        self._bound = (
            plan.n_channels, plan.n_per_channel, plan.n_window, self.vector, kernels.centre,
            transform.reading, level, transform.statistics if plan.statistics else None,
            [getattr(transform, name) for name in plan.statistics], bands_into, self._band_slots,
            transform.extract_envelope_into if plan.envelope else None, self._envelope_slots,
            self._aside_bound(plan, transform),
        )  # fmt: skip

    def _aside_bound(self, plan, transform):
        # Returns (buffer, function that computes the moments, functions that read them) for the
        # statistics beside the vector, or () if there are none.
        self.aside = bytearray(plan.n_channels * len(plan.aside))
        if not plan.aside:
            return ()
        return self.aside, transform.statistics, [getattr(transform, name) for name in plan.aside]

    def _bands_into(self, plan, transform):
        if plan.is_spectrum:
            from nearhum.features.spectra import Spectrum

            bands_into = Spectrum(plan, transform.log2).extract_into
        else:
            bands_into = transform.extract_bands_into
        if plan.level == "free":
            from nearhum.features.level import LevelFree

            return LevelFree(bands_into, len(plan.bands)).extract_into
        return bands_into

    @micropython.native
    def extract_into(self, rows):
        """Return self.vector, filled from the rows of a full window.

        rows: a sequence of n_channels buffers of 'h', (n_window,). Returns a bytearray of
        n_features int8, which the next call overwrites. Allocates nothing on the fixed path.
        """
        (
            n_channels, n_per_channel, n_window, out, centre, reading, level, statistics, readings,
            extract_bands_into, band_slots, extract_envelope_into, envelope_slots, aside,
        ) = self._bound  # fmt: skip
        for c in range(n_channels):
            x, at = rows[c], c * n_per_channel
            mean_q4 = centre(x, n_window, reading)
            if level:
                out[at] = level(c, mean_q4) & 255
                at += 1
            if statistics:
                statistics(x)
                for statistic in readings:
                    out[at] = statistic() & 255
                    at += 1
            if extract_bands_into:
                extract_bands_into(x, band_slots[c])
            if extract_envelope_into:
                extract_envelope_into(x, envelope_slots[c])
            if aside:
                beside, moments, readings = aside
                moments(x)
                at = c * len(readings)
                for statistic in readings:
                    beside[at] = statistic() & 255
                    at += 1
        return out


def _full_scale(channel, mean_q4):
    # Q4 counts to steps of 256 counts, rounded: int8 covers the full range of int16.
    return min(127, mean_q4 + 2048 >> 12)
