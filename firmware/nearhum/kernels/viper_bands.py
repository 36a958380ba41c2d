"""From the power of each bin to log bands, with a floor below the strongest one, for any board.

Enters: powers, int32, one a bin. Leaves: int8 levels in steps of 0.376 dB. Both numeric paths use
these kernels. The rules of kernels/viper.py hold.
"""

import micropython


@micropython.viper
def strongest(p: ptr32, v: int, n: int) -> int:
    """Return the largest of v and of n powers at p, int32."""
    while n > 0:
        if int(p[0]) > v:
            v = int(p[0])
        p = ptr32(int(p) + 4)
        n -= 1
    return v


@micropython.viper
def bands_into(
    p: ptr32, v: int, bands: ptr16, out: ptr8, n_bands: int, table: ptr8, offset: int, top: int
) -> int:
    """Write 8 log2(sum of power) of each band to out. Return the largest value, or top if larger.

    p: int32 powers, one a bin. v: gives a register. bands: (first bin, number of bins) for each.
    out: int8 (n_bands,), held to -128..127. table: tables.log2_table. offset: added to log2, Q8. A
    sum is held as high * 2^24 + low. Bounds: low + power < 2^24 + 2^30 +
    2^17, and high <= 512 * 2^7.
    """
    power = int(p)
    end = int(out) + n_bands
    offset += (30 << 8) + 16
    while int(out) < end:
        p = ptr32((bands[0] << 2) + power)
        v = int(p[0])
        n = offset
        last = ((bands[1] - 1) << 2) + int(p)
        bands = ptr16(int(bands) + 4)
        if int(p) < last:
            high = v >> 24
            v &= 0xFFFFFF
            while int(p) < last:
                v += int(p[1])
                p = ptr32(int(p) + 4)
                high = (v >> 24) + high
                v &= 0xFFFFFF
            if high < 64:
                v |= high << 24
            else:
                v = (high << 7) | (v >> 17)
                n += 17 << 8
        if v > 0:
            if v < 0x8000:
                v = v << 16
                n -= 4096
            if v < 0x800000:
                v = v << 8
                n -= 2048
            last = table[256 + (v >> 23)]
            v = v << last
            v = (n - (last << 8) + table[(v >> 22) & 255]) >> 5
            if v < -128:
                v = -128
            if v > 127:
                v = 127
        else:
            v = -128
        out[0] = v
        out = ptr8(int(out) + 1)
        if v > top:
            top = v
    return top


@micropython.viper
def raise_to(out: ptr8, v: int, n_bands: int):
    """Raise the values of out, int8 (n_bands,), that are below v to v. v < -128 changes nothing."""
    end = int(out) + n_bands
    while int(out) < end:
        if (out[0] ^ 128) - 128 < v:
            out[0] = v
        out = ptr8(int(out) + 1)
