"""Whitening: a head that is learned on the board and gives the normal the same spread in every
direction.

Enters: int8 embeddings (n_dims,), at most 32 dimensions. Leaves: a head file of one dense layer
(head.py) with as many outputs. There the Euclidean distance from the origin, UNIT_STEPS steps a
unit, is the Mahalanobis distance from the mean of what was learned.

1. Count, sum of x and sum of x x^T are exact integers.
2. covariance = (count sum of x x^T - sum of x (sum of x)^T) / count^2, exact up to its division.
3. The spread of a dimension is the root of its variance, at least `spread_floor`. The correlation
   is R = covariance / (spread spread^T).
4. R is shrunk towards the identity, which shrinks the covariance towards its diagonal. The amount
   is the oracle approximating shrinkage (Chen, Wiesel, Eldar, Hero: Shrinkage algorithms for MMSE
   covariance estimation, IEEE Trans. Signal Processing 58 (2010), eq. 23, without its terms in
   2 / n_dims, as in scikit-learn), at least MIN_SHRINKAGE. So R is positive definite whatever was
   learned: with a constant dimension, two equal ones, or fewer embeddings than dimensions.
5. L L^T = R (Cholesky). The rows of L^-1, divided by the spreads, are the rows of the head.
6. `_layer` rounds them to integers. This is the only rounding, and all floats end there.
"""

import struct
from array import array
from binascii import crc32
from math import sqrt

from micropython import const
from nearhum.errors import CommandError, ConfigError
from nearhum.features.arrays import np
from nearhum.kernels.viper_outer import learn_outer
from nearhum.wire import HEAD_MAGIC, seal

_MAX_DIMS = const(32)  # bounds the sums in RAM: 8 bytes for each pair of dimensions
MAX_COUNT = (1 << 24) - 1  # embeddings, as of a prototype. At this count the sums stop changing.
UNIT_STEPS = 8  # steps of the head's output in one spread: int8 saturates at 16 spreads
# With this, no direction counts as narrower than 1/16 = sqrt(1/256) of its dimensions' spreads.
MIN_SHRINKAGE = 1 / 256


class Whitening:
    """The sums of embeddings, and the head that follows from them.

    Learning allocates nothing. `head` needs heap for n_dims^2 floats and more.
    """

    def __init__(self, n_dims, unit_steps=UNIT_STEPS, centred=True):
        """Allocate the sums.

        n_dims: dimensions of the embeddings. unit_steps: steps of the head's output in one spread.
        centred: True maps the mean to 0, False maps 0 to 0. Raises ConfigError above 32 dimensions.
        """
        if not 1 <= n_dims <= _MAX_DIMS:
            raise ConfigError(
                "whitening of %d dimensions" % n_dims,
                "1 to %d: fewer bands or statistics, or a trained head" % _MAX_DIMS,
            )
        self.n_dims = n_dims
        self.unit_steps = unit_steps
        self.centred = centred
        self.count = 0
        self.sums = array("i", bytes(4 * n_dims))
        # Sum of x x^T: the upper triangle by rows, each sum as (high, low) = high * 2^24 + low.
        self.outer = array("i", bytes(4 * n_dims * (n_dims + 1)))

    def learn_one(self, x):
        """Add embedding x, int8 (n_dims,), to the sums. Allocates nothing."""
        if self.count < MAX_COUNT:
            learn_outer(x, self.n_dims, self.sums, self.outer)
            self.count += 1

    def halve(self, i):
        """Halve dimension i in all sums, rounded down, because its step has doubled (ranges.py).

        A sum of squares is kept so large that no variance becomes negative.
        """
        n, outer, at = self.n_dims, self.outer, 0
        self.sums[i] >>= 1
        for row in range(n):
            for column in range(row, n):
                by = (row == i) + (column == i)
                if by:
                    total = (outer[at] << 24) + outer[at + 1] >> by
                    if by == 2 and self.count:
                        total = max(total, -(-self.sums[i] * self.sums[i] // self.count))
                    outer[at], outer[at + 1] = total >> 24, total & 0xFFFFFF
                at += 2

    def pack(self):
        """Return count and sums as 4 + 4 n + 3 n (n + 1) bytes. A high word fits int16."""
        high = array("h", [self.outer[i] for i in range(0, len(self.outer), 2)])
        low = array("i", [self.outer[i] for i in range(1, len(self.outer), 2)])
        return struct.pack("<I", self.count) + bytes(self.sums) + bytes(low) + bytes(high)

    def unpack(self, view):
        """Restore the sums from the bytes that `pack` returned. Returns the bytes used."""
        n, m = self.n_dims, len(self.outer) // 2
        fields = struct.unpack_from("<I%di%dh" % (n + m, m), view, 0)
        self.count = fields[0]
        self.sums[:] = array("i", fields[1 : n + 1])
        for i in range(m):
            self.outer[2 * i], self.outer[2 * i + 1] = fields[n + m + 1 + i], fields[n + 1 + i]
        return 4 + 4 * n + 6 * m

    def head(self, spread_floor):
        """Return the head as the bytes of a head file.

        spread_floor: the smallest spread of a dimension, in steps, at least 1, as for prototypes.
        Allocates. Raises CommandError if nothing was learned.
        """
        if not self.count:
            raise CommandError("nothing was learned for a whitening", "`learn` first")
        n = self.n_dims
        spreads, memory = self._correlation(spread_floor)
        correlation = np.frombuffer(memory, dtype=np.float).reshape((n, n))
        squares = np.sum(correlation * correlation)
        # Proportional to the squares off the diagonal. If there are none, R is the identity and
        # full shrinkage changes nothing.
        off = (self.count + 1) * (squares - n)
        shrinkage = max(MIN_SHRINKAGE, min(1, (squares + n * n) / off if off > 0 else 1))
        root, kept = None, 1.0
        while root is None:
            for i in range(n * n):
                memory[i] = 1.0 if i % (n + 1) == 0 else memory[i] * (1 - shrinkage)
            try:
                root = np.cholesky(correlation)
            except ValueError:
                # `halve` rounds, and with few embeddings R may then be no correlation. So halve
                # what is off the diagonal until Cholesky succeeds, at the latest with the identity.
                kept /= 2
                shrinkage = 0.5 if kept > 1e-6 else 1
        unit = np.zeros(n)
        for column in range(n):
            unit[column] = 1.0
            solved = np.solve_triangular(root, unit, lower=True)
            unit[column] = 0.0
            row = 0
            for v in solved:
                memory[row * n + column] = v / spreads[column]
                row += 1
        rows = [memory[row * n : (row + 1) * n] for row in range(n)]
        roots = array(np.FLOAT_CODE, [v for row in root for v in row])
        return self._file([self._layer(row, roots, spreads) for row in rows])

    def _correlation(self, spread_floor):
        # Returns (spreads of the dimensions in steps, correlation as n * n floats).
        n, count, sums, outer = self.n_dims, self.count, self.sums, self.outer
        memory = array(np.FLOAT_CODE, bytes(n * n * np.FLOAT_BYTES))
        at = 0
        for i in range(n):
            for j in range(i, n):
                total = (outer[at] << 24) + outer[at + 1]
                memory[i * n + j] = (count * total - sums[i] * sums[j]) / (count * count)
                at += 2
        spreads = [max(spread_floor, sqrt(memory[i * (n + 1)])) for i in range(n)]
        for i in range(n):
            memory[i * (n + 1)] = 1.0
            for j in range(i + 1, n):
                memory[i * n + j] = memory[j * n + i] = memory[i * n + j] / (
                    spreads[i] * spreads[j]
                )
        return spreads, memory

    def _file(self, layers):
        # Returns the head file with these rows as bytes.
        body = struct.pack("<HBBHBB", self.n_dims, 1, 0, self.n_dims, 0, 0)
        for part in range(3):
            body += b"".join([layer[part] for layer in layers])
        return seal(HEAD_MAGIC, crc32(body), 0, body)

    def _layer(self, row, roots, spreads):
        """Return (bias, rescale, weights) of one row as bytes: the defined rounding of whitening.

        row: floats of the head. roots: L of the correlation, row by row. spreads: of the
        dimensions.

        weights = 127 row / largest, rounded to nearest, halves up, from the last to the first. Each
        weight corrects what the rounding of the later ones does to the variance of the output
        (Babai's nearest plane). So the error does not grow if dimensions are correlated.
        bias = -round(weights . sum of x / count) in exact integers, so that the mean becomes zero.
        It is 0 if not centred.
        factor / 2^post = unit_steps * largest / 127, with as many bits in the factor as int32
        allows (head.py proves that no product overflows). |weights . x + bias| <= 2 * 32 * 127 *
        128 < 2^20 leaves the factor at least nine bits.
        """
        largest = max([abs(v) for v in row])
        n = self.n_dims
        weights, left = [0] * n, [0.0] * n
        for i in range(n - 1, -1, -1):
            wanted = 127 * row[i] / largest
            taken = (
                sum([roots[j * n + i] * left[j] for j in range(i + 1, n) if left[j]])
                / roots[i * n + i]
            )
            weights[i] = max(-127, min(127, int((wanted + taken / spreads[i] + 0.5) // 1)))
            left[i] = (wanted - weights[i]) * spreads[i]
        total = sum([w * s for w, s in zip(weights, self.sums)])
        bias = -((2 * total + self.count) // (2 * self.count)) if self.centred else 0
        bound = abs(bias) + 128 * sum([abs(w) for w in weights])
        limit = min(65535, ((1 << 30) - 1) // (bound + 1))
        gain, post = self.unit_steps * largest / 127, 0
        while post < 29 and 2 * gain + 0.5 < limit:
            gain *= 2
            post += 1
        rescale = struct.pack("<HHH", 0, int((gain + 0.5) // 1), post)
        return struct.pack("<i", bias), rescale, bytes([w & 255 for w in weights])
