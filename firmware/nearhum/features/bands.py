"""Bands: how a range of frequencies is cut into bands of whole bins.

Loaded at a start and let go of after it. A band is (first bin, number of bins); bands have no gaps
between them and are cut in exact integers, so that boards with single and with double floats cut
the same ones.
"""

from nearhum.errors import ConfigError


def fft_length(n):
    """Return the power of two, 64 at least, that holds n samples."""
    length = 64
    while length < n:
        length *= 2
    return length


def millihertz(hz):
    """Return a frequency of the settings as an integer."""
    return int(hz * 1000 + 0.5)


def cut(setting, n, spacing, rate_mhz, low_mhz, high_mhz, n_fft, n_bins):
    """Return n bands from low_mhz (0: the lowest there is) to high_mhz (0: half the rate), DC
    and Nyquist left out.

    n_fft: a bin is rate_mhz / n_fft wide. n_bins: the transform has those below this one. linear,
    log (equal ratios) or mel spacing (equal ratios of 700 Hz + f: O'Shaughnessy). A band narrower
    than a bin takes one whole bin and pushes the next ones up. Raises ConfigError where the range
    has fewer bins than bands: no band is empty, and none lies outside. setting: what it then calls
    n.
    """
    # frequencies in units of which a bin is 2 * rate_mhz wide
    unit = 2 * n_fft
    offset = 700000 * unit if spacing == "mel" else 0
    low = max(low_mhz * unit, rate_mhz) + offset
    # at most the upper edge of the last bin below Nyquist, half a bin under it
    high = min(high_mhz * unit or rate_mhz * n_fft, rate_mhz * (n_fft - 1)) + offset

    def bin_of(i):
        # the smallest k whose lower edge, (k - 1/2) bins, is not below the i-th of n edges
        k, step = 0, n_fft
        while step:
            edge = (2 * (k + step) - 1) * rate_mhz + offset
            if spacing == "linear":
                below = edge * n < low * (n - i) + high * i
            else:
                below = edge**n < low ** (n - i) * high**i
            if below:
                k += step
            else:
                step >>= 1
        return k + 1

    edges = [max(1, bin_of(0))]
    end = min(bin_of(n), n_bins)
    for i in range(1, n + 1):
        edges.append(max(edges[-1] + 1, bin_of(i)))
    if edges[n] > end:
        raise ConfigError(
            "%s = %d from %g to %g Hz"
            % (setting, n, low_mhz / 1000, (high_mhz or rate_mhz / 2) / 1000),
            "bins of %.3g Hz there: %d; fewer bands, a wider range or a longer window"
            % (rate_mhz / 1000 / n_fft, max(0, end - edges[0])),
        )
    return [(edges[i], edges[i + 1] - edges[i]) for i in range(n)]
