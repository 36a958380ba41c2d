"""Kernels of the fixed path for any board: machine code by MicroPython's viper emitter.

Enters and leaves: arrays; nothing is allocated. Four rules make a 32-bit board and the 64-bit unix
port give the same bits. They hold for all viper_*.py:
- viper ints are machine words, so no intermediate value may overflow int32. The bounds are written
  beside the kernels. The reference in tests/reference repeats every step with exact integers and
  fails on an overflow.
- loads through ptr8 and ptr16 (and ptr32 on 64 bits) are unsigned. (v ^ s) - s extends the sign,
  with s the sign bit. The sign bit of 32 bits is computed at run time (1 << b with b = 31 in a
  variable), because viper takes no such constant.
- shifts of negative numbers are arithmetic and round towards minus infinity. (v + half) >> s rounds
  to nearest.
- viper keeps the first two or three locals in registers, and arguments are the first locals. So an
  argument named v may be reused for other values.

Arrays (array, bytearray, or a memoryview of either) are passed as pointers. Counts are items, not
bytes.
"""

import micropython


@micropython.viper
def deinterleave(
    block: ptr16, v: int, start: int, n_channels: int, window: ptr16, stride: int, at: int
):
    """Copy v interleaved int16 frames, from frame `start`, into rows of the window.

    block: int16 (frames, n_channels). v: n_frames; its register then holds the bytes of a frame.
    window: int16 (n_channels, stride), written from column `at` on.
    """
    n = v << 1
    v = n_channels << 1
    source = int(block) + start * v
    row = int(window) + (at << 1)
    if n_channels == 1:
        if not (source | row) & 3:  # One channel, both aligned: copy whole words while possible.
            words = ptr32(source)
            to_words = ptr32(row)
            end = row + (n & -32)
            while int(to_words) < end:
                to_words[0] = words[0]
                to_words[1] = words[1]
                to_words[2] = words[2]
                to_words[3] = words[3]
                to_words[4] = words[4]
                to_words[5] = words[5]
                to_words[6] = words[6]
                to_words[7] = words[7]
                words = ptr32(int(words) + 32)
                to_words = ptr32(int(to_words) + 32)
            source = int(words)
            row = int(to_words)
            n = n & 31
    for _ in range(n_channels):
        block = ptr16(source)
        to = ptr16(row)
        end = row + n
        fours = row + (n & -8)
        while int(to) < fours:
            to[0] = block[0]
            block = ptr16(int(block) + v)
            to[1] = block[0]
            block = ptr16(int(block) + v)
            to[2] = block[0]
            block = ptr16(int(block) + v)
            to[3] = block[0]
            block = ptr16(int(block) + v)
            to = ptr16(int(to) + 8)
        while int(to) < end:
            to[0] = block[0]
            block = ptr16(int(block) + v)
            to = ptr16(int(to) + 2)
        source += 2
        row += stride << 1


@micropython.viper
def slide(to: ptr16, v: int, n_channels: int, stride: int, by: int):
    """Move v samples of each row by `by` samples towards the row's start.

    to: int16 (n_channels, stride). v: samples to keep; its register then holds the source address.
    Source and target may overlap, because the copy ascends.
    """
    row = int(to)
    n = v << 1
    for _ in range(n_channels):
        to = ptr16(row)
        v = row + (by << 1)
        end = row + n
        fours = row + (n & -8)
        while int(to) < fours:
            source = ptr16(v)
            to[0] = source[0]
            to[1] = source[1]
            to[2] = source[2]
            to[3] = source[3]
            v += 8
            to = ptr16(int(to) + 8)
        while int(to) < end:
            to[0] = ptr16(v)[0]
            v += 2
            to = ptr16(int(to) + 2)
        row += stride << 1


@micropython.viper
def log2_q8(v: int, table: ptr8) -> int:
    """Return 256 log2(v), rounded, for 1 <= v < 2^31, and 0 for v < 1.

    table: tables.log2_table. The error is below 1.3 / 256.
    """
    if v <= 1:
        return 0
    n = 30 << 8
    if v < 0x8000:
        v = v << 16
        n -= 4096
    if v < 0x800000:
        v = v << 8
        n -= 2048
    s = table[256 + (v >> 23)]
    v = v << s
    return n - (s << 8) + table[(v >> 22) & 255]


@micropython.viper
def isqrt(high: int, low: int) -> int:
    """Return floor(sqrt(high * 2^24 + low)), 0 <= high < 2^23, 0 <= low < 2^24.

    Digit by digit, with two bits of the radicand in each of 24 steps (Warren, Hacker's Delight
    11-1). Bounds: the root is below 2^23.5. The remainder is at most twice the root, and four times
    that plus two bits is below 2^27.
    """
    root = 0
    rest = 0
    for _ in range(2):
        k = 22
        while k >= 0:
            rest = (rest << 2) | ((high >> k) & 3)
            root = root << 1
            if rest > root << 1:
                rest -= (root << 1) + 1
                root += 1
            k -= 2
        high = low
    return root


@micropython.viper
def smallest(values: ptr32, first: int, n: int) -> int:
    """Return the index of the smallest of n int32 values from index `first` on.

    Returns -1 if no value is below 2^30 - 1.
    """
    b = 31
    sign = 1 << b
    best = 0x3FFFFFFF
    at = -1
    for i in range(first, first + n):
        v = (int(values[i]) ^ sign) - sign
        if v < best:
            best = v
            at = i
    return at
