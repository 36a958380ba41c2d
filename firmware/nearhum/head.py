"""Head: an int8 feature vector to an int8 embedding; the identity where no head file is given.

A head file (wire.HEAD_MAGIC, sealed with a CRC) holds dense layers of a network that was trained elsewhere, its last
layer cut off. Body, little endian: u16 n_in, u8 n_layers, u8 0; then a layer: u16 n_out, u8 relu, u8 0,
n_out x (i32 bias), n_out x (u16 pre, u16 factor, u16 post), n_out x n_in int8 weights.
"""

import struct
from array import array

from nearhum import kernels
from nearhum.errors import ConfigError, FormatError
from nearhum.wire import HEAD_MAGIC, unseal


class Identity:
    """No network: the embedding is the feature vector itself, without a copy."""

    fingerprint = 0

    def __init__(self, n_features):
        self.n_out = n_features

    def embed_into(self, vector):
        """Return the vector."""
        return vector


class Dense:
    """Dense int8 layers with int32 accumulators. Allocates its buffers once, embedding allocates nothing."""

    def __init__(self, image, n_features):
        self.fingerprint, _, body = unseal(HEAD_MAGIC, image, "head file")
        if len(body) < 4:
            raise FormatError("head file has a body of %d bytes" % len(body), "export it again")
        n_in, n_layers, _ = struct.unpack_from("<HBB", body, 0)
        if n_in != n_features:
            raise ConfigError(
                "the head takes %d features and these settings make %d" % (n_in, n_features),
                "train the head with this board's settings, or set head to nothing",
            )
        self._layers = []
        at = 4
        for _ in range(n_layers):
            at, n_in = self._take_layer(body, at, n_in)
        if at != len(body) or not n_layers:
            raise FormatError(
                "head file has %d bytes after its %d layers" % (len(body) - at, n_layers), "export it again"
            )
        self.n_out = n_in

    def _take_layer(self, body, at, n_in):
        if at + 4 > len(body):
            raise FormatError("head file ends inside a layer", "export it again")
        n_out, relu, _ = struct.unpack_from("<HBB", body, at)
        end = at + 4 + n_out * (10 + n_in)
        if end > len(body) or not 1 <= n_out <= 128:
            raise FormatError(
                "head layer of %d rows in %d bytes" % (n_out, len(body) - at), "1 to 128 rows; export it again"
            )
        bias = array("i", struct.unpack_from("<%di" % n_out, body, at + 4))
        rescale = array("H", struct.unpack_from("<%dH" % (3 * n_out), body, at + 4 + 4 * n_out))
        weights = bytearray(body[at + 4 + 10 * n_out : end])
        _prove(bias, rescale, weights, n_in)
        # rescale and the layer made of it stay together: the layer may only know its address
        layer = kernels.layer(weights, bias, rescale, n_in, n_out, 0 if relu else -128)
        self._layers.append((layer, bytearray(n_out), rescale))
        return end, n_out

    def embed_into(self, vector):
        """Run the layers on int8 vector; returns the last one's buffer, valid until the next call."""
        for layer, out, _ in self._layers:
            kernels.dense(vector, out, layer)
            vector = out
        return vector


def _prove(bias, rescale, weights, n_in):
    """Raise FormatError where a row's arithmetic could leave int32 for some input."""
    for r in range(len(bias)):
        bound = abs(bias[r])
        for w in weights[r * n_in : (r + 1) * n_in]:
            bound += 128 * (w if w < 128 else 256 - w)
        pre, factor, post = rescale[3 * r], rescale[3 * r + 1], rescale[3 * r + 2]
        if bound >= 1 << 30 or pre > 24 or ((bound >> pre) + 1) * factor >= 1 << 30 or post > 29:
            raise FormatError(
                "head row %d may overflow: |sum| up to %d, shifts %d and %d, factor %d" % (r, bound, pre, post, factor),
                "|sum| < 2^30, (|sum| >> pre) * factor < 2^30, pre <= 24, post <= 29; export it again",
            )


def load(path, n_features):
    """Return the head of the file at path, or the identity for an empty path. Raises ConfigError, FormatError."""
    if not path:
        return Identity(n_features)
    try:
        with open(path, "rb") as f:
            image = f.read()
    except OSError:
        raise ConfigError("head = %r: no such file on the board" % path, "copy it there, or set head to nothing")
    return Dense(image, n_features)
