# ruff: noqa: E402
"""Runs under MicroPython's unix port: lives of boards, one after another, on flash that fails.

Argument: the folder with the compiled application. Each line of input is a JSON list [kind,
number], each line of output what came of that life: how it started, what was told, and what was
lost, misread or silent. The same kind and number is the same life. Kinds:

    cuts    the power fails two to five times, often while the board comes back from the last time
    reset   the log is cleared again and again, and the power fails meanwhile
    full    no block is free, and the log has one segment: the power fails, or nothing does
    eio     an erase or program is refused: each one of a life in turn, once, three times, for ever
    stuck   bits of some blocks are stuck from their next write on; the power fails as well
    rot     bits change in what lies on flash, then the board starts
    none    nothing fails: what is judged then must be as it was, or the judge is wrong
"""

import gc
import io
import json
import sys

sys.path.insert(0, __file__.rpartition("/")[0] + "/../../device")
import harness  # noqa: F401  it names folders of modules, before which the application's comes

sys.path.insert(0, __file__.rpartition("/")[0])
sys.path.insert(0, sys.argv[1])
import os

import vfs
from fakes import settings
from faulty_flash import BLOCK, Flash
from harness import Lcg
from lived import ROOT, SMALL, Life, Power
from nearhum.storage.signing import KEY_BYTES

N_BLOCKS = 64
PER_SCRIPT = 100  # lives of kind eio that have one script, each with another operation refused


def fresh(prog_bytes, keyed):
    """Return the blocks of a flash with the settings alone, as deployed."""
    flash = Flash([None] * N_BLOCKS)
    made = {"readsize": 32, "progsize": prog_bytes, "lookahead": 32}
    vfs.VfsLfs2.mkfs(flash, **made)
    vfs.mount(vfs.VfsLfs2(flash, **made), ROOT[:-1])
    settings("vibration", ROOT, **SMALL)
    if keyed:
        os.mkdir(ROOT + "nearhum")
        with open(ROOT + "nearhum/key", "wb") as f:
            f.write(bytes(range(1, 1 + KEY_BYTES)))
    vfs.umount(ROOT[:-1])
    return flash.blocks()


def lived(blocks, prog_bytes, full):
    """Return the life of a board that has learned, and watches; full: no block is free."""
    life = Life(Flash(blocks), prog_bytes, 1)
    if life.start():
        raise RuntimeError("the first start")
    life.ask("learn 20")
    life.windows(30, 1)
    life.ask("enrol hum 2")
    life.windows(3, 1)
    life.ask("set alarms_per_day 3")
    life.ask("veto knock")
    for i in range(150 if full else 500):
        life.hum.journal.event("e", n=i, text="x" * 60)
        life.promised()
    life.windows(130, 1)
    if full:
        life.ask("reset log")
        life.windows(130, 1)
        fill_up()
        life.making_room = life.is_full = True
    life.stop()
    life.flash = Flash(life.flash.blocks())
    return life


def fill_up():
    """Leave no block free."""
    n, i = 65536, 0
    while n >= 1024:
        try:
            with open(ROOT + "ballast.%d" % i, "wb") as f:
                f.write(bytes(n))
            i += 1
        except OSError:
            n >>= 1


def born(kind, number):
    """Return a Life that begins with one of the bases."""
    r = Lcg(number * 7 + len(kind))
    prog_bytes = (256, 32)[r.below(2)]
    which = r.below(4)
    name = "full" if kind == "full" else ("fresh", "lived", "lived", "keyed")[which]
    if kind == "rot" and name == "fresh":
        name = "lived"
    key = (name, prog_bytes)
    if key not in _bases:
        blocks = fresh(prog_bytes, name == "keyed")
        if name == "fresh":
            _bases[key] = Life(Flash(blocks), prog_bytes, 1)
        else:
            _bases[key] = lived(blocks, prog_bytes, name == "full")
    base = _bases[key]
    life = Life(Flash(base.flash.base), prog_bytes, number)
    life.records = {seq: list(crcs) for seq, crcs in base.records.items()}
    life.saves = {seq: list(crcs) for seq, crcs in base.saves.items()}
    life.settings = {name: list(may) for name, may in base.settings.items()}
    life.acked = dict(base.acked)
    for name in ("synced", "first", "sequence", "boot", "making_room", "is_full"):
        setattr(life, name, getattr(base, name))
    return life


_bases = {}


def power_on(life, n_acts, resets, said):
    """From one start to the failing of the power, or until n_acts things are done."""
    try:
        why = life.start()
        if life.flash.dead:
            return
        if why:
            said["lost"].append("start %d: %s" % (life.n_starts, why))
            return
        life.promised()
        for _ in range(n_acts):
            life.act(resets)
    except Power:
        pass
    except Exception as e:
        if not life.flash.dead:
            text = io.StringIO()
            sys.print_exception(e, text)
            said["lost"].append("the loop ended: " + text.getvalue())
    finally:
        life.flash.cut = -1
        life.stop()


def rot(life):
    """Change bits of a block that is in use, mostly one that was written lately."""
    r, flash = life.random, life.flash
    used = flash.used()
    blocks = [i for i in flash.recent if i in used] if r.below(3) else used
    block = blocks[r.below(len(blocks))]
    cells = flash._own(block)
    # somewhere in what is programmed
    at = r.below(BLOCK)
    for _ in range(BLOCK):
        if cells[at] != 0xFF:
            break
        at = (at + 1) % BLOCK
    how = r.below(4)
    if how < 2:
        flash.flip(block, at, 1 << r.below(8))
        return "bit %d of block %d" % (8 * at, block)
    if how == 2:
        for _ in range(8):
            flash.flip(block, min(BLOCK - 1, at + r.below(32)), 1 << r.below(8))
        return "8 bits near %d of block %d" % (at, block)
    at &= ~255
    for i in range(256):
        flash.flip(block, at + i, 1 + r.below(255))
    return "page %d of block %d" % (at >> 8, block)


def live(kind, number):
    """Live one life and judge it."""
    said = {"kind": kind, "lost": [], "misread": [], "silent": [], "told": [], "what": ""}
    life = born(kind, number)
    r, flash = life.random, life.flash
    n_acts = 3 + r.below(8)
    if kind in ("cuts", "reset"):
        for _ in range(2 + r.below(4) if kind == "cuts" else 1 + r.below(3)):
            life.plan(120 if kind == "cuts" else 60)
            power_on(life, n_acts, kind == "reset", said)
    elif kind == "full":
        for _ in range(1 + r.below(3)):
            if r.below(3):
                life.plan(100)
            power_on(life, n_acts, False, said)
    elif kind == "stuck":
        for _ in range(1 + r.below(3)):
            block = r.below(N_BLOCKS)
            bits = [(r.below(BLOCK), 1 << r.below(8), 255 * r.below(2)) for _ in range(6)]
            flash.stuck[block] = bits
        for _ in range(1 + r.below(3)):
            if r.below(2):
                life.plan(120)
            power_on(life, n_acts + 6, False, said)
    elif kind == "eio":
        script, nth = divmod(number, PER_SCRIPT)
        life = born(kind, script)
        life.random = Lcg(script)
        flash = life.flash
        many = (1, 3, 1 << 20)[script % 3]
        flash.sick = (nth, many)
        said["what"] = "operation %d and %d in all" % (nth, many)
        power_on(life, 8, False, said)
        flash.sick = (-1, 0)
    else:
        power_on(life, n_acts, False, said)
        if kind == "rot":
            said["what"] = rot(life)
    flash.stuck = {}
    life.judged(said)
    if life.hum and not said["told"] and kind != "full":
        goes_on(life, said)
    life.stop()
    said["starts"] = life.n_starts
    said["operations"] = flash.operations
    return said


def unmount():
    """Take the file system of a life that broke off."""
    try:
        vfs.umount(ROOT[:-1])
    except OSError:
        pass


def goes_on(life, said):
    """What is changed now is there after another start."""
    hum = life.hum
    hum.guard.vetoed[:] = []
    answer = life.ask("veto probe")
    hum.journal.flush()
    life.promised()
    seq = life.synced
    life.stop()
    why = life.start()
    if why or not answer["ok"]:
        said["lost"].append("it does not go on: %s %s" % (why, answer))
    elif "probe" not in life.hum.guard.vetoed or life.hum.journal.seq <= seq:
        said["lost"].append("what was changed afterwards is lost")
    elif life.hum.store.refused:
        said["lost"].append("afterwards it tells %s" % life.hum.store.refused)


def main():
    """Answer lines until there are no more."""
    while True:
        line = sys.stdin.readline()
        if not line:
            break
        kind, number = json.loads(line)
        try:
            said = live(kind, number)
        except Exception as e:
            text = io.StringIO()
            sys.print_exception(e, text)
            said = {"kind": kind, "error": text.getvalue()}
            unmount()
        gc.collect()
        print(json.dumps(said))


if __name__ == "__main__":
    main()
