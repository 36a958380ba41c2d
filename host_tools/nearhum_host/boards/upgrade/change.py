"""What brings one folder of a board to hold an application, and what lets main.py start it.

Enters: a stopped board and what lies on it (places.py). Leaves: files on the board, each whole, and
in an order in which any of them may be the last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol

from ...errors import DeviceError
from ...serial_line.repl import Found, Repl
from .places import (
    BESIDE,
    CHOOSE_PATH,
    MAIN_PATH,
    MANIFEST_PATH,
    NAMED_PATH,
    OLD_START,
    ROOT,
    SOURCE_PATH,
    Places,
    in_order,
    named,
)  # fmt: skip

# kept free: the file system's own bookkeeping, and room for the journal to go on
_MARGIN_BLOCKS = 8
_FOLDER_BLOCKS = 2  # LittleFS keeps so many for each folder


class Refused(DeviceError):
    """A deploy that was not begun: nothing on the board has changed."""


class NoSpace(Refused):
    """The application does not fit on the board's file system beside the one that runs."""


def no_space(why: str) -> NoSpace:
    return NoSpace(
        f"the board's file system is full: {why}; the application that runs stays",
        hint=(
            "the new one is written beside it, and the log keeps its room. Make room: `nearhum pull"
            " PATH` fetches the log, then `nearhum console 'reset log'` empties it; or remove files"
            " of your own"
        ),
    )


class Report(Protocol):
    """What is told of a deploy while it is done."""

    copied: list[str]
    unchanged: list[str]


class Change:
    """What brings one folder of a board to hold an application.

    is_beside: another application is kept meanwhile.
    """

    def __init__(
        self,
        repl: Repl,
        places: Places,
        wanted: dict[str, bytes],
        sums: dict[str, str],
        target: str,
        is_beside: bool,
    ) -> None:
        self.repl, self._places, self.target = repl, places, target
        self._wanted, self._sums = wanted, sums
        self.is_beside = is_beside
        self._there = places.files(target)
        self._changed = in_order(
            path
            for path in wanted
            if path not in self._there or self._there[path].sha256 != sums[path]
        )
        # where on the board, in the folder that is not changed, each content is already
        other = ROOT if target else BESIDE
        self._at = {found.sha256: other + path for path, found in places.files(other).items()}
        self._surplus = sorted(path for path in self._there if path not in wanted)
        if (self._changed or self._surplus) and MANIFEST_PATH in self._there and is_beside:
            self._surplus.insert(0, MANIFEST_PATH)  # from now on it is no whole one
            self._changed = in_order({*self._changed, MANIFEST_PATH})

    def n_to_send(self) -> int:
        """Return the bytes that come over the line."""
        return sum(len(self._wanted[p]) for p in self._changed if self._sums[p] not in self._at)

    def check_room(self, starters: Mapping[str, bytes]) -> None:
        """Raise NoSpace unless all fits, written in this order.

        An old file stays until the new one is whole, and the log keeps all that it holds.
        """
        if not self._changed:
            return
        block, free = self.repl.free_space()
        n_log = self.repl.ask(
            f"sum(1+e[3]//{block} for e in os.ilistdir('/hum/log'))"
            " if 'hum' in os.listdir('/') and 'log' in os.listdir('/hum') else 0"
        )
        # its ring is 13/16 of what is free for it, see firmware/nearhum/storage/journal.py
        margin = max(_MARGIN_BLOCKS, 3 * n_log // 13 if isinstance(n_log, int) else 0)
        left = free + sum(_blocks(self._there.get(path), block) for path in self._surplus)
        new = {path.rpartition("/")[0] for path in self._changed}
        old = {path.rpartition("/")[0] for path in self._there}
        left -= _FOLDER_BLOCKS * len(new - old)
        lowest = left
        for path in self._changed:
            n = -(-len(self._wanted[path]) // block)
            lowest = min(lowest, left - n)
            left -= n - (0 if path in self._surplus else _blocks(self._there.get(path), block))
        for path, contents in starters.items():
            if n_new(self._places, path, contents):
                lowest = min(lowest, left - 2 * -(-len(contents) // block))
        missing = margin - lowest
        if missing > 0:
            raise no_space(f"{(free + missing) * block} bytes needed, {free * block} free")

    def write(self, done: Report, count: Callable[[int], None]) -> None:
        """Write it. Raises DeviceError; what was written by then is whole."""
        if self._surplus:
            self.repl.remove([self.target + path for path in self._surplus])
        for path in self._changed:
            sha256, at = self._sums[path], self.target + path
            if sha256 in self._at:
                self.repl.copy(self._at[sha256], at, sha256)
            else:
                self.repl.write(at, self._wanted[path], count)
                done.copied.append(path)
        done.unchanged = sorted(path for path in self._wanted if path not in done.copied)


def keep_old_start(repl: Repl, places: Places) -> None:
    """Let the new main.py start what is in /: its own main.py goes on as nearhum/start.py.

    Its list of hashes follows; the old main.py takes that list, too.
    """
    if MAIN_PATH not in places.there:
        return
    main = places.there[MAIN_PATH]
    repl.copy(MAIN_PATH, OLD_START, main.sha256)
    lines = places.text.get(ROOT, [])
    if any(line.startswith(f'"{MAIN_PATH}"') for line in lines):
        comma = {line: "," if line.endswith(",") else "" for line in lines}
        changed = [
            f'"{OLD_START}": "{main.sha256}"{comma[line]}'
            if line.startswith(f'"{MAIN_PATH}"')
            else line
            for line in lines
        ]
        contents = "\n".join(changed).encode()
        repl.write(MANIFEST_PATH, contents)


def switch(repl: Repl, folder: str, before: str | None) -> None:
    """Switch: let this folder's application start."""
    contents = named(folder, before)
    repl.write(NAMED_PATH, contents)


def write_starters(
    repl: Repl, places: Places, starters: Mapping[str, bytes], count: Callable[[int], None]
) -> list[str]:
    """Write what starts one of the two applications, as far as the board has it not.

    starters: in the order in which they are written. Returns the paths that were sent.
    """
    sent = [path for path, contents in starters.items() if n_new(places, path, contents)]
    for path in sent:
        contents = starters[path]
        repl.write(path, contents, count)
    if CHOOSE_PATH in starters and SOURCE_PATH in places.there:
        repl.remove([SOURCE_PATH])
    return sent


def n_new(places: Places, path: str, contents: bytes) -> int:
    """Return the bytes of a file that the board has not, 0 where it has it."""
    found = places.there.get(path)
    same = found is not None and found.sha256 == hashlib.sha256(contents).hexdigest()
    return 0 if same else len(contents)


def _blocks(found: Found | None, block: int) -> int:
    return -(-found.n_bytes // block) if found else 0
