# ruff: noqa: SIM115
"""Runs under MicroPython's unix port: starts main.py on flash images, as a power cut in a deploy
left them, one after another.

Arguments: a file with the flash image, byte offset of the file system in it, its blocks, bytes
programmed at once, the folder of the card. Each line of input is a JSON list, of which the image is
the base:

    ["done", address, hex]      cells of the base from now on
    ["start", address, hex]     one case: these cells on a copy of the base; answered with one line

A case is what a board does when the power comes back, from main.py on: the flash is mounted at /,
and modules come from it alone. The pipeline runs for some windows and answers `status` and `list`;
safe mode answers that it is that. `marks`: what every module that was loaded says it is of.
"""

import builtins
import sys
from binascii import crc32

import vfs
from flash_image import Flash, run_cases

N_TURNS = 30
image, offset, n_blocks, prog_bytes, card = sys.argv[1:6]
offset, n_blocks, prog_bytes = int(offset), int(n_blocks), int(prog_bytes)
host = vfs.VfsPosix(card)
_import = builtins.__import__
said = {}


def run(hum):
    """Stand in for the loop of a pipeline: some turns, then what it says of itself."""
    hum.console.poll = lambda: True  # standard input is the host's
    for _ in range(N_TURNS):
        hum.step()
    if said:  # it began again after a failure
        said["again"] = True
    said["status"] = hum.console.execute("status")
    said["list"] = hum.console.execute("list")["prototypes"]
    said["n_windows"] = hum.n_windows
    said["state"] = crc32(hum.learned.pack())
    hum.close()
    raise KeyboardInterrupt


def serve(safe):
    """Stand in for the console of safe mode."""
    said["safe"] = safe._why
    raise KeyboardInterrupt


def stopped():
    """Stand in for the wait after a Ctrl-C: standard input is the host's."""
    return True


def importing(name, *rest):
    out = _import(name, *rest)
    module = sys.modules.get("nearhum.pipeline")
    if module and hasattr(module, "Pipeline"):
        module.Pipeline.run = run
    module = sys.modules.get("nearhum.console.safe")
    if module and hasattr(module, "Safe"):
        module.Safe.serve = serve
    module = sys.modules.get("nearhum.boots")
    if module and hasattr(module, "stopped"):
        module.stopped = stopped
    return out


def case():
    """Start once; tell what runs."""
    said.clear()
    vfs.umount("/")
    vfs.mount(vfs.VfsLfs2(flash, readsize=32, progsize=prog_bytes, lookahead=32), "/")
    vfs.mount(host, "/sd")
    sys.path[:] = ["", "/lib"]
    builtins.__import__ = importing
    try:
        namespace = {"__name__": "__main__"}
        with open("/main.py") as f:
            text = f.read()
        exec(compile(text, "main.py", "exec"), namespace)
    except KeyboardInterrupt:
        pass
    finally:
        builtins.__import__ = _import
        marks = {}
        for name in list(sys.modules):
            if name.startswith("nearhum") or name == "own":
                module = sys.modules.pop(name)
                if hasattr(module, "MARK"):
                    marks[module.MARK] = marks.get(module.MARK, 0) + 1
                # a folder without code has no file; the main.py of one folder has no mark
                elif hasattr(module, "__file__") and not module.__file__.endswith("start.py"):
                    marks["none"] = name
        said["marks"] = marks
        vfs.umount("/sd")
        vfs.umount("/")
        vfs.mount(vfs.VfsPosix(), "/")
    return said


flash = Flash(image, offset, n_blocks)
run_cases(flash, case)
