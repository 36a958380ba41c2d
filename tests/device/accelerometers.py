"""The drivers of accelerometers against models of their chips, register by register, on I2C and on
SPI.

Start-up, bursts, overflow, chips that do not answer, the wrong chip, settings a chip cannot have.
"""

import sys
from array import array

from harness import done, equal, named, raises, test

# isort: split
# the models' folder is on the path now
import buses
import chip_adxl345
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
from nearhum.sources.accelerometers import adxl345, lis3dh, lsm6ds3, lsm6dsox, mpu6050

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


# driver, model, rate, frames in the FIFO when it is full, on SPI too, a rate it has not
CHIPS = {
    "mpu6050": (mpu6050, chip_mpu6050.Mpu6050, 1000, 170, False, 700),
    # what boards that are sold as MPU-6050 have in its place
    "mpu6500": (mpu6050, chip_mpu6050.Mpu6500, 1000, 85, False, 700),
    "mpu6880": (mpu6050, chip_mpu6050.Mpu6880, 1000, 85, False, 700),
    "icm20689": (mpu6050, chip_mpu6050.Icm20689, 1000, 85, False, 700),
    "copy512": (mpu6050, chip_mpu6050.Copy512, 1000, 85, False, 700),
    "adxl345": (adxl345, chip_adxl345.Adxl345, 800, 32, True, 1000),
    "lis3dh": (lis3dh, chip_lis3dh.Lis3dh, 400, 32, True, 800),
    "lsm6ds3": (lsm6ds3, chip_lsm6ds.Lsm6ds3, 833, 1365, True, 1000),
    "lsm6dsox": (lsm6dsox, chip_lsm6ds.Lsm6dsox, 833, 512, True, 1000),
}
# What another program may have left in a chip that kept its power: an axis off, a high-pass,
# offsets, interrupts, another page of registers, a gyroscope that fills the FIFO
LEFT = {
    "mpu6050": {0x6C: 0x3F, 0x1D: 0x0F, 0x23: 0xF8, 0x38: 0x11, 0x6A: 0x70},
    "adxl345": {0x1E: 5, 0x1F: 0x80, 0x20: 0xC0, 0x2E: 0xFF, 0x31: 0xE7, 0x2D: 0x3F},
    "lis3dh": {0x1F: 0xC0, 0x21: 0xF8, 0x22: 0xFF, 0x24: 0xFF, 0x2E: 0xDF},
    "lsm6ds3": {0x01: 0x80, 0x06: 0xFF, 0x09: 0x3F, 0x11: 0x60, 0x17: 0xFF},
    "lsm6dsox": {0x01: 0x80, 0x07: 0xFF, 0x09: 0xFF, 0x11: 0x60, 0x17: 0xFF},
}
PINS = {
    "spi": {"spi": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17},
    "i2c": {"i2c": 0, "sda": 4, "scl": 5},
}


class Rig:
    """A chip on a bus, and its driver."""

    def __init__(
        self, name, bus="i2c", who=None, nacks=0, address=None, given=None, left=(), keeps=(),
        **changed
    ):  # fmt: skip
        driver, model, rate, _, _, _ = CHIPS[name]
        self.chip = model(Clock.now_us, who=who)
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
        config = {"n_channels": 3, "rate_hz": rate, "source": source}
        config.update(changed)
        self.block = array("h", bytes(1020))
        self.rate = config["rate_hz"]
        self.source = driver.Source(config)
        self.wanted = []

    def frames(self, n):
        """Return what the chip felt in its last n frames, in counts, before it feels more."""
        motion, out = type(self.chip.motion)(), []
        for i in range(self.chip.n_made):
            mg = motion.at(i)
            if i >= self.chip.n_made - n:
                out.append([v * self.source.counts // 1000 for v in mg])
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


def coarse(frames, mask):
    return [[v & mask for v in frame] for frame in frames]


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
    mask = ~15 if name == "lis3dh" else ~0
    equal(found, coarse(rig.frames(len(found)), mask))
    # gravity stands on z, one g
    mean = sum([f[2] for f in found]) // len(found)
    equal(abs(mean - rig.source.counts) < rig.source.counts // 8, True, mean)


def an_overflow_is_a_gap_and_starts_anew(name, bus):
    rig = Rig(name, bus)
    rig.wait(CHIPS[name][3] + 6)
    equal(rig.source.read_into(rig.block), GAP)
    equal(rig.chip.n_lost > 0, True)
    equal(rig.source.read_into(rig.block), NONE)
    rig.wait(5)
    got, _ = rig.drain()
    mask = ~15 if name == "lis3dh" else ~0
    equal(got, coarse(rig.frames(len(got)), mask))
    equal(4 <= len(got) <= 5, True, len(got))


def nothing_is_lost_up_to_a_full_fifo(name, bus):
    rig = Rig(name, bus)
    n = wanted = CHIPS[name][3] - 2
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
    mask = ~15 if name == "lis3dh" else ~0
    equal((len(got) in (3, 4), end), (True, NONE))
    equal(got, coarse(rig.frames(len(got)), mask))


def another_chip_or_none_is_told(name):
    error = raises(SourceError, lambda: Rig(name, who=0x42))
    equal("0x42" in error.message, True, error.message)
    error = raises(SourceError, lambda: Rig(name, address=0x77))
    equal("no answer" in error.message, True, error.message)
    raises(SourceError, lambda: Rig(name, nacks=1))


def what_the_chip_cannot_do_is_refused(name):
    error = raises(ConfigError, lambda: Rig(name, rate_hz=CHIPS[name][5]))
    equal("rate_hz" in error.message, True, error.message)
    raises(ConfigError, lambda: Rig(name, n_channels=2))
    raises(ConfigError, lambda: Rig(name, given={"range_g": 3}))


def every_range_has_its_counts(name):
    for g in (2, 4, 8, 16):
        rig = Rig(name, given={"range_g": g})
        rig.chip.motion.amplitude_mg = rig.chip.motion.noise_mg = 0
        rig.wait(3)
        got, _ = rig.drain()
        off = abs(got[0][2] - rig.source.counts)
        equal(off <= 16, True, (g, got[0], rig.source.counts))


def nothing_of_another_program_stays(name, bus):
    left = LEFT.get(name, LEFT["mpu6050"])
    rig = Rig(name, bus, left=left)
    rig.wait(20)
    got, _ = rig.drain()
    mask = ~15 if name == "lis3dh" else ~0
    equal(got, coarse(rig.frames(len(got)), mask))
    equal(len(got) >= 19, True, len(got))
    if name[:3] != "lis" and name[:4] != "adxl":  # they can be reset by a register
        stays = [register for register in left if rig.chip.get(register) == left[register]]
        equal(stays, [])


def a_register_that_keeps_its_value_is_told(name):
    # a chip that is broken, or none of this kind
    register = {"a": 0x2C, "l": 0x10, "m": 0x1C}["m" if name[0] in "mic" else name[0]]
    register = 0x20 if name == "lis3dh" else register
    error = raises(SourceError, lambda: Rig(name, keeps=(register,)))
    equal("register 0x%02x keeps" % register in error.message, True, error.message)


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


for _name in CHIPS:
    for _bus in ("i2c", "spi") if CHIPS[_name][4] else ("i2c",):
        for _check in (
            delivers_what_the_chip_felt, an_overflow_is_a_gap_and_starts_anew,
            nothing_is_lost_up_to_a_full_fifo, nothing_of_another_program_stays,
        ):  # fmt: skip
            named("%s on %s: %s" % (_name, _bus, _check.__name__), _check, _name, _bus)
    for _check in (
        a_transfer_without_answer_is_a_fault,
        another_chip_or_none_is_told, what_the_chip_cannot_do_is_refused,
        every_range_has_its_counts, a_register_that_keeps_its_value_is_told,
        a_bus_that_a_chip_holds_is_freed, close_puts_it_to_sleep,
    ):  # fmt: skip
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
def a_burst_takes_no_more_than_the_block_has_room_for():
    rig = Rig("mpu6050")
    rig.wait(60)
    equal(rig.source.read_into(array("h", bytes(60))), 10)
    equal(rig.source.read_into(array("h", bytes(2000))), 20)
    equal(rig.source.read_into(rig.block), 20)
    equal(rig.source.read_into(rig.block), 10)


done()
