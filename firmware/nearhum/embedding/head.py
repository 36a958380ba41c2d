"""Head: a small network that maps an int8 feature vector to an int8 embedding.

Enters: the feature vector. Leaves: the embedding, for the detector and the recogniser. Loaded only
if the setting `head` names a file, see identity.py.

A head file (wire.HEAD_MAGIC, sealed with a CRC) holds the layers of a network that was trained
elsewhere, without its last layer. Body, little endian: u16 n_in, u8 n_layers, u8 0. Then for each
layer: u16 n_out, u8 relu, u8 kind, and by kind
    0  dense: n_out x (i32 bias), n_out x (u16 pre, u16 factor, u16 post), n_out x n_in int8 weights
    1  convolution: u16 n_channels, u16 width, u16 stride, u16 0, then as dense, with n_out filters
       of width x n_channels weights. The input has a row of n_channels values at each position.
       The output has a row of n_out values at every stride-th position where the width fits
    2  pooling: nothing more. The input has a row of n_out values at each position. The output has
       the largest of each over all positions
A mean over positions needs no kind of its own, because the next dense layer can contain it.
"""

import struct
from array import array

import micropython
from nearhum import kernels
from nearhum.errors import ConfigError, FormatError
from nearhum.files import placed
from nearhum.wire import ENVELOPE_BYTES, HEAD_MAGIC, unseal

_layer, _dense = kernels.head()

DENSE, CONVOLUTION, POOLING = 0, 1, 2
# Rows or filters of a layer, and so dimensions of an embedding: the distance kernel allows no more.
MAX_OUT = 128
MAX_ROW = 1024  # weights of a row: the dense kernel allows no more
MAX_BETWEEN = 4096  # values between two layers: bounds the buffer of a layer
_MOST_BYTES = 1 << 17  # bytes of layers that are read: more than the heap of any board holds


def opened(path, n_features):
    """Return the Network in the file at path.

    A model card follows the network in the file. It is not read, to save heap. Raises ConfigError
    if there is no such file or it takes another number of features, FormatError if it is damaged.
    """
    # Imported here for its present value: a board with a key reads the signature as well.
    from nearhum.wire import signer

    try:
        with open(placed("", path), "rb") as f:
            n = int.from_bytes(f.read(ENVELOPE_BYTES)[12:], "little")
            # A damaged length must not ask for more memory than the file has bytes.
            n = min(n, f.seek(0, 2), _MOST_BYTES)
            f.seek(0)
            image = f.read(n + ENVELOPE_BYTES + (40 if signer else 4))
    except OSError:
        raise ConfigError(
            "head = %r: no such file on the board" % path, "copy it there, or leave head empty"
        )
    return Network(image, n_features)


class Network:
    """int8 layers with int32 accumulators.

    image: bytes of a head file, without the model card. n_features: length of the feature vectors.
    Allocates its buffers once. Embedding allocates nothing. Raises ConfigError, FormatError.
    """

    def __init__(self, image, n_features):
        self.fingerprint, _, body = unseal(HEAD_MAGIC, image, "head file")
        if len(body) < 4:
            raise _broken("head file has a body of %d bytes" % len(body))
        n_in, n_layers, _ = struct.unpack_from("<HBB", body, 0)
        if n_in != n_features:
            raise ConfigError(
                "the head takes %d features, but these settings make %d" % (n_in, n_features),
                "train the head with this board's settings, or leave head empty",
            )
        self._layers = []
        at = 4
        for _ in range(n_layers):
            at, n_in = self._take_layer(body, at, n_in)
        if at != len(body) or not n_layers:
            raise _broken("head file has %d bytes after its %d layers" % (len(body) - at, n_layers))
        if n_in > MAX_OUT:
            raise _broken("head with embeddings of %d values" % n_in, "at most %d" % MAX_OUT)
        self.n_out = n_in
        if n_layers == 1:
            self.embed_into = self._layers[0]  # The layer's own method saves the loop.

    def _take_layer(self, body, at, n_in):
        if at + 4 > len(body):
            raise _broken("head file ends inside a layer")
        n_out, relu, kind = struct.unpack_from("<HBB", body, at)
        at += 4
        if not 1 <= n_out <= MAX_OUT:
            raise _broken("head layer of %d rows" % n_out, "1 to %d" % MAX_OUT)
        if kind == POOLING:
            if n_in % n_out:
                raise _broken(
                    "pooling of %d values in %d channels" % (n_in, n_out),
                    "a multiple of the channels",
                )
            from nearhum.embedding.positions import Pooling

            self._layers.append(Pooling(n_in // n_out, n_out).run)
            return at, n_out
        if kind == DENSE:
            n_row, n_positions, step = n_in, 1, 0
        elif kind == CONVOLUTION:
            from nearhum.embedding.positions import geometry

            n_row, n_positions, step = geometry(body, at, n_in)
            at += 8
        else:
            raise FormatError(
                "head layer of kind %d" % kind, "this firmware knows 0 to 2: update it"
            )
        end = at + n_out * (10 + n_row)
        if end > len(body) or n_row > MAX_ROW or n_out * n_positions > MAX_BETWEEN:
            raise _broken(
                "head layer of %d rows x %d at %d positions in %d bytes"
                % (n_out, n_row, n_positions, len(body) - at),
                "at most %d in a row, %d values out" % (MAX_ROW, MAX_BETWEEN),
            )
        bias = array("i", struct.unpack_from("<%di" % n_out, body, at))
        rescale = array("H", struct.unpack_from("<%dH" % (3 * n_out), body, at + 4 * n_out))
        weights = bytearray(body[at + 10 * n_out : end])
        _prove(bias, rescale, weights, n_row)
        layer = _layer(weights, bias, rescale, n_row, n_out, 0 if relu else -128)
        if n_positions == 1:
            self._layers.append(_Dense(layer, rescale, n_row, n_out).run)
        else:
            from nearhum.embedding.positions import Convolution

            self._layers.append(Convolution(layer, rescale, n_row, n_out, n_positions, step).run)
        return end, n_out * n_positions

    @micropython.native
    def embed_into(self, vector):
        """Return the embedding of a feature vector.

        vector: int8 (n_features,). Returns the last layer's buffer, int8 (n_out,), which the next
        call overwrites. Allocates nothing.
        """
        for layer in self._layers:
            vector = layer(vector)
        return vector


class _Dense:
    """A dense layer: one call of the dense kernel."""

    def __init__(self, layer, rescale, n_in, n_out):
        # `layer` may hold only the address of `rescale`, so this reference keeps that alive.
        self._bound = _dense, n_in, bytearray(n_out), layer, rescale

    @micropython.native
    def run(self, x):
        """Return the layer's output for int8 x, in its own buffer."""
        dense, n_in, out, layer, _ = self._bound
        dense(x, n_in, out, layer)
        return out


def _prove(bias, rescale, weights, n_row):
    """Raise FormatError if some int8 input could make a row's arithmetic overflow int32."""
    for r in range(len(bias)):
        bound = abs(bias[r])
        for w in weights[r * n_row : (r + 1) * n_row]:
            bound += 128 * (w if w < 128 else 256 - w)
        pre, factor, post = rescale[3 * r], rescale[3 * r + 1], rescale[3 * r + 2]
        if bound >= 1 << 30 or pre > 24 or ((bound >> pre) + 1) * factor >= 1 << 30 or post > 29:
            raise _broken(
                "head row %d may overflow: |sum| up to %d, shifts %d and %d, factor %d"
                % (r, bound, pre, post, factor),
                "|sum| < 2^30, (|sum| >> pre) * factor < 2^30, pre <= 24, post <= 29",
            )


def _broken(what, allowed=""):
    return FormatError(what, allowed + "; export it again" if allowed else "export it again")
