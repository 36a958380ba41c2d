"""Test heads: identity, dense and convolution layers, pooling, and invalid files."""

import gc
import struct

from fakes import head, layer, pooling
from harness import as_bytes, clear_error, done, equal, i8, raises, scratch, test
from nearhum.embedding.head import Network
from nearhum.embedding.identity import Identity, load
from nearhum.errors import ConfigError, FormatError
from nearhum.wire import HEAD_MAGIC, seal

ROOT = scratch()


TWO = head(
    3,
    layer(
        [[1, 2, 3], [-1, -1, -1], [10, 0, 0], [0, 0, 127]], [0, 5, -100, 0], [(0, 1, 0)] * 4, relu=1
    ),
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
    # first: 1 + 4 + 9 = 14; -6 + 5 -> 0; 10 - 100 -> 0; 381 -> 127. second: (141 + 1 >> 1) * 3 =
    # 213, + 2 >> 2 = 53; 14
    equal(i8(made.embed_into(as_bytes([1, 2, 3]))), [53, 14])
    # -1 - 4 - 9 -> 0; 6 + 5 = 11; 0; 0. (11 + 1 >> 1) * 3 = 18, + 2 >> 2 = 5; -11
    equal(i8(made.embed_into(as_bytes([-1, -2, -3]))), [5, -11])


@test
def extremes_of_a_dense_layer():
    made = Network(
        head(128, layer([[127] * 128, [-128] * 128], [0, 0], [(7, 1, 0), (7, 2, 3)])), 128
    )
    equal(i8(made.embed_into(as_bytes([127] * 128))), [127, -128])
    equal(i8(made.embed_into(as_bytes([-128] * 128))), [-128, 127])


@test
def a_convolution_by_hand():
    # 4 positions of 2 channels, width 2: rows x0 - x2, and the sum of all four
    one = layer([[1, 0, -1, 0], [1, 1, 1, 1]], [0, 10], [(0, 1, 0)] * 2, 0, (2, 2, 1))
    made = Network(head(8, one), 8)
    equal(made.n_out, 6)
    x = as_bytes([1, 2, 3, 4, 5, 6, -7, -8])
    equal(i8(made.embed_into(x)), [-2, 20, -2, 28, 12, 6])
    # the same buffer with other values, another buffer, the first again
    x[0] = 101
    equal(i8(made.embed_into(x)), [98, 120, -2, 28, 12, 6])
    equal(i8(made.embed_into(bytearray(8))), [0, 10, 0, 10, 0, 10])
    equal(i8(made.embed_into(x)), [98, 120, -2, 28, 12, 6])
    # a stride of 2: positions 0 and 2; a stride of 3 has room once: a dense layer of the first
    # positions
    for stride, wanted in ((2, [98, 120, 12, 6]), (3, [98, 120])):
        strided = layer([[1, 0, -1, 0], [1, 1, 1, 1]], [0, 10], [(0, 1, 0)] * 2, 0, (2, 2, stride))
        equal(i8(Network(head(8, strided), 8).embed_into(x)), wanted)


@test
def convolutions_pooled_and_mapped():
    # one channel of 6, width 3: a difference and a sum, rectified; each one's largest; their
    # difference twice
    made = Network(
        head(
            6,
            layer([[1, 0, -1], [1, 1, 1]], [0, 0], [(0, 1, 0)] * 2, 1, (1, 3, 1)),
            pooling(2),
            layer([[2, -2], [0, 1]], [0, 0], [(0, 1, 0)] * 2),
        ),
        6,
    )
    equal(made.n_out, 2)
    # differences -2 1 4 4 -> 0 1 4 4, sums 6 6 3 -3 -> 6 6 3 0
    equal(i8(made.embed_into(as_bytes([1, 2, 3, 1, -1, -3]))), [2 * 4 - 2 * 6, 6])
    # two convolutions: the second one's row reaches over two positions of the first one's two
    # filters
    made = Network(
        head(
            6,
            layer([[1, 0, -1], [1, 1, 1]], [0, 0], [(0, 1, 0)] * 2, 1, (1, 3, 1)),
            layer([[1, 0, 0, 1]], [-1], [(0, 1, 0)], 0, (2, 2, 2)),
        ),
        6,
    )
    # pairs (0 6) (1 6) (4 3) (4 0): 0 + 6 - 1, 4 + 0 - 1
    equal(i8(made.embed_into(as_bytes([1, 2, 3, 1, -1, -3]))), [0 + 6 - 1, 4 + 0 - 1])


@test
def extremes_of_a_convolution():
    rows = [[127] * 32, [-128] * 32, [-127, 127] * 16]
    one = layer(rows, [0] * 3, [(5, 1, 0), (5, 2, 3), (4, 32767, 15)], 0, (4, 8, 4))
    made = Network(head(128, one), 128)
    equal(made.n_out, 3 * 7)
    for value, wanted in ((127, [127, -128, 0]), (-128, [-128, 127, 0])):
        equal(i8(made.embed_into(as_bytes([value] * 128))), wanted * 7)


@test
def layers_that_cannot_be():
    def convolution(n_in, geometry, n_row, n_out=1):
        return head(
            n_in, layer([[0] * n_row] * n_out, [0] * n_out, [(0, 1, 0)] * n_out, 0, geometry)
        )

    for n_in, image, words in (
        (8, convolution(8, (3, 1, 1), 3), ("3 channels",)),
        (8, convolution(8, (2, 5, 1), 10), ("width 5",)),
        (8, convolution(8, (2, 0, 1), 0), ("width 0",)),
        (8, convolution(8, (2, 1, 0), 2), ("stride 0",)),
        (8, convolution(8, (0, 1, 1), 0), ("0 channels",)),
        (128, convolution(128, (1, 1, 1), 1, 33), ("33 rows", "4096")),
        (128, convolution(128, (1, 1, 1), 1, 2), ("256", "128")),
        (6, head(6, pooling(4)), ("6 values in 4",)),
        (6, head(6, pooling(0)), ("0 rows",)),
        (6, head(6, struct.pack("<HBB", 1, 0, 3)), ("kind 3", "update")),
        (6, head(6, struct.pack("<HBB", 1, 0, 1)), ("ends inside",)),
    ):
        clear_error(raises(FormatError, Network, image, n_in), *words)
    # a row of more than the dense kernel takes: 32 channels of 128 positions, all in one
    wide = head(
        128,
        layer([[1]] * 32, [0] * 32, [(0, 1, 0)] * 32, 0, (1, 1, 1)),
        layer([[0] * 4096], [0], [(0, 1, 0)]),
    )
    clear_error(raises(FormatError, Network, wide, 128), "4096", "1024")


@test
def a_file_that_is_not_there():
    clear_error(raises(ConfigError, load, ROOT + "none.nhh", 3), "none.nhh")


@test
def what_lies_behind_the_network_is_not_read():
    card = seal(b"NHC1", 7, 0, b"{}")
    made = load(saved(TWO + card), 3)
    equal((made.n_out, made.fingerprint), (2, 7))
    equal(i8(made.embed_into(as_bytes([1, 2, 3]))), [53, 14])
    # a card far larger than the network costs a board no memory
    path = saved(TWO)
    with open(path, "ab") as f:
        for _ in range(64):
            f.write(bytes(1024))
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        load(path, 3)
        equal(gc.mem_alloc() - start < 16384, True)
    finally:
        gc.enable()
    # a length that no file has: as much as there is, and told
    wrong = bytearray(TWO)
    wrong[12:16] = b"\xff\xff\xff\xff"
    clear_error(raises(FormatError, load, saved(wrong), 3), "should have")
    clear_error(raises(FormatError, load, saved(TWO[:15]), 3), "short")
    clear_error(raises(FormatError, load, saved(b""), 3), "short")


@test
def damaged_files():
    for at in range(len(TWO)):
        image = bytearray(TWO)
        image[at] ^= 0x10
        error = raises(FormatError, Network, bytes(image), 3)
        clear_error(error)
    for n in range(len(TWO)):
        clear_error(raises(FormatError, Network, TWO[:n], 3))


@test
def another_version():
    clear_error(raises(FormatError, Network, b"NHH2" + TWO[4:], 3), "version", "update")


@test
def another_kind_of_file():
    clear_error(raises(FormatError, Network, b"MZ\0\0" + TWO[4:], 3), "magic")


@test
def another_number_of_features():
    clear_error(raises(ConfigError, Network, TWO, 4), "3", "4")


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
        clear_error(raises(FormatError, Network, seal(HEAD_MAGIC, 0, 0, body), 3))
    wide = layer([[0] * 3] * 129, [0] * 129, [(0, 1, 0)] * 129)
    clear_error(raises(FormatError, Network, head(3, wide), 3), "129")


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
        clear_error(
            raises(FormatError, Network, head(3, layer([[127] * 3], [bias], [rescale])), 3), "row 0"
        )
    Network(head(3, layer([[127] * 3], [(1 << 30) - 3 * 127 * 128 - 1], [(16, 32767, 29)])), 3)
    widest = Network(head(3, layer([[127] * 3] * 2, [0, 0], [(0, 22016, 23), (1, 44031, 23)])), 3)
    equal(i8(widest.embed_into(as_bytes([-128] * 3))), [-128, -128])
    equal(i8(widest.embed_into(as_bytes([127] * 3))), [127, 127])


@test
def bias_is_signed():
    made = Network(head(1, layer([[0]], [-100], [(0, 1, 0)])), 1)
    equal(i8(made.embed_into(as_bytes([55]))), [-100])


done()
