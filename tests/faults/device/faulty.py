# Runs on the virtual board before main.py, from /boot.py: a world that fails when it is told to.
# /sd/world.json says how, and may change while the board runs. The time is virtual: it passes only
# while the program sleeps, so a board's hour takes seconds and nothing depends on how busy the host
# is.
#   sensor   gone, who (chip id), stuck, saturated, nack, overrun (of 65536), rate (percent), dip
#   time     jump_ms (once a change), hurry (a sleep counts so many times), ticks (where the counter
#            starts)
#   board    ballast (bytes of heap that are left), stall, full (of the file system), sick (errno of
#            every write)
#   when     "enrol", "save": the rest holds from the moment that this is going on; not full, which
#            takes writing
import gc
import json
import os
import sys
import time
from array import array

import vfs
import virtual_board

_MASK = (1 << 30) - 1
_RATE_HZ = 200

flash = virtual_board._flash
world = {}
_text = "{}"
_waiting = False
_turn = _ms = 0
_weight = None
_zeros = memoryview(bytes(2048))


def look():
    global world, _text, _waiting, _ms
    try:
        with open("/sd/world.json") as f:
            text = f.read()
        told = json.loads(text) if text != _text else None
    except (OSError, ValueError):
        return  # half written
    if told is not None:
        _text = text
        _waiting = "when" in told
        if not _waiting:
            begin(told)
    elif _waiting:
        told = json.loads(_text)
        if told["when"] == "enrol" and enrolling():
            begin(told)


def enrolling():
    module = sys.modules.get("nearhum.pipeline")
    hum = module and module._current
    return hum and 0 < hum.learned.enrol_left < 10


def begin(told):
    global world, _waiting, _ms, _weight
    was, world, _waiting = world, told, False
    if told.get("jump_ms") and told["jump_ms"] != was.get("jump_ms"):
        _ms += told.get("jump_ms", 0)
        chip.since += told.get("jump_ms", 0)
    if told.get("dip") and chip:
        chip.lose_power()
    if was.get("gone") and not told.get("gone") and chip:
        chip.lose_power()
    if bool(told.get("full")) != bool(was.get("full")):
        fill() if told.get("full") else empty()
    _weight = None
    if told.get("ballast"):
        _weight = ballast(told["ballast"])
    while world.get("stall"):
        time.sleep_ms(5)
        look_again()


def look_again():
    global world, _text
    try:
        with open("/sd/world.json") as f:
            _text = f.read()
        world = json.loads(_text)
    except (OSError, ValueError):
        pass


def ballast(left):
    gc.collect()
    out = []
    n = 16384
    while n >= 64:
        try:
            while gc.mem_free() > left + n:
                out.append(bytearray(n))
            n >>= 1
        except MemoryError:
            n >>= 1
    return out


def fill():
    # what is written is kept file by file: one that cannot be closed for want of room is not. In
    # pieces: what is full is the flash, not the heap
    n, i = 65536, 0
    while n:
        try:
            with open("/ballast." + str(i), "wb") as f:
                for _ in range(max(1, n // len(_zeros))):
                    f.write(_zeros[:n])
            i += 1
        except OSError:
            n >>= 2
    return i


def empty():
    for name in os.listdir("/"):
        if name.startswith("ballast."):
            os.remove("/" + name)


# --- time -----------------------------------------------------------------------------------------


def ticks_ms():
    return _ms & _MASK


def ticks_diff(a, b):
    return ((a - b + (1 << 29)) & _MASK) - (1 << 29)


def sleep_ms(n):
    global _ms, _turn
    _ms += n * world.get("hurry", 1)
    _turn += 1
    if _turn & 15 == 0:
        look()


def sleep_s(s):
    sleep_ms(int(s * 1000))


# --- the sensor -----------------------------------------------------------------------------------


class Lcg:
    state = 1

    def below(self, n):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.state >> 16) * n >> 16


chance = Lcg()


_ONE_G = 8192  # counts at 4 g full scale, which the driver sets


def loop_of(level, tone):
    # a second of frames, big-endian: a wave of 25 Hz on three axes, noise, and 1 g on the third;
    # clipped as the chip does
    random = Lcg()
    out = bytearray(6 * _RATE_HZ)
    for i in range(3 * _RATE_HZ):
        phase = i // 3 % 8
        v = tone * (min(phase, 8 - phase) - 2) + random.below(2 * level + 1) - level
        v += _ONE_G if i % 3 == 2 else 0
        v = max(-32768, min(32767, v))
        out[2 * i] = v >> 8 & 255
        out[2 * i + 1] = v & 255
    return bytes(out)


LOOPS = {
    "": loop_of(300, 900),
    "stuck": bytes((1, 44)) * 3 * _RATE_HZ,
    "saturated": loop_of(300, 40000),
}


class Chip:
    # an MPU-6050: the registers of its map that the driver touches, a FIFO of 1024 bytes, a sample
    # every 5 ms

    def __init__(self):
        self.lose_power()

    def lose_power(self):
        self.registers = {0x6B: 0x40}  # asleep
        self.at = 0
        self.since = _ms
        self.overflow = False

    def running(self):
        r = self.registers
        return not r[0x6B] & 0x40 and r.get(0x23) and r.get(0x6A, 0) & 0x40

    def waiting(self):
        # whole frames in the FIFO
        if not self.running():
            self.since = _ms
            return 0
        n = int((_ms - self.since) * _RATE_HZ * world.get("rate", 100) / 100000)
        if n > 170:
            self.overflow = True
            n = 170
        return n

    def take(self, out):
        buf = bytearray(bytes(out))  # of a memoryview of int16: its bytes
        n = len(buf) // 6
        self.since += n * 100000 / (_RATE_HZ * world.get("rate", 100))
        if self.since > _ms:
            self.since = _ms
        kind = "stuck" if world.get("stuck") else "saturated" if world.get("saturated") else ""
        loop = LOOPS[kind]
        for i in range(n):
            at = 6 * ((self.at + i) % _RATE_HZ)
            buf[6 * i : 6 * i + 6] = loop[at : at + 6]
        self.at = (self.at + n) % _RATE_HZ
        out[:] = buf if len(out) == len(buf) else array("h", buf)


chip = Chip()


class I2C:
    def __init__(self, *where, **wiring):
        pass

    def _answer(self, address):
        if world.get("gone") or address != 0x68 or chance.below(65536) < world.get("nack", 0):
            raise OSError(5)

    def writeto_mem(self, address, register, buf):
        self._answer(address)
        if register == 0x6A and buf[0] & 4:
            chip.overflow, chip.since = False, _ms
        chip.registers[register] = buf[0]

    def readfrom_mem_into(self, address, register, buf):
        self._answer(address)
        if register == 0x74:
            chip.take(buf)
        elif register == 0x72:
            n = 6 * chip.waiting()
            if chip.overflow or chance.below(65536) < world.get("overrun", 0):
                n = 1024
                sleep_ms(1)  # a loop that only hears of overruns never sleeps
            buf[0], buf[1] = n >> 8, n & 255
        elif register == 0x75:
            buf[0] = world.get("who", 0x68)
        else:
            buf[0] = chip.registers.get(register, 0)


# --- the flash ------------------------------------------------------------------------------------


class Sick:
    # the flash, refusing writes while the world says so

    def readblocks(self, block, buf, offset=0):
        flash.readblocks(block, buf, offset)

    def writeblocks(self, block, buf, offset=None):
        global _waiting
        if _waiting:
            told = json.loads(_text)
            if told["when"] == "save":
                begin(told)
        if world.get("sick"):
            return -world["sick"]
        return flash.writeblocks(block, buf, offset)

    def ioctl(self, operation, argument):
        if operation == 6 and world.get("sick"):
            return -world["sick"]
        return flash.ioctl(operation, argument)


look()
_ms = world.get("ticks", 0)
sys.modules["time"] = virtual_board.Overlay(
    time, {"ticks_ms": ticks_ms, "ticks_diff": ticks_diff, "sleep_ms": sleep_ms, "sleep": sleep_s}
)
sys.modules["machine"].I2C = I2C
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(Sick(), progsize=256, readsize=32, lookahead=32), "/")
os.chdir("/")
