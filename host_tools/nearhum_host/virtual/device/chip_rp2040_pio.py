# type: ignore
# Model of a PIO state machine, its RX FIFO and the DMA as a driver sees them: rp2.asm_pio,
# StateMachine, PIO, DMA. An INMP441 microphone is on its pins. Enters: a PIO program and the
# microphone's samples. Leaves: words, written to memory by the DMA. RP2040 Datasheet: 2.5 DMA
# (rings, chaining, reload of the count), 3.4 Instruction Set, 3.5 (side-set, joined FIFOs,
# autopush). Time advances in run(), by samples, or in cycle(), by instructions.
import uctypes

FIFO_LEVELS = 8  # RX and TX FIFO joined.
N_DMAS = 12
CYCLES = 128  # Instructions of the driver's program for each sample. A test checks this.


class Chip:
    # word(i): returns the microphone's i-th sample of the left channel, 24 bits.
    def __init__(self, word):
        self.word = word
        self.fifo = []
        self.n = 0  # Samples so far.
        self.dmas = [None] * N_DMAS
        self.machine = None
        self.taken = ()  # State machines that other programs use.
        self.programs = []
        self.pins = [0, 0]  # sck, ws.
        self.sd = 0
        self._ws, self._bit, self._out = 1, 24, 0

    def carry(self):
        # Have the DMA empty the FIFO.
        while self.fifo:
            busy = [dma for dma in self.dmas if dma and dma.busy and dma.enabled]
            if not busy:
                return
            assert len(busy) == 1, "two channels read one FIFO"
            busy[0].transfer(self.fifo.pop(0))

    def run(self, n):
        # Advance the time by n samples. Return how many words were made: the state machine waits
        # and makes none while the FIFO is full.
        made = 0
        for _ in range(n):
            if self.machine and self.machine.on and len(self.fifo) < FIFO_LEVELS:
                # The last 8 bits are undefined: 0x55 shows if a driver uses them.
                self.fifo.append((self.word(self.n) & 0xFFFFFF) << 8 | 0x55)
                self.n += 1
                made += 1
            self.carry()
        return made

    def set_pins(self, sck, ws):
        # The microphone reads ws when sck rises, and puts its next bit out when sck falls: 24 bits,
        # the highest first.
        rises, falls = sck > self.pins[0], sck < self.pins[0]
        self.pins[:] = sck, ws
        if rises and ws != self._ws:
            self._ws, self._bit = ws, 24 if ws else 0
            if not ws:
                self._out = self.word(self.n)
                self.n += 1
        if falls:
            self.sd = self._out >> (23 - self._bit) & 1 if self._bit < 24 else 1
            self._bit = min(24, self._bit + 1)


class Dma:
    # rp2.DMA
    chip = None

    def __init__(self):
        if None not in self.chip.dmas:
            raise OSError(16)
        self.channel = self.chip.dmas.index(None)
        self.chip.dmas[self.channel] = self
        self.busy = self.enabled = False
        self.count = self._reload = self.write = 0

    @staticmethod
    def pack_ctrl(**fields):
        return fields

    @property
    def ctrl(self):
        return self._ctrl

    @ctrl.setter
    def ctrl(self, value):
        self._ctrl = value
        self.enabled = bool(value)

    def config(self, *, read, write, count, ctrl, trigger):
        number = read.number  # A state machine used as a buffer means its FIFO.
        wanted = {
            "treq_sel": 8 * (number // 4) + 4 + number % 4, "size": 2, "ring_sel": True,
            "inc_write": True, "inc_read": False, "irq_quiet": True,
        }  # fmt: skip
        assert {name: ctrl[name] for name in wanted} == wanted
        self._ring = (1 << ctrl["ring_size"]) - 1
        assert write & self._ring == 0, "a ring lies at a multiple of its size"
        self.write, self._reload, self.ctrl = write, count, ctrl
        assert not self.busy
        assert not trigger

    def active(self, on=None):
        if on is not None:
            if on and not self.busy and self.enabled:
                self.count = self._reload
            self.busy = bool(on) and self.enabled
        return self.busy

    def transfer(self, value):
        uctypes.bytearray_at(self.write, 4)[:] = bytes(
            (value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24)
        )
        self.write = self.write & ~self._ring | (self.write + 4) & self._ring
        self.count -= 1
        if not self.count:
            self.busy = False
            self.chip.dmas[self._ctrl["chain_to"]].active(1)

    def close(self):
        assert not self.busy, "a channel that is given back goes on writing"
        self.chip.dmas[self.channel] = None


class Pio:
    # rp2.PIO
    OUT_LOW, SHIFT_LEFT, JOIN_RX = 2, 0, 2

    def __init__(self, number):
        pass

    def remove_program(self, program):
        Dma.chip.programs.remove(program)


class StateMachine:
    # rp2.StateMachine, limited to the instructions that a receiver uses.
    def __init__(self, number):
        if number in Dma.chip.taken:
            raise ValueError("StateMachine claimed by external resource")
        self.number, self.on = number, False
        if Dma.chip.machine and Dma.chip.machine.number == number:
            self.on = Dma.chip.machine.on

    def init(self, program, *, freq, in_base, sideset_base):
        self.program, self.freq = program, freq
        self.pins = in_base.id, sideset_base.id
        Dma.chip.programs.append(program)
        Dma.chip.machine = self
        Dma.chip.fifo.clear()
        self.pc = self.x = self.word = self.n_bits = 0

    def active(self, on=None):
        if on is not None:
            self.on = bool(on)
        return self.on

    def cycle(self):
        # Execute one instruction. Its side-set reaches the pins when it begins. Input is from
        # before that, because the two synchronisers delay it.
        chip = Dma.chip
        name, args, side = self.program.words[self.pc]
        sd = chip.sd
        chip.set_pins(side & 1, side >> 1)
        self.pc = (self.pc + 1) % len(self.program.words)
        if name == "set":
            self.x = args[1]
        elif name == "in_":
            self.word = (self.word << 1 | sd) & 0xFFFFFFFF
            self.n_bits += 1
            if self.n_bits == 32:
                assert len(chip.fifo) < FIFO_LEVELS
                chip.fifo.append(self.word)
                self.n_bits = 0
        elif name == "jmp":
            if self.x:
                self.pc = self.program.labels[args[1]]
            self.x = (self.x - 1) & 0xFFFFFFFF
        else:
            assert name == "nop"


class Program:
    # The result of asm_pio: a list of (instruction, arguments, side-set).
    def __init__(self):
        self.words, self.labels = [], {}

    def label(self, name):
        self.labels[name] = len(self.words)

    def instruction(self, name):
        def emit(*args):
            self.words.append((name, args, 0))
            return self

        return emit

    def side(self, value):
        self.words[-1] = self.words[-1][:2] + (value,)


def asm_pio(*, sideset_init, in_shiftdir, autopush, push_thresh, fifo_join):
    assert (sideset_init, in_shiftdir, autopush, push_thresh, fifo_join) == ((2, 2), 0, True, 32, 2)

    def assembled(function):
        program, names, had = Program(), function.__globals__, {}
        words = {name: program.instruction(name) for name in ("set", "in_", "jmp", "nop")}
        words.update({"label": program.label, "pins": "pins", "x": "x", "x_dec": "x_dec"})
        for name in words:
            if name in names:
                had[name] = names[name]
        names.update(words)
        function()
        for name in words:
            del names[name]
        names.update(had)
        return program

    return assembled
