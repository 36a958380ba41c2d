"""A flash in memory, for MicroPython's unix port: a base that many cases share, and over it what
one case has written. A block device of LittleFS, and the loop over cases; see ../on_images.py.
"""

import gc
import io
import json
import sys
from binascii import unhexlify

BLOCK = 4096


@micropython.viper
def _program(cells: ptr8, bits: ptr8, n: int):
    # programming only clears bits
    for i in range(n):
        cells[i] = cells[i] & bits[i]


class Flash:
    """The base, and what a case has written over it."""

    def __init__(self, image, offset, n_blocks):
        """image: file; offset: of the file system in it, bytes."""
        self.base = []
        self.over = {}
        self._offset = offset
        with open(image, "rb") as f:
            f.seek(offset)
            for _ in range(n_blocks):
                self.base.append(bytearray(f.read(BLOCK)))

    def put(self, address, cells, over):
        """Put cells at an address of the chip, into the base or over it."""
        at, done = address - self._offset, 0
        while done < len(cells):
            block, start = divmod(at + done, BLOCK)
            part = cells[done : done + BLOCK - start]
            (self._over(block) if over else self.base[block])[start : start + len(part)] = part
            done += len(part)

    def _over(self, block):
        if block not in self.over:
            self.over[block] = bytearray(self.base[block])
        return self.over[block]

    def readblocks(self, block, buf, start=0):
        cells = self.over.get(block) or self.base[block]
        buf[:] = memoryview(cells)[start : start + len(buf)]

    def writeblocks(self, block, buf, start=0):
        _program(memoryview(self._over(block))[start:], buf, len(buf))

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.base)
        if operation == 5:
            return BLOCK
        if operation == 6:
            self.over[argument] = bytearray(b"\xff" * BLOCK)
        return 0


def run_cases(flash, case):
    """Answer each line of input, until there is none: a JSON list [what, address, hex, ...].

    "done": these cells are of the base from now on. Anything else: case(...) on a copy of the base
    with these cells in it; what it returns, or the error that ended it, is printed behind "answer".
    """
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        what, address, cells, *rest = json.loads(line)
        if what == "done":
            flash.put(address, unhexlify(cells), False)
            continue
        flash.put(address, unhexlify(cells), True)
        try:
            answer = case(*rest)
        except Exception as e:
            text = io.StringIO()
            sys.print_exception(e, text)
            answer = {"error": text.getvalue()}
        flash.over = {}
        gc.collect()
        print("answer " + json.dumps(answer))
