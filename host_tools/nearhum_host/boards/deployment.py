"""Deploy the application: write it beside the running one, and switch by one rename.

Enters: a link and the files (see `application`). Leaves: a report.

The board's files are hashed to find out what is there. A note about the last deploy could be wrong.
The cable may come out, and the power may fail, at any moment. So the steps are:

1. Look at what is there (upgrade/places.py). If nothing differs and the detector runs, write
   nothing.
2. Refuse what is not allowed or has no room, before anything is written.
3. If the board's key changes, sign again what the board keeps (keys.change).
4. Remove from the other folder what does not belong there, its list of hashes first.
5. Write the files that differ into that folder. Each is written under another name, verified and
   renamed. The board itself copies files that its running application has too. The list of hashes
   comes last. A deploy that was interrupted continues at this step.
6. Make main.py and choose_app able to start both applications. An application from before there
   were two folders gets its own main.py as nearhum/start.py.
7. Rename the small file that names the folder. This is the switch: until then the old application
   starts.
8. Leave the board with the new key only, restart it, and wait for the start line.

If no application on the board is complete, there is nothing to keep, and the new one is written
over it. What was learned and logged (/hum), and other files of the user, are never touched. A
/main.py of the user is kept before it is replaced (upgrade/programs.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nearhum import __version__

from ..amounts import plural
from ..errors import DeviceError
from ..serial_line.link import Link
from ..serial_line.repl import BoardError, Repl, stopped
from . import keys
from .application import KEY_PATH, MAIN_PATH
from .upgrade.change import (
    Change,
    NoSpace,
    Refused,
    keep_old_start,
    n_new,
    no_space,
    switch,
    write_starters,
)  # fmt: skip
from .upgrade.places import (
    BESIDE,
    MANIFEST_PATH,
    ROOT,
    STARTERS,
    Places,
    in_order,
    look,
    with_manifest,
)  # fmt: skip
from .upgrade.programs import keep

__all__ = ["MANIFEST_PATH", "Deployed", "NoSpace", "deploy", "in_order", "undo", "with_manifest"]

# Where a virtual board describes itself. Other boards have no such file.
_VIRTUAL = "getattr(__import__('sys').modules.get('virtual_board'),'about',dict)()"
_NO_SPACE = ("OSError: 28", "ENOSPC")


@dataclass
class Deployed:
    """What a deploy did: paths, bytes sent, seconds in all, and the board's start line.

    copied: what was sent. unchanged: what the board had. removed: what the application before had,
    and this one has not. kept: where the user's own /main.py lies now, "" where there was none.
    folder: where the application lies.
    """

    copied: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: str = ""
    n_bytes: int = 0
    seconds: float = 0.0
    folder: str = "/"
    start: dict[str, Any] = field(default_factory=dict)


def deploy(
    link: Link,
    files: dict[str, bytes],
    on_bytes: Callable[[int, int], None] = lambda done, of: None,
    no_key: bool = False,
    in_place: Callable[[Mapping[str, Any]], dict[str, bytes]] | None = None,
) -> Deployed:
    """Bring the board to hold exactly these application files and restart it.

    files: {path: contents}. on_bytes: called with the bytes sent so far and in all. no_key: take
    the board's key off it. in_place: called with what a virtual board says of itself; returns the
    files that it takes in place of these (virtual/stand_in.py). Raises DeviceError; the application
    that was there is still in place then, and deploying again goes on from there.
    """
    began = time.monotonic()
    done = Deployed()
    try:
        with stopped(link) as repl:
            said = says_of_itself(repl) if in_place else {}
            if in_place and said:
                files = in_place(said)
            bring_to(repl, files, done, on_bytes, no_key)
    except BaseException as error:
        with contextlib.suppress(DeviceError):  # The first error is the one to report.
            link.resume()
        if isinstance(error, BoardError) and any(word in error.name for word in _NO_SPACE):
            raise no_space(error.name) from None
        if isinstance(error, DeviceError) and not isinstance(error, Refused):
            kept = (
                f"{plural(len(done.copied), 'file')} sent" if done.copied else "no file was changed"
            )
            raise DeviceError(
                f"{error.message}; {kept}",
                hint=f"{error.hint}; repeat the deploy: it continues where it stopped",
            ) from None
        raise
    done.start = link.resume()
    if done.start.get("fault"):
        raise DeviceError(
            f"nearhum is on the board and runs, but its sensor does not: {done.start['fault']}",
            hint="correct the cause; the board tries again every second",
        )
    done.seconds = time.monotonic() - began
    return done


def undo(link: Link) -> Deployed:
    """Restore the previous application, and restart the board.

    Raises DeviceError if there is none to restore.
    """
    began = time.monotonic()
    done = Deployed()
    with stopped(link) as repl:
        places = look(repl)
        before = places.before
        can = before is not None and places.is_whole(before) and not places.old_main
        if can:
            switch(repl, before or ROOT, None)
            done.folder = before or "/"
    done.start = link.resume()
    if not can:
        raise DeviceError(
            "there is no application to put back",
            hint=(
                "only what a deploy replaced can be put back, until the new one has run for ten"
                " minutes; deploy the one that you want"
            ),
        )
    done.seconds = time.monotonic() - began
    return done


def says_of_itself(repl: Repl) -> dict[str, Any]:
    """Return how a virtual board describes itself, {} for other boards."""
    said = repl.ask(_VIRTUAL)
    return said if isinstance(said, dict) else {}


def bring_to(
    repl: Repl,
    files: dict[str, bytes],
    done: Deployed,
    on_bytes: Callable[[int, int], None],
    no_key: bool = False,
) -> None:
    """Bring a stopped board to hold exactly these files, and to start them.

    done: told what was done, step by step. Raises DeviceError, Refused before anything is written.
    """
    places = look(repl)
    _check_key(places, files, no_key)
    key = files.get(KEY_PATH)
    starters = {path: files[path] for path in STARTERS if path in files}
    wanted = {
        path: contents
        for path, contents in with_manifest(files).items()
        if path not in (*STARTERS, KEY_PATH)
    }
    sums = {path: hashlib.sha256(contents).hexdigest() for path, contents in wanted.items()}
    runs, kept = places.starts(), places.is_kept()
    before = places.files(runs)
    same = {path: found.sha256 for path, found in before.items()} == sums
    target = runs if same or not kept else (ROOT if runs else BESIDE)
    done.folder = target or "/"
    done.removed = sorted(path for path in before if path not in wanted)
    change = Change(repl, places, wanted, sums, target, kept and target != runs)
    change.check_room(starters)
    total = change.n_to_send() + sum(n_new(places, *starter) for starter in starters.items())

    def count(n: int) -> None:
        done.n_bytes += n
        on_bytes(done.n_bytes, total)

    done.kept = keep(repl, places) if MAIN_PATH in starters else ""
    sign = keys.change(repl, places, key, target)
    change.write(done, count)
    if change.is_beside and target == BESIDE and not places.has_start():
        keep_old_start(repl, places)
    done.copied += write_starters(repl, places, starters, count)
    if change.is_beside or places.first != target:
        puts_back = change.is_beside and places.is_whole(runs) and sign is None
        switch(repl, target, runs if puts_back else None)
    if sign:
        sign()
        done.copied += [KEY_PATH] if key is not None else []


def _check_key(places: Places, files: Mapping[str, bytes], no_key: bool) -> None:
    """Raise Refused if a board would lose its key unasked, or would get an older application."""
    if KEY_PATH not in places.there or no_key:
        return
    if KEY_PATH not in files:
        name = keys.named_by(places.there[KEY_PATH].sha256)
        raise Refused(
            "the board has a key" + (f", {name!r}" if name else ""),
            hint=f"deploy with --key {name or 'NAME'}; --no-key takes it off the board",
        )
    there = places.version()
    if _number(there) > _number(__version__):
        raise Refused(
            f"the board has a key and nearhum {there}, and this is the older {__version__}:"
            " a board with a key takes no older one",
            hint=(
                "upgrade nearhum on this computer; or `nearhum deploy --undo` within ten minutes of"
                " the last deploy; or take the key off first: deploy with --no-key"
            ),
        )


def _number(version: str) -> tuple[int, ...]:
    """Return a version as comparable numbers. Anything else counts as the oldest version."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()
