"""The MPU-6050 driver against a chip of registers and a FIFO: start-up, bursts, overflow, wrong chip, no answer."""

import sys
from array import array

from harness import done, equal, raises, test


class Chip:
    """I2C bus with one MPU-6050: the registers of its map that matter, and its FIFO of 1024 bytes."""

    def __init__(self, who=0x68, address=0x68):
        self.registers = {0x75: who, 0x3A: 0}
        self.address = address
        self.fifo = bytearray()
        self.bursts = []

    def push(self, *values):
        for v in values:
            self.fifo += bytes(((v >> 8) & 255, v & 255))

    def writeto_mem(self, address, register, buf):
        if address != self.address:
            raise OSError(5)
        self.registers[register] = buf[0]
        if register == 0x6A and buf[0] & 4:
            self.fifo = bytearray()
            self.registers[0x3A] = 0

    def readfrom_mem_into(self, address, register, buf):
        if address != self.address:
            raise OSError(5)
        if register == 0x74:
            self.bursts.append(len(buf))
            buf[:] = self.fifo[: len(buf)]
            self.fifo = self.fifo[len(buf) :]
        elif register == 0x72:
            buf[0], buf[1] = len(self.fifo) >> 8, len(self.fifo) & 255
        else:
            buf[0] = self.registers.get(register, 0)


class Machine:
    """The module `machine` with that bus on it."""

    chip = Chip()

    @staticmethod
    def Pin(number):
        return number

    @classmethod
    def I2C(cls, number, sda, scl, freq):
        cls.wiring = (number, sda, scl, freq)
        return cls.chip


real = sys.modules.get("machine")
sys.modules["machine"] = Machine
from nearhum.errors import ConfigError, SourceError  # noqa: E402
from nearhum.sources import GAP, NONE  # noqa: E402
from nearhum.sources.mpu6050 import Source  # noqa: E402

if real:
    sys.modules["machine"] = real


def config(**changed):
    out = {"n_channels": 3, "rate_hz": 500, "source": {"driver": "mpu6050", "sda": 4, "scl": 5}}
    out.update(changed)
    return out


def opened(chip=None, **changed):
    Machine.chip = chip or Chip()
    return Source(config(**changed)), Machine.chip


@test
def it_is_set_up_as_its_docstring_says():
    source, chip = opened()
    equal(Machine.wiring, (0, 4, 5, 400000))
    r = chip.registers
    equal([r[i] for i in (0x6B, 0x19, 0x1A, 0x1C, 0x23, 0x6A)], [1, 1, 1, 8, 8, 0x40])
    source.close()
    equal(r[0x6B], 0x40)


@test
def frames_come_whole_and_in_order():
    source, chip = opened()
    block = array("h", bytes(60))
    equal(source.read_into(block), NONE)
    chip.push(1, -2, 32767, -32768, 5, 6, 7)
    equal(source.read_into(block), 2)
    equal(list(block[:6]), [1, -2, 32767, -32768, 5, 6])
    equal(source.read_into(block), NONE)  # a third of a frame waits
    chip.push(8, 9)
    equal(source.read_into(block), 1)
    equal(list(block[:3]), [7, 8, 9])


@test
def no_burst_is_larger_than_the_block_or_the_buffer():
    source, chip = opened()
    chip.push(*range(300))
    equal(source.read_into(array("h", bytes(60))), 10)
    equal(source.read_into(array("h", bytes(2000))), 40)
    equal(chip.bursts, [60, 240])


@test
def an_overflow_is_a_gap_and_starts_anew():
    source, chip = opened()
    chip.push(*range(30))
    chip.registers[0x3A] = 0x10
    equal(source.read_into(array("h", bytes(60))), GAP)
    equal(source.read_into(array("h", bytes(60))), NONE)


@test
def six_channels_have_longer_frames():
    source, chip = opened(n_channels=6)
    equal(chip.registers[0x23], 0x78)
    chip.push(*range(7))
    equal(source.read_into(array("h", bytes(60))), 1)


@test
def another_chip_or_none_is_told():
    error = raises(SourceError, opened, Chip(who=0x70))
    equal("0x70" in error.message, True, error.message)
    error = raises(SourceError, opened, Chip(address=0x69))
    equal("no answer" in error.message and "pin 4" in error.hint, True, error.message)


@test
def what_the_chip_cannot_do_is_refused():
    for changed, says in (({"n_channels": 2}, "n_channels = 2"), ({"rate_hz": 700}, "rate_hz = 700")):
        error = raises(ConfigError, Source, config(**changed))
        equal(says in error.message, True, error.message)


done()
