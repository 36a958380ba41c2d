"""Test the simulators of machine code: their results, and the violations that they detect."""

import random
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from nearhum_host.boards import application

from machine_code import mpy, python
from machine_code.cores import FLOOR_DIVIDE, Misbehaved
from machine_code.glue import Machine
from machine_code.test_machine_code import each_arch, needed

SOURCE = """
import micropython

@micropython.viper
def beside(x: ptr8, n: int):
    x[n] = 1

@micropython.viper
def backwards(x: ptr8):
    ptr8(int(x) - 1)[0] = 1

@micropython.viper
def nowhere(at: int) -> int:
    return ptr32(at)[0]

@micropython.viper
def twice(f, v: int) -> int:
    return int(f(v)) + int(f(v + 1))

@micropython.viper
def deep(f, n: int) -> int:
    if n < 1:
        return 0
    return int(f(f, n - 1)) + 1

@micropython.viper
def first(bound) -> int:
    return int(bound[0]) + int(bound[1])

@micropython.viper
def through(v: int) -> int:
    return v

@micropython.viper
def chased(words: ptr32) -> int:
    other = ptr32(words[0])
    target = ptr32(other[0])
    target[0] += 1
    return target[0] - 1

@micropython.viper
def pair(x: ptr16, y: ptr16, n: int) -> bool:
    for i in range(n):
        x[i] = y[i] + 1
    return int(x) == int(y)
"""


class Functions:
    """The functions of SOURCE, compiled for an arch, on a core of that arch."""

    def __init__(self, arch: str, folder: Path) -> None:
        source = folder / "odd.py"
        source.write_text(SOURCE)
        self.machine = Machine(python.core_of(arch))
        self.file = python.built(source, arch)
        made = self.machine.load(
            self.file, python.functions_of(source, arch), "odd", lambda name: None
        )
        self.by_name = {function.name.removeprefix("odd."): function for function in made.values()}

    def __getattr__(self, name: str):
        return self.by_name[name]


@pytest.fixture(params=python.ARCHS)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Functions]:
    needed(request.param)
    functions = Functions(request.param, tmp_path)
    yield functions
    functions.machine.core.close()


def test_machine_code_that_writes_beside_a_buffer_is_found(odd: Functions) -> None:
    x = bytearray(5)
    odd.beside(x, 4)
    assert x == b"\0\0\0\0\1"
    for function, arguments in ((odd.beside, (x, 5)), (odd.backwards, (x,))):
        with pytest.raises(Misbehaved, match="beside a buffer of 5 bytes"):
            function(*arguments)
    with pytest.raises(Misbehaved, match="bytes were written to"):
        odd.beside(b"constant", 2)
    assert x == b"\0\0\0\0\1"


def test_machine_code_that_reads_where_nothing_is_ends(odd: Functions) -> None:
    with pytest.raises(Misbehaved):
        odd.nowhere(0x10)


def test_machine_code_sees_integers_and_objects_as_on_a_board(odd: Functions) -> None:
    for value in (
        0,
        1,
        -1,
        (1 << 30) - 1,
        1 << 30,
        -(1 << 30),
        -(1 << 30) - 1,
        (1 << 31) - 1,
        -(1 << 31),
    ):
        assert odd.through(value) == value
    assert odd.through((1 << 32) + 5) == 5  # Truncated to a word.
    assert odd.through(True) == 1
    with pytest.raises(TypeError):
        odd.through(None)
    with pytest.raises(TypeError):
        odd.through("1")
    assert odd.first((40, 2)) == 42
    with pytest.raises(IndexError):
        odd.first((1,))


def test_machine_code_calls_python_and_itself(odd: Functions) -> None:
    asked = []
    assert odd.twice(lambda v: asked.append(v) or v * v, 5) == 25 + 36
    assert asked == [5, 6]
    assert odd.twice(odd.through, -3) == -5
    assert odd.deep(odd.deep, 40) == 40  # A windowed core does not have registers for 40 frames.


def test_machine_code_gets_views_of_one_array_where_they_lie(odd: Functions) -> None:
    whole = array("h", [1, 2, 3, 4, 5, 6])
    view = memoryview(whole)
    assert odd.pair(view[1:3], view[3:5], 2) is False
    assert whole.tolist() == [1, 5, 6, 4, 5, 6]
    assert odd.pair(whole, view, 6) is True
    assert whole.tolist() == [2, 6, 7, 5, 6, 7]
    nothing = bytearray()
    assert odd.pair(nothing, nothing, 0) is True


def test_machine_code_finds_arrays_by_addresses_in_arrays(odd: Functions) -> None:
    target, near = array("i", [7, 8]), array("i", [9])
    between = array("i", [odd.machine.address(target) + 4])
    words = array("i", [odd.machine.address(between), odd.machine.address(near)])
    assert odd.chased(words) == 8
    target[1] = -5
    assert odd.chased(words) == -5
    assert target.tolist() == [7, -4]  # The code wrote into it.
    odd.machine.forget()


@each_arch
def test_division_beside_machine_code_rounds_as_pythons(arch: str) -> None:
    needed(arch)
    core = python.core_of(arch)
    dice = random.Random(5)
    ends = [0, 1, -1, 7, -7, (1 << 31) - 1, 1 - (1 << 31)]
    try:
        for _ in range(300):
            a, b = (
                dice.choice([*ends, dice.randint(1 - (1 << 31), (1 << 31) - 1)]) for _ in range(2)
            )
            b = b or 3
            found = core.call(core.entry(FLOOR_DIVIDE), (a & 0xFFFFFFFF, b & 0xFFFFFFFF, 0, 0))
            assert found == (a // b) & 0xFFFFFFFF, (a, b)
    finally:
        core.close()


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ((0x2400, 0x4770), "a register of the caller"),  # mov r4, 0; bx lr
        ((0x46A0, 0x4770), "a register of the caller"),  # mov r8, r4; bx lr
        ((0xB081, 0x4770), "stack pointer is -4 off"),  # sub sp, 4; bx lr
        ((0xB100, 0x4770), "no instruction of ARMv6-M"),  # cbz r0; bx lr
        ((0xFB90, 0xF0F1, 0x4770), "no instruction of ARMv6-M"),  # sdiv r0, r0, r1; bx lr
        ((0x6848, 0x4770), "not aligned"),  # ldr r0, [r1, 4]; bx lr
        ((0xDE00, 0x4770), "Invalid instruction"),  # udf
    ],
)  # fmt: skip
def test_thumb_machine_code_that_breaks_a_rule_is_found(code: tuple[int, ...], wrong: str) -> None:
    from machine_code.cores import ThumbCore

    core = ThumbCore(v6m=True, strict=True)
    core.write(core.free, struct.pack(f"<{len(code)}H", *code))
    with pytest.raises(Misbehaved, match=wrong):
        core.call(core.free + 1, (5, core.free + 65, 0, 0))


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ((0x00000413, 0x00008067), "a register of the caller"),  # li s0, 0; ret
        ((0x00000D93, 0x00008067), "a register of the caller"),  # li s11, 0; ret
        ((0xFF010113, 0x00008067), "stack pointer is -16 off"),  # addi sp, sp, -16; ret
        ((0x00000000,), "exception"),
    ],
)  # fmt: skip
def test_rv32_machine_code_that_breaks_a_rule_is_found(code: tuple[int, ...], wrong: str) -> None:
    from machine_code.cores import Rv32Core

    core = Rv32Core()
    core.write(core.free, struct.pack(f"<{len(code)}I", *code))
    with pytest.raises(Misbehaved, match=wrong):
        core.call(core.free, (5, 0, 0, 0))


def test_files_of_machine_code_that_are_no_such_files_are_refused() -> None:
    source = next(path for path in application.modules("armv6m") if path.stem == "viper_words")
    whole = application.compiled(source, "x", "armv6m")
    assert mpy.read(whole).arch == "armv6m"
    for damaged in (
        b"", whole[:-1], whole + b"\0", b"N" + whole[1:], whole[:1] + b"\x05" + whole[2:],
        whole[:2] + bytes([whole[2] & ~3 | 1]) + whole[3:],
    ):  # fmt: skip
        with pytest.raises(mpy.FormatError):
            mpy.read(damaged)
