"""Layers of a head that run over positions: convolution and pooling.

Enters and leaves: int8 values, a row at each position. Loaded only if a head file has such a layer,
see head.py for their formats.
"""

import struct

import micropython
from nearhum import kernels
from nearhum.errors import FormatError

_, _dense = kernels.head()


class Convolution:
    """A convolution: one call of the dense kernel at each position."""

    def __init__(self, layer, rescale, n_row, n_out, n_positions, step):
        """Allocate the output. layer, rescale: as for a dense layer.

        n_row: values that a filter sees at one position. n_out: filters. n_positions: positions of
        the output. step: values from one position to the next.
        """
        self._layer, self._rescale = layer, rescale
        self._n_row, self._step = n_row, step
        self._out = bytearray(n_positions * n_out)
        whole = memoryview(self._out)
        self._to = [whole[i * n_out : (i + 1) * n_out] for i in range(n_positions)]
        self._x, self._from = None, []

    @micropython.native
    def run(self, x):
        """Return the layer's output for int8 x, in its own buffer.

        Allocates views of x if x is another buffer than in the last call.
        """
        if x is not self._x:
            self._look_at(x)
        for i in range(len(self._to)):
            _dense(self._from[i], self._n_row, self._to[i], self._layer)
        return self._out

    def _look_at(self, x):
        # Not in `run`, because a variable that a function shares with a comprehension is allocated
        # at each call of the function.
        whole, step = memoryview(x), self._step
        self._x, self._from = (
            x,
            [whole[i * step : i * step + self._n_row] for i in range(len(self._to))],
        )


class Pooling:
    """Max pooling: the largest value of each channel over all positions."""

    def __init__(self, n_positions, n_channels):
        from nearhum.kernels.viper_pool import pool_max

        self._n_positions, self._n_channels = n_positions, n_channels
        self._out, self._pool_max = bytearray(n_channels), pool_max

    def run(self, x):
        """Return the largest value of each channel, int8 (n_channels,), in its own buffer.

        x: int8 (n_positions, n_channels).
        """
        self._pool_max(x, self._n_positions, self._n_channels, self._out)
        return self._out


def geometry(body, at, n_in):
    """Return (weights of a filter, positions of the output, values from one position to the next).

    body: of a head file. at: where the convolution's four u16 lie. n_in: values of its input.
    Raises FormatError if they do not fit each other.
    """
    if at + 8 > len(body):
        raise FormatError("head file ends inside a layer", "export it again")
    n_channels, width, stride, _ = struct.unpack_from("<HHHH", body, at)
    if not (n_channels and width and stride) or n_in % n_channels or width * n_channels > n_in:
        raise FormatError(
            "convolution of %d values: %d channels, width %d, stride %d"
            % (n_in, n_channels, width, stride),
            "channels that divide the values, a width that fits, a stride of at least 1; "
            "export it again",
        )
    return n_channels * width, (n_in // n_channels - width) // stride + 1, n_channels * stride
