# ruff: noqa: E402
"""Runs under MicroPython's unix port: every command with every amount of free heap, step by step.

Arguments: the folder with the compiled application. Each line of input is a JSON list [command,
step, offset]: the heap is filled but for one hole of `offset` bytes, the command is carried out,
then the hole is `step` bytes larger, and so on until the command has what it needs. Each line of
output says what came of it.

SQLite fails each allocation in turn (sqlite.org/testing.html, 3.1). A stock MicroPython has no hook
for that, so memory is withheld instead: what is larger than the hole fails, and so does what comes
when the hole is used up. A block of the heap is 32 bytes here (16 on a board of 32 bits): a smaller
step tries nothing new.

Promised: the command is answered, or the loop ends as main.py expects it and begins again; what is
known then, and after a start, is what was known before the command, as it was saved last where the
board puts that back, or what the command was to make of it;
the log has no hole; and with the memory back the same command is carried out.
"""

import gc
import io
import json
import sys
from binascii import crc32

sys.path.insert(0, __file__.rpartition("/")[0] + "/../../device")
import harness  # noqa: F401  it names folders of modules, before which the application's comes

sys.path.insert(0, __file__.rpartition("/")[0])
import lives

MOST_BYTES = 65536  # no command needs more
START_EVERY = 32  # cases, on which the board is started again


class Heap:
    """What fills the heap, but for a region in which holes are left."""

    def __init__(self):
        self._kept = None

    def fill(self):
        """Fill all but the region."""
        self.free()
        kept, n, size = [None] * 16000, 0, 1 << 20
        region = bytearray(MOST_BYTES)
        gc.disable()  # a collection each time that one of the large ones fails finds nothing
        while size >= 16:
            try:
                kept[n] = bytearray(size)
                n += 1
            except MemoryError:
                size >>= 1
                if size == 256:
                    gc.enable()
        del region
        self._kept = kept

    def free(self):
        """Free all of it."""
        self._kept = None
        gc.enable()
        gc.collect()

    def leave(self, hole):
        """Leave a hole of so many bytes in one piece. Returns what takes the rest of the region."""
        gc.collect()
        if self._kept:
            try:
                return bytearray(MOST_BYTES - hole)
            except MemoryError:
                pass  # the last command has left something in it
        self.fill()
        gc.collect()
        return bytearray(MOST_BYTES - hole)


def begun(command):
    """Return a life that has started, for this command."""
    life = lives.born("cuts", 5)
    for block in range(lives.N_BLOCKS):
        life.flash._own(block)
    if life.start():
        raise RuntimeError("it does not start")
    if command in ("learn pause", "watch"):
        life.hum.console.execute("learn 20")
        life.windows(10, 1)
    if command == "forget tap":
        life.ask("enrol tap 1")
        life.windows(2, 1)
    life.promised()
    return life


def swept(command, step, offset):
    """Return what came of a command with every amount of heap."""
    life = begun(command)
    before = crc32(life.hum.learned.pack())
    saved = life.saves[life.hum.store.sequence][-1]
    out = {"command": command, "steps": 0, "answered": 0, "ended": 0, "wrong": [], "needs": 0}
    seen = {}
    hole, heap = offset, Heap()
    while hole < MOST_BYTES:
        hum = life.hum
        life.settings = {"alarms_per_day": [3, 5]}
        rest = heap.leave(hole)
        try:
            answer = hum.console.execute(command)
        except MemoryError:
            answer = None
        except Exception as e:
            answer = e
        del rest
        gc.collect()
        out["steps"] += 1
        if isinstance(answer, Exception):
            text = io.StringIO()
            sys.print_exception(answer, text)
            out["wrong"].append("%d bytes: %s" % (hole, text.getvalue()))
            answer = None
        if hum.learned.half_done:
            answer = None  # the next turn ends the loop
        done = answer and (answer["ok"] or not lacks_memory(answer["error"]))
        if answer is None:
            out["ended"] += 1
        else:
            out["answered"] += 1
        now = before if hum.learned.half_done else crc32(hum.learned.pack())
        if now != before:
            seen[now] = hole
        if answer is None or done or now != before or out["steps"] % START_EVERY == 0:
            heap.free()
            check(life, hole, before, seen, out)
            life = begun(command)
            if crc32(life.hum.learned.pack()) != before:
                raise RuntimeError("it begins otherwise")
        if done:
            out["needs"] = hole
            out["ok"] = answer["ok"]
            after = now
            break
        hole += step
    else:
        raise RuntimeError("%s: never done" % command)
    # what an answer of "no memory" left behind is as it was, or as it was to be
    for crc in seen:
        if crc not in (after, saved):
            out["wrong"].append("%d bytes: what is known is neither old nor new" % seen[crc])
    life.stop()
    return out


def lacks_memory(error):
    """Return True where an answer tells of too little memory."""
    return "MemoryError" in error or "memory" in error or "heap" in error


def check(life, hole, before, seen, out):
    """Start the board again and hold it against what it was."""
    said = {"lost": [], "misread": [], "silent": [], "told": []}
    hum = life.hum
    if not hum.console.execute("status")["ok"]:
        out["wrong"].append("%d bytes: status is not answered afterwards" % hole)
    life.making_room = True  # of `reset log`
    if not hum.learned.half_done:
        hum.journal.flush()
        life.promised()
    life.stop()
    life.judged(said)
    for what in ("lost", "misread", "silent", "told"):
        out["wrong"] += ["%d bytes, after a start: %s" % (hole, one) for one in said[what]]
    if life.hum:
        now = crc32(life.hum.learned.pack())
        if now != before:
            seen[now] = hole
    life.stop()


def main():
    """Answer lines until there are no more."""
    while True:
        line = sys.stdin.readline()
        if not line:
            break
        try:
            out = swept(*json.loads(line))
        except Exception as e:
            text = io.StringIO()
            sys.print_exception(e, text)
            out = {"error": text.getvalue()}
            lives.unmount()
        print(json.dumps(out))


main()
