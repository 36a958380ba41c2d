# type: ignore
# Model of the RP2040's ADC and DMA channels as a driver sees them: machine.mem32, machine.ADC,
# rp2.DMA. Enters: register accesses and a time in µs. Leaves: conversions, written to memory by the
# DMA. RP2040 Datasheet: 4.9 ADC, 2.5 DMA (rings, chaining), and their Lists of Registers. Time
# advances only in run().
import uctypes

CS, RESULT, FCS, FIFO, DIV = 0x4004C000, 0x4004C004, 0x4004C008, 0x4004C00C, 0x4004C010
DREQ_ADC = 36
FIFO_LEVELS = 4


class Adc:
    # read(input, i): returns the i-th conversion of an input, in counts of 12 bits.
    def __init__(self, read):
        self.read = read
        self.registers = {CS: 0, FCS: 0, DIV: 0}
        self.fifo = []
        self.n = 0
        self.dmas = []
        self._owed = 0.0

    def __getitem__(self, address):
        if address == FIFO:
            return self.fifo.pop(0) if self.fifo else 0
        if address == FCS:
            return self.registers[FCS] | len(self.fifo) << 16 | (0x100 if not self.fifo else 0)
        return self.registers[address]

    def __setitem__(self, address, value):
        if address == FCS:  # Writing 1 clears bits 10 and 11.
            sticky = self.registers[FCS] & 0xC00 & ~value
            value = value & 0x0F00000F | sticky
        self.registers[address] = value

    def _next(self, at):
        inputs = self.registers[CS] >> 16 & 31
        if not inputs:
            return at
        while True:
            at = (at + 1) % 5
            if inputs >> at & 1:
                return at

    def run(self, us, stalled=False):
        # Convert for a time in µs. stalled: the DMA does not get the bus.
        cs = self.registers[CS]
        if cs & 9 != 9:
            return
        cycles = max(96, 1 + (self.registers[DIV] >> 8) + (self.registers[DIV] & 255) / 256)
        self._owed += us * 48 / cycles
        while self._owed >= 1:
            self._owed -= 1
            at = self.registers[CS] >> 12 & 7
            if self.registers[FCS] & 1:
                if len(self.fifo) == FIFO_LEVELS:
                    self.registers[FCS] |= 0x800
                else:
                    self.fifo.append(self.read(at, self.n))
            self.n += 1
            self.registers[CS] = self.registers[CS] & ~0x7000 | self._next(at) << 12
            asks = len(self.fifo) >= max(1, self.registers[FCS] >> 24) and self.registers[FCS] & 8
            if asks and not stalled:
                for dma in self.dmas:
                    if dma.busy:
                        dma.transfer(self[FIFO])
                        break


class Dma:
    # rp2.DMA.
    adc = None
    lap = None  # Tests set a short count, so that one channel soon hands over to the other.

    def __init__(self):
        self.channel = len(self.adc.dmas)
        self.adc.dmas.append(self)
        self.busy = False
        self.count = self._reload = 0
        self.write = 0

    @staticmethod
    def pack_ctrl(**fields):
        return fields

    def config(self, *, read, write, count, ctrl, trigger):
        wanted = {
            "treq_sel": DREQ_ADC,
            "size": 1,
            "ring_sel": True,
            "inc_write": True,
            "inc_read": False,
        }
        assert read == FIFO
        assert {name: ctrl[name] for name in wanted} == wanted
        self._ring = (1 << ctrl["ring_size"]) - 1
        assert write & self._ring == 0, "a ring lies at a multiple of its size"
        self.write = write
        self._reload = self.lap or count
        self._ctrl = ctrl
        self.busy = bool(trigger)

    def active(self, on=None):
        if on is not None:
            if on and not self.busy:
                self.count = self._reload
            self.busy = bool(on)
        return self.busy

    def transfer(self, value):
        uctypes.bytearray_at(self.write, 2)[:] = bytes((value & 255, value >> 8))
        self.write = self.write & ~self._ring | (self.write + 2) & self._ring
        self.count -= 1
        if not self.count:
            self.busy = False
            other = self._ctrl["chain_to"]
            if other != self.channel:
                self.adc.dmas[other].active(1)

    def close(self):
        self.busy = False
