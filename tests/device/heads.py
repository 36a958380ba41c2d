"""Heads: identity, dense layers, and files that are not what they should be."""

import struct

from harness import as_bytes, clear_error, done, equal, i8, raises, scratch, test
from nearhum.errors import ConfigError, FormatError
from nearhum.head import Dense, Identity, load
from nearhum.wire import HEAD_MAGIC, seal

ROOT = scratch()


def layer(weights, bias, rescale, relu=0):
    """A layer's bytes: rows of int8, int32 biases, (pre, factor, post) rows."""
    out = struct.pack("<HBB", len(weights), relu, 0)
    for b in bias:
        out += struct.pack("<i", b)
    for row in rescale:
        out += struct.pack("<HHH", *row)
    for row in weights:
        out += bytes(as_bytes(row))
    return out


def head(n_in, *layers):
    return seal(HEAD_MAGIC, 7, 0, struct.pack("<HBB", n_in, len(layers), 0) + b"".join(layers))


TWO = head(
    3,
    layer([[1, 2, 3], [-1, -1, -1], [10, 0, 0], [0, 0, 127]], [0, 5, -100, 0], [(0, 1, 0)] * 4, relu=1),
    layer([[1, 1, 1, 1], [1, -1, 0, 0]], [0, 0], [(1, 3, 2), (0, 1, 0)]),
)


def saved(image):
    with open(ROOT + "head.nhh", "wb") as f:
        f.write(image)
    return ROOT + "head.nhh"


@test
def without_a_file_the_vector_is_the_embedding():
    vector = as_bytes([1, -2, 3])
    made = load("", 3)
    equal(isinstance(made, Identity), True)
    equal(made.embed_into(vector) is vector, True)
    equal((made.n_out, made.fingerprint), (3, 0))


@test
def two_dense_layers_by_hand():
    made = load(saved(TWO), 3)
    equal((made.n_out, made.fingerprint), (2, 7))
    # first: 1 + 4 + 9 = 14; -6 + 5 -> 0; 10 - 100 -> 0; 381 -> 127. second: (141 + 1 >> 1) * 3 = 213, + 2 >> 2 = 53; 14
    equal(i8(made.embed_into(as_bytes([1, 2, 3]))), [53, 14])
    # -1 - 4 - 9 -> 0; 6 + 5 = 11; 0; 0. (11 + 1 >> 1) * 3 = 18, + 2 >> 2 = 5; -11
    equal(i8(made.embed_into(as_bytes([-1, -2, -3]))), [5, -11])


@test
def extremes_of_a_dense_layer():
    made = Dense(head(128, layer([[127] * 128, [-128] * 128], [0, 0], [(7, 1, 0), (7, 2, 3)])), 128)
    equal(i8(made.embed_into(as_bytes([127] * 128))), [127, -128])
    equal(i8(made.embed_into(as_bytes([-128] * 128))), [-128, 127])


@test
def a_file_that_is_not_there():
    clear_error(raises(ConfigError, load, ROOT + "none.nhh", 3), "none.nhh")


@test
def damaged_files():
    for at in range(len(TWO)):
        image = bytearray(TWO)
        image[at] ^= 0x10
        error = raises(FormatError, Dense, bytes(image), 3)
        clear_error(error)
    for n in range(len(TWO)):
        clear_error(raises(FormatError, Dense, TWO[:n], 3))


@test
def another_version():
    clear_error(raises(FormatError, Dense, b"NHH2" + TWO[4:], 3), "version", "update")


@test
def another_kind_of_file():
    clear_error(raises(FormatError, Dense, b"MZ\0\0" + TWO[4:], 3), "magic")


@test
def another_number_of_features():
    clear_error(raises(ConfigError, Dense, TWO, 4), "3", "4")


@test
def sealed_but_wrong():
    sound = TWO[16:-4]
    for body in (
        b"",
        b"\3\0",
        sound[:4],
        sound[:-1],
        sound + b"\0",
        head(3)[16:-4],
        sound[:4] + struct.pack("<HBB", 0, 0, 0),
    ):
        clear_error(raises(FormatError, Dense, seal(HEAD_MAGIC, 0, 0, body), 3))
    wide = layer([[0] * 3] * 129, [0] * 129, [(0, 1, 0)] * 129)
    clear_error(raises(FormatError, Dense, head(3, wide), 3), "129")


@test
def rows_that_could_overflow():
    for bias, rescale in (
        ((1 << 30) - 3 * 127 * 128, (17, 1, 0)),  # the sum
        (-(1 << 31), (24, 1, 0)),
        (1 << 20, (4, 32767, 0)),  # the product
        (0, (0, 22018, 0)),  # its factor: 48,769 * 22,018 > 2^30
        (0, (0, 65535, 0)),
        (0, (25, 1, 0)),
        (0, (0, 1, 30)),
    ):
        clear_error(raises(FormatError, Dense, head(3, layer([[127] * 3], [bias], [rescale])), 3), "row 0")
    Dense(head(3, layer([[127] * 3], [(1 << 30) - 3 * 127 * 128 - 1], [(16, 32767, 29)])), 3)
    widest = Dense(head(3, layer([[127] * 3] * 2, [0, 0], [(0, 22016, 23), (1, 44031, 23)])), 3)
    equal(i8(widest.embed_into(as_bytes([-128] * 3))), [-128, -128])
    equal(i8(widest.embed_into(as_bytes([127] * 3))), [127, 127])


@test
def bias_is_signed():
    made = Dense(head(1, layer([[0]], [-100], [(0, 1, 0)])), 1)
    equal(i8(made.embed_into(as_bytes([55]))), [-100])


done()
