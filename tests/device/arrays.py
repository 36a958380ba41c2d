"""Test that nearhum.features.arrays.np means the same with ulab and with the built-in fallback.

Containers and arithmetic. The file runs on whichever of the two this MicroPython has, and prints
which. The fallback is always tested.
"""

from array import array

from harness import done, equal, raises, test
from libraries import Fallback, both, close, floats, made, whole
from nearhum.features.arrays import np

print("np is", np.NAME)


# --- containers -----------------------------------------------------------------------------------


@test
def types_are_those_of_arrays():
    for lib in (np, Fallback):
        equal([chr(t) for t in (lib.uint8, lib.int8, lib.uint16, lib.int16)], ["B", "b", "H", "h"])
        equal(lib.float, np.float)
    equal((np.FLOAT_CODE, len(bytes(array(np.FLOAT_CODE, [0])))), (chr(np.float), np.FLOAT_BYTES))


@test
def floats_are_as_wide_as_this_micropythons():
    for lib in (np, Fallback):
        x = lib.zeros(1)
        x[0] = float("1.000000000001")
        equal((x[0] == float("1.000000000001"), x[0] > 1), (True, np.FLOAT_BYTES == 8))


@test
def zeros_are_floats():
    def act(lib):
        z = lib.zeros(4)
        z[1] = 0.5
        equal([v for v in z], [0, 0.5, 0, 0])
        equal((len(z), z.shape, z.size), (4, (4,), 4))
        equal(whole(lib.zeros(2, dtype=lib.int8) - 1), [-1, -1])

    both(act)


@test
def frombuffer_shares_memory():
    def act(lib):
        x = array("h", [1, -2, 3])
        view = lib.frombuffer(x, dtype=lib.int16)
        x[1] = -7
        equal(whole(view), [1, -7, 3])
        view[0] = 9
        equal(x[0], 9)
        window = memoryview(array("h", range(10)))[4:7]
        equal(whole(lib.frombuffer(window, dtype=lib.int16)), [4, 5, 6])
        memory = array(np.FLOAT_CODE, [0.5, 2])
        view = lib.frombuffer(memory)
        view += 1
        equal(list(memory), [1.5, 3])

    both(act)


@test
def slices_are_views():
    def act(lib):
        x = lib.zeros(6)
        x[2:5][1] = 4.0
        equal([v for v in x], [0, 0, 0, 4, 0, 0])
        x[:2] = made(lib, "h", [7, 8]) * 1.0
        equal([v for v in x], [7, 8, 0, 4, 0, 0])
        equal([v for v in x[-3:]], [4, 0, 0])
        equal([v for v in x[2:-1]], [0, 4, 0])
        close([lib.sum(x[2:5])], [4])
        part = x[1:4]
        part += 2
        equal([v for v in x], [7, 10, 2, 6, 0, 0])
        x[4:] = 3
        equal([v for v in x], [7, 10, 2, 6, 3, 3])
        equal((len(x[3:3]), x[-1]), (0, 3))

    both(act)


@test
def rows_are_views_of_matrices():
    def act(lib):
        memory = array(np.FLOAT_CODE, [0] * 6)
        m = lib.frombuffer(memory).reshape((2, 3))
        m[1, 2] = 5
        m[0] = floats(lib, [1, 2, 3])
        m[1][0] = 4
        equal(list(memory), [1, 2, 3, 4, 0, 5])
        equal((len(m), m.shape, m.size, m[1, -1], m[-1][2]), (2, (2, 3), 6, 5, 5))
        equal([[v for v in row] for row in m], [[1, 2, 3], [4, 0, 5]])
        m += 1
        equal(list(memory), [2, 3, 4, 5, 1, 6])
        close([lib.sum(m)], [21])
        m *= 2  # a new array on stock firmware, which asks no class to multiply in place
        equal([[v for v in row] for row in m * m - 1], [[15, 35, 63], [99, 3, 143]])
        equal([v for v in lib.zeros((3, 2)).reshape((6,))], [0] * 6)

    both(act)


@test
def what_the_fallback_cannot_name_is_refused():
    # ulab answers these; a wrong answer would be worse than none
    m, x = Fallback.zeros((2, 3)), Fallback.zeros(6)
    for act in (
        lambda: x[::2],
        lambda: x[4:1:-1],
        lambda: m[::2],
        lambda: m[:, 1],
        lambda: m[0:2, 1],
        lambda: m[:, :],
        lambda: m[0, ::2],
        lambda: x[0, 0],
        lambda: m[0, 0, 0],
    ):
        raises(NotImplementedError, act)

    def every_third():
        x[0:6:3] = 1

    def a_column():
        m[0:2, 1] = 1

    raises(NotImplementedError, every_third)
    raises(NotImplementedError, a_column)
    equal((whole(x), whole(m.reshape((6,)))), ([0] * 6, [0] * 6))
    x[0:6:1] = 2
    m[1, 0:2] = 3
    equal((whole(x), whole(m.reshape((6,)))), ([2] * 6, [0, 0, 0, 3, 3, 0]))


@test
def places_outside_are_refused():
    def act(lib):
        x = lib.zeros(3)
        for place in (3, -4, 100):
            raises(IndexError, lambda i=place: x[i])
        raises(ValueError, lambda: lib.zeros(6).reshape((4, 2)))

    both(act)


# --- arithmetic -----------------------------------------------------------------------------------


@test
def one_type_stays_and_wraps():
    def act(lib):
        a, b = made(lib, "h", [300, -300, 2]), made(lib, "h", [300, 300, 3])
        equal(whole(a * b), [24464, -24464, 6])
        equal(whole(a + b), [600, 0, 5])
        a, b = made(lib, "b", [100, -128, 5]), made(lib, "b", [2, -1, 3])
        equal(
            (whole(a * b), whole(a + b), whole(a - b)),
            ([-56, -128, 15], [102, 127, 8], [98, -127, 2]),
        )
        a, b = made(lib, "B", [200, 3]), made(lib, "B", [100, 4])
        equal((whole(a + b), whole(a - b)), ([44, 7], [100, 255]))
        a = made(lib, "H", [60000, 3])
        equal((whole(a + a), whole(a * a)), ([54464, 6], [60000 * 60000 & 0xFFFF, 9]))

    both(act)


@test
def two_types_promote():
    def act(lib):
        u8, i8 = made(lib, "B", [200, 3]), made(lib, "b", [-2, 5])
        u16, i16 = made(lib, "H", [60000, 3]), made(lib, "h", [-300, 7])
        equal((whole(u8 * i8), whole(i8 * u8)), ([-400, 15], [-400, 15]))  # int16
        equal(whole(u8 + u16), [60200, 6])  # uint16
        equal(whole(u8 * i16), [5536, 21])  # int16: -60000 wraps
        equal(whole(i8 + u16), [59998 - 65536, 8])  # int16
        equal(whole(i8 * i16), [600, 35])  # int16
        equal(whole(u16 * i16), [-18000000, 21])  # float
        # a sum or product of these two is int16 either way; a difference has the first one's size
        equal((whole(u16 + i8), whole(u16 * i8)), ([59998 - 65536, 8], [11072, 15]))
        equal((whole(u16 - i8), whole(i8 - u16)), ([60002, 65534], [5534, 2]))
        equal(whole(u16 - -1), [60001, 4])

    both(act)


@test
def numbers_take_the_smallest_type_that_holds_them():
    def act(lib):
        i8, u8, i16 = made(lib, "b", [100, -2]), made(lib, "B", [200, 3]), made(lib, "h", [-2, 300])
        equal((whole(i8 + 100), whole(i8 + 200)), ([-56, 98], [300, 198]))
        equal((whole(u8 + 100), whole(u8 + 300), whole(u8 + -1)), ([44, 103], [500, 303], [199, 2]))
        equal(
            (whole(i16 + 40000), whole(i16 + 70000)),
            ([39998 - 65536, 40300 - 65536], [69998, 70300]),
        )
        close(i16 * 0.5, [-1, 150])

    both(act)


@test
def floats_win():
    def act(lib):
        a = made(lib, "h", [300, -32768, 2])
        f = floats(lib, [0.5, 2.0, -1.0])
        close(a * f, [150, -65536, -2])
        close(f * 3 - f, [1, 4, -2])
        close(f + f, [1, 4, -2])

    both(act)


@test
def in_place_keeps_the_left_type():
    def act(lib):
        memory = array("b", [100, -2])
        x = lib.frombuffer(memory, dtype=lib.int8)
        x += 100
        equal(list(memory), [-56, 98])
        x += made(lib, "h", [1000, 2])
        equal(list(memory), [((944 + 128) & 255) - 128, 100])
        x -= 1
        equal(whole(x), [((943 + 128) & 255) - 128, 99])
        x[0] = 300
        equal(memory[0], 44)

        def add_half(y):
            y += 0.5

        raises(TypeError, add_half, x)
        f = floats(lib, [1.5, 2])
        f += made(lib, "h", [-4, 3])
        f -= 0.5
        close(f, [-3, 4.5])

    both(act)


@test
def lengths_must_agree():
    def act(lib):
        raises(ValueError, lambda: lib.zeros(3) + lib.zeros(4))
        close(lib.zeros(3) + floats(lib, [2.5]), [2.5] * 3)  # one is for all

    both(act)


@test
def sums():
    def act(lib):
        total = lib.sum(made(lib, "h", [1, -2, 5]))
        equal((total, isinstance(total, int)), (4, True))
        close([lib.sum(floats(lib, [0.25, 0, 0]))], [0.25])

    both(act)


done()
