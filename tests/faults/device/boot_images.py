# ruff: noqa: SIM115
"""Runs under MicroPython's unix port: boots the firmware on flash images, as a power cut left
them, one after another.

Arguments: a file with the flash image, byte offset of the file system in it, its blocks, bytes
programmed at once, the folders of the card and of the compiled application. Each line of input is
a JSON list, of which the image is the base:

    ["done", address, hex]                      cells of the base from now on
    ["boot", address, hex, from_seq, go_on]     one case: these cells on a copy of the base;
                                                answered with one line

A case is what a board does when the power comes back: mount, load the state, read the journal,
answer. go_on: then something is changed, and the board is started once more. The answer tells what
was found, or the error that ended it.
"""

import sys
from binascii import a2b_base64, crc32

import vfs
from flash_image import Flash, run_cases

image, offset, n_blocks, prog_bytes, card, application = sys.argv[1:7]
sys.path.insert(0, application)
offset, n_blocks, prog_bytes = int(offset), int(n_blocks), int(prog_bytes)

import nearhum.pipeline as module
from nearhum.pipeline import Pipeline


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
            told["went_on"] = (
                "probe" in hum.guard.vetoed and hum.journal.seq > seq and not hum.store.refused
            )
    finally:
        end(hum, "/cut/")
    return told


flash = Flash(image, offset, n_blocks)
vfs.mount(vfs.VfsPosix(card), "/sd")
run_cases(flash, case)
