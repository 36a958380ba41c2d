# ruff: noqa: SIM115
"""Runs under MicroPython's unix port: boots the firmware on flash images, as a power cut left them, one after another.

Arguments: the folder with the compiled application, a file with the flash image, byte offset of the file system in it,
its blocks, bytes programmed at once, the folder of the card. Each line of input is a JSON list, of which the image is
the base:

    ["done", address, hex]                      cells of the base from now on
    ["boot", address, hex, from_seq, go_on]     one case: these cells on a copy of the base; answered with one line

A case is what a board does when the power comes back: mount, load the state, read the journal, answer. go_on: then
something is changed, and the board is started once more. The answer tells what was found, or the error that ended it.
"""

import gc
import io
import json
import sys
from binascii import a2b_base64, crc32, unhexlify

import vfs

BLOCK = 4096
application, image, offset, n_blocks, prog_bytes, card = sys.argv[1:7]
sys.path.insert(0, application)
offset, n_blocks, prog_bytes = int(offset), int(n_blocks), int(prog_bytes)

import nearhum.pipeline as module
from nearhum.pipeline import Pipeline


@micropython.viper
def _program(cells: ptr8, bits: ptr8, n: int):
    # programming only clears bits
    for i in range(n):
        cells[i] = cells[i] & bits[i]


class Flash:
    """The base, and what a case has written over it."""

    def __init__(self):
        self.base = []
        self.over = {}
        with open(image, "rb") as f:
            f.seek(offset)
            for _ in range(n_blocks):
                self.base.append(bytearray(f.read(BLOCK)))

    def put(self, address, cells, over):
        """Put cells at an address of the chip, into the base or over it."""
        at, done = address - offset, 0
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
            return n_blocks
        if operation == 5:
            return BLOCK
        if operation == 6:
            self.over[argument] = bytearray(b"\xff" * BLOCK)
        return 0


def start(root):
    """Mount the flash and start the pipeline on it, as main.py does."""
    module._current = None
    vfs.mount(vfs.VfsLfs2(flash, readsize=32, progsize=prog_bytes, lookahead=32), root[:-1])
    return Pipeline(root)


def end(hum, root):
    """Take the power from it."""
    if hum:
        hum.source.close()
    vfs.umount(root[:-1])


def records(hum, seq):
    """All records from seq on, by the console: [seq, CRC of its bytes]."""
    from nearhum.wire import record_bytes, record_seq

    out = []
    while True:
        answer = hum.console.execute("log %d 1536" % seq)
        if not answer["ok"]:
            raise RuntimeError(answer["error"])
        raw = a2b_base64(answer["b64"])
        at = 0
        while at < len(raw):
            n = record_bytes(raw, at, len(raw))
            if not n:
                raise RuntimeError("a record that is not sound")
            out.append((record_seq(raw, at), crc32(memoryview(raw)[at : at + n])))
            at += n
        if not raw:
            return out
        seq = answer["next"]


def case(from_seq, go_on):
    """Boot once, tell what is there; with go_on, change something and boot again."""
    hum = None
    try:
        hum = start("/cut/")
        told = {
            "refused": hum.store.refused,
            "sequence": hum.store.sequence,
            "state": crc32(hum.learned.pack()),
            "status": hum.console.execute("status"),
            "began": hum.journal._segments[-1],  # with the first record of this start
            "records": records(hum, from_seq),
        }
        if go_on:
            answer = hum.console.execute("veto probe")
            if not answer["ok"]:
                raise RuntimeError("veto: " + answer["error"])
            hum.journal.flush()
            seq = hum.journal.synced_seq
            end(hum, "/cut/")
            hum = None
            hum = start("/cut/")
            told["went_on"] = "probe" in hum.guard.vetoed and hum.journal.seq > seq and not hum.store.refused
    finally:
        end(hum, "/cut/")
    return told


flash = Flash()
vfs.mount(vfs.VfsPosix(card), "/sd")
while True:
    line = sys.stdin.readline()
    if not line:
        break
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
    print(json.dumps(answer))
