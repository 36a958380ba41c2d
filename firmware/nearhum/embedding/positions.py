"""Layers of a head that run over positions: convolution and pooling.

Loaded where a head file has one, see head.py.
"""

import struct

import micropython
from nearhum import kernels
from nearhum.errors import FormatError

_, _dense = kernels.head()


class Convolution:
    """One layer of the kernel at every position."""

    def __init__(self, layer, rescale, n_row, n_out, n_positions, step):
        """step: values from one position to the next; n_row of them go into a row."""
        self._layer, self._rescale = layer, rescale
        self._n_row, self._step = n_row, step
        self._out = bytearray(n_positions * n_out)
        whole = memoryview(self._out)
        self._to = [whole[i * n_out : (i + 1) * n_out] for i in range(n_positions)]
        self._x, self._from = None, []

    @micropython.native
    def run(self, x):
        """Return the buffer of what the layer makes of int8 x.

        The first x, or another one, gets its views made.
        """
        if x is not self._x:
            self._look_at(x)
        for i in range(len(self._to)):
            _dense(self._from[i], self._n_row, self._to[i], self._layer)
        return self._out

    def _look_at(self, x):
        # apart from run: what a comprehension shares with its function is made anew at each call of
        # that
        whole, step = memoryview(x), self._step
        self._x, self._from = (
            x,
            [whole[i * step : i * step + self._n_row] for i in range(len(self._to))],
        )


class Pooling:
    """The largest of each channel over all positions."""

    def __init__(self, n_positions, n_channels):
        from nearhum.kernels.viper_pool import pool_max

        self._n_positions, self._n_channels = n_positions, n_channels
        self._out, self._pool_max = bytearray(n_channels), pool_max

    def run(self, x):
        """Return the buffer of n_channels int8."""
        self._pool_max(x, self._n_positions, self._n_channels, self._out)
        return self._out


def geometry(body, at, n_in):
    """Return (weights of a row, positions of the output, values from one to the next) of a
    convolution of n_in.
    """
    if at + 8 > len(body):
        raise FormatError("head file ends inside a layer", "export it again")
    n_channels, width, stride, _ = struct.unpack_from("<HHHH", body, at)
    if not (n_channels and width and stride) or n_in % n_channels or width * n_channels > n_in:
        raise FormatError(
            "convolution of %d values: %d channels, width %d, stride %d"
            % (n_in, n_channels, width, stride),
            "channels that divide the values, a width that fits, a stride of 1 at least; "
            "export it again",
        )
    return n_channels * width, (n_in // n_channels - width) // stride + 1, n_channels * stride
