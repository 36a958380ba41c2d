"""Deploys the application: brings a board's files to what they should be, and starts the detector.

Enters: a link and the files (see `application`). Leaves: a report. What is on the board is found out by
hashing its real files, not by trusting a note about the last deploy. Order matters, because the cable may
come out at any moment:

1. compare; if nothing differs and the detector runs, nothing is stopped;
2. check that what is to be written fits, before anything is;
3. write each changed file beside its place, verify it there, rename it; the configuration comes last but one,
   main.py last, so that a board that was cut off runs either the old main.py or the new one with all it
   needs;
4. where the board gets a key, another one, or none any more, sign anew what is on it: see _give_key;
5. remove application files that no longer belong, write the manifest, restart, wait for the start line.

What was learned and logged (/hum) and whatever else the user keeps on the board is never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from nearhum import signing

from . import keys
from .application import KEY_PATH
from .errors import DeviceError
from .link import Link
from .repl import BoardError, Repl, stopped

MANIFEST_PATH = "/nearhum.mft"
APPLICATION_ROOTS = ["/main.py", "/nearhum.json", MANIFEST_PATH, "/nearhum"]
_LAST = {"/nearhum.json": 1, "/main.py": 2, MANIFEST_PATH: 3}
_MARGIN_BLOCKS = 8  # kept free: the file system's own bookkeeping, and room for the journal to go on
_NO_SPACE = ("OSError: 28", "ENOSPC")


@dataclass
class Deployed:
    """What a deploy did: board paths, bytes written, seconds in all, and the board's start line."""

    copied: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    n_bytes: int = 0
    seconds: float = 0.0
    start: dict[str, Any] = field(default_factory=dict)


def deploy(
    link: Link,
    files: dict[str, bytes],
    on_bytes: Callable[[int, int], None] = lambda done, of: None,
    no_key: bool = False,
) -> Deployed:
    """Bring the board to hold exactly these application files and restart it.

    files: {path: contents}. on_bytes: called with the bytes written so far and in all. no_key: take the board's key off
    it. Raises DeviceError; whatever was written by then is whole, and deploying again goes on from there.
    """
    began = time.monotonic()
    files = with_manifest(files)
    wanted = {path: hashlib.sha256(contents).hexdigest() for path, contents in files.items()}
    done = Deployed()
    try:
        with stopped(link) as repl:
            _bring_to(repl, files, wanted, done, on_bytes, no_key)
    except BaseException as error:
        with contextlib.suppress(DeviceError):  # the first error is the one to tell
            link.resume()
        if isinstance(error, BoardError) and any(word in error.name for word in _NO_SPACE):
            raise _no_space(error.name) from None
        if isinstance(error, DeviceError) and not isinstance(error, NoSpace):
            kept = f"{len(done.copied)} files are in place" if done.copied else "no file was changed"
            raise DeviceError(
                f"{error.message}; {kept}", hint=f"{error.hint}; a deploy goes on where one ended"
            ) from None
        raise
    done.start = link.resume()
    if done.start.get("fault"):
        raise DeviceError(
            f"nearhum is on the board and runs, but its sensor does not: {done.start['fault']}",
            hint="put that right; the board tries again every second",
        )
    done.seconds = time.monotonic() - began
    return done


def in_order(paths: Iterable[str]) -> list[str]:
    """Return paths in the order in which they are written: one that is cut off starts nothing half there."""
    return sorted(paths, key=lambda path: (_LAST.get(path, 0), path))


def with_manifest(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files with the manifest beside them: the SHA-256 of each."""
    sums = {path: hashlib.sha256(contents).hexdigest() for path, contents in files.items()}
    return {**files, MANIFEST_PATH: json.dumps(sums, indent=0, sort_keys=True).encode()}


def _bring_to(
    repl: Repl,
    files: dict[str, bytes],
    wanted: dict[str, str],
    done: Deployed,
    on_bytes: Callable[[int, int], None],
    no_key: bool = False,
) -> None:
    there = repl.hashes(APPLICATION_ROOTS)
    if KEY_PATH in there and KEY_PATH not in files and not no_key:
        name = keys.named_by(there[KEY_PATH].sha256)
        raise DeviceError(
            "the board has a key" + (f", {name!r}" if name else ""),
            hint=f"deploy with --key {name or 'NAME'}; --no-key takes it off the board",
        )
    changed = in_order(path for path in files if path not in there or there[path].sha256 != wanted[path])
    done.unchanged = sorted(path for path in files if path not in changed)
    old = {path: found.n_bytes for path, found in there.items()}
    _check_space(repl, [(len(files[path]), old.get(path, 0)) for path in changed])
    if MANIFEST_PATH in changed and MANIFEST_PATH in there:
        # the board checks its files against it at every start: half a deploy must not count as damage
        repl.remove([MANIFEST_PATH])
    total = sum(len(files[path]) for path in changed)

    def count(n: int) -> None:
        done.n_bytes += n
        on_bytes(done.n_bytes, total)

    for path in changed:
        if path == KEY_PATH:
            continue
        repl.write(path, files[path], wanted[path], count)
        done.copied.append(path)
    if KEY_PATH in changed or KEY_PATH in there and KEY_PATH not in files:
        _give_key(repl, files.get(KEY_PATH), KEY_PATH in there)
        done.copied += [KEY_PATH] if KEY_PATH in files else []
    done.removed = sorted(path for path in there if path not in files)
    if done.removed:
        repl.remove(done.removed)


def _give_key(repl: Repl, new: bytes | None, has_one: bool) -> None:
    """Give a stopped board a key, or none, and sign what is on it anew; cut off at any time, all of it is read.

    While it lasts the board knows both keys; see nearhum.signing. The application is in place by then.
    """
    there = repl.ask(f"list(open({KEY_PATH!r},'rb').read())") if has_one else []
    try:
        old = bytes(there)
    except (TypeError, ValueError):
        raise DeviceError(f"{KEY_PATH} cannot be read", hint="repeat the command") from None
    old = old if old and len(old) % signing.KEY_BYTES == 0 else signing.NO_KEY
    both = (new or signing.NO_KEY) + old
    repl.write(KEY_PATH, both, hashlib.sha256(both).hexdigest())
    repl.run(f"from nearhum.signing import sign_anew as _s\n_s('/',open({KEY_PATH!r},'rb').read())")
    if new:
        repl.write(KEY_PATH, new, hashlib.sha256(new).hexdigest())


def _check_space(repl: Repl, sizes: list[tuple[int, int]]) -> None:
    """Raise NoSpace unless the files fit, written in this order.

    sizes: (new, old) bytes of each; the old file stays until the new one is whole.
    """
    block, free = repl.free_space()
    left = lowest = free
    for new, old in sizes:
        lowest = min(lowest, left - -(-new // block))
        left -= -(-new // block) - -(-old // block)
    missing = _MARGIN_BLOCKS - lowest if sizes else 0
    if missing > 0:
        raise _no_space(f"{(free + missing) * block} bytes needed, {free * block} free")


class NoSpace(DeviceError):
    """The application does not fit on the board's file system."""


def _no_space(why: str) -> NoSpace:
    return NoSpace(
        f"the board's file system is full: {why}; no file was left half written",
        hint="make room: `nearhum pull PATH` and `nearhum console 'reset log'`, or remove files of your own",
    )
