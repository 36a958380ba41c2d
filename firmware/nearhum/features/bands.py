"""Bands: how a range of frequencies is cut into bands of whole bins.

Loaded at a start and released after it. Enters: a range of frequencies and a spacing, from
plan.py or envelope.py. Leaves: a list of bands. A band is (first bin, number of bins). There are
no gaps between bands. The cut uses exact integers, so that boards with single and with double
floats get the same bands.
"""

from nearhum.errors import ConfigError


def fft_length(n):
    """Return the smallest power of two that holds n samples, at least 64."""
    length = 64
    while length < n:
        length *= 2
    return length


def millihertz(hz):
    """Return a frequency in Hz (int or float) as a rounded integer in mHz."""
    return int(hz * 1000 + 0.5)


def cut(setting, n, spacing, rate_mhz, low_mhz, high_mhz, n_fft, n_bins):
    """Return n bands between two frequencies, as a list of (first bin, number of bins).

    setting: the name of the setting that gave n, for the error message. spacing: "linear", "log"
    (equal ratios) or "mel" (equal ratios of 700 Hz + f: O'Shaughnessy). rate_mhz: the sampling
    rate. low_mhz: 0 means the lowest bin above DC. high_mhz: 0 means half the rate. n_fft: a bin
    is rate_mhz / n_fft wide. n_bins: only bins below this number exist. DC and Nyquist belong to
    no band. A band narrower than a bin takes one whole bin and pushes the next bands up. Raises
    ConfigError if the range has fewer bins than bands, so no band is empty or outside the range.
    """
    # Frequencies are scaled by 2 * n_fft: a bin is then 2 * rate_mhz wide, and half a bin is an
    # integer.
    unit = 2 * n_fft
    offset = 700000 * unit if spacing == "mel" else 0
    low = max(low_mhz * unit, rate_mhz) + offset
    # The limit is the upper edge of the last bin below Nyquist, half a bin below Nyquist.
    high = min(high_mhz * unit or rate_mhz * n_fft, rate_mhz * (n_fft - 1)) + offset

    def bin_of(i):
        # Finds the smallest k whose lower edge, k - 1/2 bins, is not below edge i of 0..n.
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
            "at most %d, for bins of %.3g Hz: fewer bands, a wider range or a longer window"
            % (max(0, end - edges[0]), rate_mhz / 1000 / n_fft),
        )
    return [(edges[i], edges[i + 1] - edges[i]) for i in range(n)]
