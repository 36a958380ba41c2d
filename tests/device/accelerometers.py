"""Test the drivers of accelerometers on models of their chips, register by register, on I2C and
SPI.

Start-up, bursts, overflow, chips that do not answer, wrong chips, settings that a chip cannot have.
"""

import sys
from array import array

from harness import done, equal, named, raises, test

# isort: split
# the models' folder is on the path now
import buses
import chip_adxl345
import chip_adxl355
import chip_icm42688
import chip_kx134
import chip_lis3dh
import chip_lsm6ds
import chip_mpu6050


class Machine:
    """The module `machine` with the buses of the models."""

    I2C, SPI, Pin = buses.I2C, buses.SPI, buses.Pin


real = sys.modules.get("machine")
sys.modules["machine"] = Machine
import nearhum.sources.accelerometers.on_spi  # noqa: F401  while machine is the models'
from nearhum.errors import ConfigError, SourceError
from nearhum.sources import GAP, NONE
from nearhum.sources.accelerometers import (
    adxl345,
    adxl355,
    icm42688,
    iis3dwb,
    kx134,
    lis3dh,
    lsm6ds3,
    lsm6dsox,
    lsm6dsv16x,
    mpu6050,
)

if real:
    sys.modules["machine"] = real


class Clock:
    """Time that goes on when a test says so."""

    us = 0

    @classmethod
    def now_us(cls):
        return cls.us

    @classmethod
    def wait_ms(cls, ms):
        cls.us += int(ms * 1000)


class Case:
    """A chip under the contract.

    rate: one it has, of which a burst is smaller than what comes in a test. full: frames in its
    FIFO when it is full. no_rate: one it has not. keeps: a register that the driver sets. mask: of
    a sample, what the chip has bits for. resets: it has a register for that.
    """

    def __init__(
        self, driver, model, rate, full, no_rate, keeps, on=("i2c", "spi"), ranges=(2, 4, 8, 16),
        mask=~0, resets=True,
    ):  # fmt: skip
        self.driver, self.model, self.rate, self.full = driver, model, rate, full
        self.no_rate, self.keeps, self.on, self.ranges = no_rate, keeps, on, ranges
        self.mask, self.resets = mask, resets


def _mpu(model, full):
    return Case(mpu6050, model, 1000, full, 700, 0x1C, on=("i2c",))


CASES = {
    "mpu6050": _mpu(chip_mpu6050.Mpu6050, 170),
    # what boards that are sold as MPU-6050 have in its place
    "mpu6500": _mpu(chip_mpu6050.Mpu6500, 85),
    "mpu6880": _mpu(chip_mpu6050.Mpu6880, 85),
    "icm20689": _mpu(chip_mpu6050.Icm20689, 85),
    "copy512": _mpu(chip_mpu6050.Copy512, 85),
    "adxl345": Case(adxl345, chip_adxl345.Adxl345, 800, 32, 1000, 0x2C, resets=False),
    "lis3dh": Case(lis3dh, chip_lis3dh.Lis3dh, 400, 32, 800, 0x20, mask=~15, resets=False),
    "lsm6ds3": Case(lsm6ds3, chip_lsm6ds.Lsm6ds3, 833, 1365, 1000, 0x10),
    "lsm6dsox": Case(lsm6dsox, chip_lsm6ds.Lsm6dsox, 833, 512, 1000, 0x10),
    "lsm6dsv16x": Case(lsm6dsv16x, chip_lsm6ds.Lsm6dsv16x, 960, 256, 1000, 0x10),
    "iis3dwb": Case(iis3dwb, chip_lsm6ds.Iis3dwb, 26667, 512, 6667, 0x10, on=("spi",)),
    "kx134": Case(
        kx134, chip_kx134.Kx134, 800, 86, 1000, 0x21, ranges=(8, 16, 32, 64), resets=False
    ),
    "adxl355": Case(adxl355, chip_adxl355.Adxl355, 1000, 32, 800, 0x28, ranges=(2, 4, 8)),
    "icm42688": Case(icm42688, chip_icm42688.Icm42688, 1000, 255, 800, 0x50),
}
# What another program may have left in a chip that kept its power: an axis off, a high-pass,
# offsets, interrupts, another page of registers, a gyroscope that fills the FIFO
LEFT = {
    "mpu6050": {0x6C: 0x3F, 0x1D: 0x0F, 0x23: 0xF8, 0x38: 0x11, 0x6A: 0x70},
    "adxl345": {0x1E: 5, 0x1F: 0x80, 0x20: 0xC0, 0x2E: 0xFF, 0x31: 0xE7, 0x2D: 0x3F},
    "lis3dh": {0x1F: 0xC0, 0x21: 0xF8, 0x22: 0xFF, 0x24: 0xFF, 0x2E: 0xDF},
    "lsm6ds3": {0x01: 0x80, 0x06: 0xFF, 0x09: 0x3F, 0x11: 0x60, 0x17: 0xFF},
    "lsm6dsox": {0x01: 0x80, 0x07: 0xFF, 0x09: 0xFF, 0x11: 0x60, 0x17: 0xFF},
    "lsm6dsv16x": {0x01: 0x40, 0x08: 0x80, 0x09: 0xFF, 0x10: 0x39, 0x11: 0x06, 0x17: 0x08},
    "iis3dwb": {0x07: 0xFF, 0x09: 0x0F, 0x13: 0x01, 0x15: 0x03, 0x17: 0xFF},
    "kx134": {0x1B: 0xDC, 0x1E: 0x70, 0x21: 0x0F, 0x5D: 0xCA, 0x5F: 0xE2, 0x65: 0x82},
    "adxl355": {0x1E: 5, 0x20: 0x80, 0x22: 0xC0, 0x28: 0x5A, 0x2C: 0x43, 0x2D: 0x06, 0x2E: 0x03},
    "icm42688": {0x76: 1, 0x16: 0xC0, 0x4C: 0x8F, 0x4E: 0x0F, 0x50: 0xEF, 0x52: 0x77, 0x5F: 0x1F},
}
PINS = {
    "spi": {"spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17},
    "i2c": {"i2c": 0, "sda": 4, "scl": 5},
}


class Rig:
    """A chip on a bus, and its driver."""

    def __init__(
        self, name, bus=None, who=None, nacks=0, address=None, given=None, left=(), keeps=(),
        **changed
    ):  # fmt: skip
        self.case = CASES[name]
        bus = bus or self.case.on[0]
        self.chip = self.case.model(Clock.now_us, who=who)
        self.chip.nacks = nacks
        self.chip.registers.update(dict(left))
        self.chip.keeps = keeps
        if bus == "spi":
            buses.wired[:] = [buses.Wire(self.chip, spi=0, cs=17)]
        else:
            buses.wired[:] = [
                buses.Wire(self.chip, i2c=0, address=address or self.chip.ADDRESSES[0])
            ]
        source = dict(PINS[bus])
        source.update(given or {})
        config = {"n_channels": 3, "rate_hz": self.case.rate, "source": source}
        config.update(changed)
        self.config = config
        self.block = array("h", bytes(1020))
        self.rate = config["rate_hz"]
        self.source = self.case.driver.Source(config)

    def frames(self, n):
        """Return what the chip felt in its last n frames, in counts, before it feels more."""
        motion, out = type(self.chip.motion)(), []
        for i in range(self.chip.n_made):
            mg = motion.at(i)
            if i >= self.chip.n_made - n:
                out.append([v * self.source.counts // 1000 & self.case.mask for v in mg])
        return out

    def wait(self, n_samples):
        Clock.wait_ms(n_samples * 1000 / self.rate + 0.01)

    def drain(self):
        """Return all frames that wait, and what came after them."""
        out = []
        while True:
            n = self.source.read_into(self.block)
            if n <= 0:
                return out, n
            out += [list(self.block[3 * i : 3 * i + 3]) for i in range(n)]


def refused(rig):
    try:
        n = rig.source.read_into(rig.block)
    except (OSError, SourceError):
        return
    raise AssertionError("%d, not an error" % n)


def delivers_what_the_chip_felt(name, bus):
    rig = Rig(name, bus)
    equal(rig.source.read_into(rig.block), NONE)
    found = []
    for n in (1, 3, 25, 7, 20):
        rig.wait(n)
        got, end = rig.drain()
        equal(end, NONE)
        found += got
    equal(len(found) >= 55, True, len(found))
    equal(rig.chip.n_lost, 0)
    equal(found, rig.frames(len(found)))
    # gravity stands on z, one g
    mean = sum([f[2] for f in found]) // len(found)
    equal(abs(mean - rig.source.counts) < rig.source.counts // 8, True, mean)


def an_overflow_is_a_gap_and_starts_anew(name, bus):
    rig = Rig(name, bus)
    rig.wait(CASES[name].full + 6)
    equal(rig.source.read_into(rig.block), GAP)
    equal(rig.chip.n_lost > 0, True)
    equal(rig.source.read_into(rig.block), NONE)
    rig.wait(5)
    got, _ = rig.drain()
    equal(got, rig.frames(len(got)))
    equal(4 <= len(got) <= 5, True, len(got))


def nothing_is_lost_up_to_a_full_fifo(name, bus):
    rig = Rig(name, bus)
    n = wanted = CASES[name].full - 2
    rig.wait(n)
    while n > 0:
        got = rig.source.read_into(rig.block)
        equal(got > 0, True, (wanted - n, wanted))
        n -= got
    equal((n, rig.source.read_into(rig.block), rig.chip.n_lost), (0, NONE, 0))


def a_transfer_without_answer_is_a_fault(name):
    rig = Rig(name)
    rig.wait(4)
    rig.chip.nacks = 2
    refused(rig)
    refused(rig)
    equal(rig.source.read_into(rig.block), 4)  # what waited is still whole
    rig.wait(4)
    level = rig.source.level

    def then_nothing():
        n = level()
        rig.chip.nacks = 1
        return n

    rig.source.level = then_nothing
    refused(rig)  # in the burst
    rig.source.level = level
    equal(rig.source.read_into(rig.block), GAP)
    rig.wait(4)
    got, end = rig.drain()
    equal((3 <= len(got) <= 8, end), (True, NONE))  # not every FIFO can be emptied
    equal(got, rig.frames(len(got)))


def another_chip_or_none_is_told(name):
    error = raises(SourceError, lambda: Rig(name, who=0x42))
    equal("0x42" in error.message, True, error.message)
    if "i2c" in CASES[name].on:
        error = raises(SourceError, lambda: Rig(name, address=0x77))
        equal("no answer" in error.message, True, error.message)
    raises(SourceError, lambda: Rig(name, nacks=1))


def what_the_chip_cannot_do_is_refused(name):
    error = raises(ConfigError, lambda: Rig(name, rate_hz=CASES[name].no_rate))
    equal("rate_hz" in error.message, True, error.message)
    raises(ConfigError, lambda: Rig(name, n_channels=2))
    raises(ConfigError, lambda: Rig(name, given={"range_g": 3}))


def every_range_has_its_counts(name):
    for g in CASES[name].ranges:
        rig = Rig(name, given={"range_g": g})
        rig.chip.motion.amplitude_mg = rig.chip.motion.noise_mg = 0
        rig.wait(3)
        got, _ = rig.drain()
        off = abs(got[0][2] - rig.source.counts)
        equal(off <= 16, True, (g, got[0], rig.source.counts))
        rig.chip.motion.gravity_mg = (0, 0, 200000)
        rig.wait(3)
        most = rig.drain()[0][-1][2] / rig.source.counts
        equal(0.95 * g < most < 1.6 * g, True, (g, most))  # a LIS3DH at 16 g reaches 24.6


def nothing_of_another_program_stays(name, bus):
    left = LEFT.get(name, LEFT["mpu6050"])
    rig = Rig(name, bus, left=left)
    rig.wait(20)
    got, _ = rig.drain()
    equal(got, rig.frames(len(got)))
    equal(len(got) >= 19, True, len(got))
    if rig.case.resets:
        stays = [register for register in left if rig.chip.get(register) == left[register]]
        equal(stays, [])


def a_register_that_keeps_its_value_is_told(name):
    # a chip that is broken, or none of this kind
    register = CASES[name].keeps
    error = raises(SourceError, lambda: Rig(name, keeps=(register,)))
    equal("register 0x%02x reads" % register in error.message, True, error.message)


def it_is_unplugged_and_comes_back(name, bus):
    rig = Rig(name, bus)
    rig.wait(9)
    equal(rig.source.read_into(rig.block) > 0, True)
    wires, buses.wired[:] = list(buses.wired), []
    rig.wait(9)
    for _ in range(3):
        if bus == "i2c":
            refused(rig)
        else:  # nobody drives the line: it reads as ones, which are no frames
            equal(rig.source.read_into(rig.block) in (GAP, NONE), True)
    rig.chip.power_on()
    buses.wired[:] = wires
    rig.source = rig.case.driver.Source(rig.config)  # as guard/health.py opens it anew
    rig.wait(9)
    got, end = rig.drain()
    equal((got, end), (rig.frames(len(got)), NONE))
    equal(8 <= len(got) <= 9, True, len(got))


def the_end_of_its_range_is_told_as_clipped(name):
    rig = Rig(name)
    rig.chip.motion.gravity_mg = (200000, -200000, 0)
    rig.wait(9)
    clip = getattr(rig.source, "clip", 32767)
    for x, y, z in rig.drain()[0]:
        equal((x >= clip, y <= -clip, -clip < z < clip), (True, True, True), (x, y, z, clip))


def a_sensor_that_stands_still_shows_it(name):
    rig = Rig(name)
    rig.chip.motion.amplitude_mg = rig.chip.motion.noise_mg = 0
    rig.wait(9)
    got, _ = rig.drain()
    equal((len(got) >= 8, got), (True, [got[0]] * len(got)))
    rig.chip.hold = True  # it measures no more
    rig.wait(90)
    rig.drain()
    rig.wait(90)
    equal(rig.source.read_into(rig.block), NONE)


def a_dead_axis_is_that_axis_alone(name):
    rig = Rig(name)
    at = rig.chip.motion.at
    rig.chip.motion.at = lambda i: (0,) + at(i)[1:]
    rig.wait(9)
    got, _ = rig.drain()
    felt = [[0] + frame[1:] for frame in rig.frames(len(got))]
    equal((len(got) >= 8, got), (True, felt))


def a_bus_that_a_chip_holds_is_freed(name):
    for clocks in (1, 9):
        buses.held[:] = [4, 5, clocks]
        rig = Rig(name)
        rig.wait(5)
        equal(rig.drain()[1], NONE)
    buses.held[:] = [4, 5, 1000]  # a wire on GND
    error = raises(SourceError, lambda: Rig(name))
    equal("no answer" in error.message, True, error.message)
    buses.held[:] = []


def close_puts_it_to_sleep(name):
    rig = Rig(name)
    rig.source.close()
    equal(rig.chip.rate_hz(), 0)


for _name in CASES:
    for _bus in CASES[_name].on:
        for _check in (
            delivers_what_the_chip_felt, an_overflow_is_a_gap_and_starts_anew,
            nothing_is_lost_up_to_a_full_fifo, nothing_of_another_program_stays,
            it_is_unplugged_and_comes_back,
        ):  # fmt: skip
            named("%s on %s: %s" % (_name, _bus, _check.__name__), _check, _name, _bus)
    for _check in (
        another_chip_or_none_is_told, what_the_chip_cannot_do_is_refused,
        every_range_has_its_counts, a_register_that_keeps_its_value_is_told,
        the_end_of_its_range_is_told_as_clipped, a_sensor_that_stands_still_shows_it,
        a_dead_axis_is_that_axis_alone, close_puts_it_to_sleep,
    ):  # fmt: skip
        named("%s: %s" % (_name, _check.__name__), _check, _name)
    if "i2c" in CASES[_name].on:
        for _check in (a_transfer_without_answer_is_a_fault, a_bus_that_a_chip_holds_is_freed):
            named("%s: %s" % (_name, _check.__name__), _check, _name)


@test
def a_low_pass_of_their_own_is_set_where_they_have_one():
    for name, value in (("mpu6500", 1), ("icm20689", 1), ("mpu6050", 0), ("copy512", 0)):
        equal(Rig(name).chip.get(0x1D), value)


@test
def six_channels_of_a_fifo_of_512_bytes_overflow_as_a_gap():
    rig = Rig("mpu6500", n_channels=6)
    rig.wait(42)
    equal(rig.source.read_into(rig.block), 20)
    rig.wait(60)
    equal(rig.source.read_into(rig.block), GAP)


@test
def six_channels_of_an_mpu6050_have_longer_frames():
    rig = Rig("mpu6050", n_channels=6)
    equal(rig.chip.get(0x23), 0x78)
    rig.chip.turning = (100, -500, 2000)  # degrees a second; 32.8 counts each, as the driver says
    rig.wait(5)
    equal(rig.source.read_into(rig.block), 5)
    equal(list(rig.block[3:6]), [3280, -16400, 32767])
    equal(rig.block[2] > 4000, True)


@test
def a_full_fifo_of_an_icm42688_is_known_by_its_flag_and_by_its_count():
    rig = Rig("icm42688")
    rig.wait(3)
    rig.chip.registers[0x2D] = 0x02
    equal(rig.source.read_into(rig.block), GAP)
    rig.wait(255)
    rig.chip.go_on()
    rig.chip.registers[0x2D] = 0
    equal(rig.source.read_into(rig.block), GAP)


@test
def a_chip_on_spi_that_is_not_there_reads_as_nothing():
    buses.wired[:] = []
    config = {"n_channels": 3, "rate_hz": 400, "source": PINS["spi"]}
    error = raises(SourceError, lis3dh.Source, config)
    equal("0xff" in error.message, True, error.message)


@test
def an_adxl345_is_not_faster_than_i2c():
    raises(ConfigError, lambda: Rig("adxl345", rate_hz=3200))
    rig = Rig("adxl345", "spi", rate_hz=3200)
    equal(rig.chip.rate_hz(), 3200)


@test
def words_of_others_in_the_fifo_of_an_lsm6dsox_are_left_out():
    rig = Rig("lsm6dsox")
    rig.wait(2)
    rig.chip.go_on()
    rig.chip.word(1, b"\x11" * 6)
    rig.wait(1)
    equal(rig.source.read_into(rig.block), 3)
    equal([list(rig.block[3 * i : 3 * i + 3]) for i in range(3)], rig.frames(3))


@test
def a_burst_of_a_kx134_ends_within_a_sample():
    raises(ConfigError, lambda: Rig("kx134", rate_hz=1600))  # on I2C there is no time for it
    for bus, rate, bits_a_s in (("spi", 12800, 5000000), ("i2c", 12.5, 400000)):
        rig = Rig("kx134", bus, rate_hz=rate)
        rig.chip.BITS_A_S = bits_a_s
        equal(rig.chip.get(0x21) & 0x40, 0x40)  # its low-pass is at half the rate
        rig.wait(31)
        got, end = rig.drain()
        equal((got, end), (rig.frames(len(got)), NONE))
        equal(len(got) >= 30, True, len(got))


@test
def a_value_that_an_adxl355_lost_is_a_gap():
    for n_lost in (1, 2):
        rig = Rig("adxl355")
        rig.wait(9)
        rig.chip.go_on()
        rig.chip.fifo = rig.chip.fifo[n_lost:]
        equal(rig.source.read_into(rig.block), GAP)
        rig.wait(5)
        got, end = rig.drain()
        equal((got, end), (rig.frames(len(got)), NONE))
        equal(len(got) >= 4, True, len(got))


@test
def a_burst_takes_no_more_than_the_block_has_room_for():
    rig = Rig("mpu6050")
    rig.wait(60)
    equal(rig.source.read_into(array("h", bytes(60))), 10)
    equal(rig.source.read_into(array("h", bytes(2000))), 20)
    equal(rig.source.read_into(rig.block), 20)
    equal(rig.source.read_into(rig.block), 10)


done()
