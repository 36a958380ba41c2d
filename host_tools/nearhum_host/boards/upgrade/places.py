"""Where on a board an application lies: in / or in /beside, as choose_app sees it.

Enters: a stopped board. Leaves: which of the two is whole, which starts, and where a new one goes.
Paths of an application are those in /: /nearhum.json is /beside/nearhum.json in the other folder.
main.py, choose_app, the small file that names a folder, and the board's key are there once.

A list of hashes, nearhum.mft, is JSON with a line a file. First stands the version, then the files
that safe mode needs, the line "for safe mode", and all others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nearhum import __version__

from ...serial_line.repl import Found, Repl
from ..application import CHOOSE_PATH, CONFIG_PATH, KEY_PATH, MAIN_PATH

NAMED_PATH = "/nearhum.app"  # its first line: the folder that starts; its second: what undo names
MANIFEST_PATH = "/nearhum.mft"
ROOT, BESIDE = "", "/beside"
STARTERS = (CHOOSE_PATH, MAIN_PATH)  # in the order of writing: main.py needs choose_app
SOURCE_PATH = "/choose_app.py"  # of an install from the sources: it would be taken for the .mpy
SHARED = (*STARTERS, SOURCE_PATH, NAMED_PATH, KEY_PATH)
_PACKAGE = "/nearhum/"
OLD_START = "/nearhum/start.py"  # main.py of before there were two folders
_START = ("/nearhum/start.mpy", OLD_START)
_SIGNING = ("/nearhum/storage/signing.mpy", "/nearhum/storage/signing.py")
_CHECKED = (".mpy", ".py", ".json")  # files that a start checks against the list
# What the console of safe mode loads, beside start itself. Where one of these is damaged, nothing
# of the application is loaded.
_SAFE_MODE = (
    "__init__", "start", "boots", "console/safe", "console/console", "console/verbs",
    "storage/journal", "storage/runs", "storage/deployed", "wire", "errors", "files", "board",
    "lifetime",
)  # fmt: skip
_LAST = {CONFIG_PATH: 1, MANIFEST_PATH: 2, CHOOSE_PATH: 3, MAIN_PATH: 4, NAMED_PATH: 5}


def in_order(paths: Iterable[str]) -> list[str]:
    """Return paths in the order in which they are written: one that is cut off starts nothing
    half there.
    """
    return sorted(paths, key=lambda path: (_LAST.get(path, 0), path))


def with_manifest(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files with the list of their hashes beside them."""
    sums = {
        path: hashlib.sha256(contents).hexdigest()
        for path, contents in sorted(files.items())
        if path not in SHARED
    }
    needed = [path for path in sums if _is_needed(path)]
    lines = {"version": __version__, **{path: sums[path] for path in needed}}
    lines |= {"for safe mode": "the files above", **sums}
    return {**files, MANIFEST_PATH: json.dumps(lines, indent=0).encode()}


def _is_needed(path: str) -> bool:
    return path.startswith(_PACKAGE) and path[len(_PACKAGE) :].rpartition(".")[0] in _SAFE_MODE


def named(folder: str, before: str | None) -> bytes:
    """Return the contents of the small file: what starts, and what may be put back."""
    lines = [folder] if before is None else [folder, before]
    return "".join((line or "/") + "\n" for line in lines).encode()


@dataclass
class Places:
    """What lies on a board.

    there: its files. lists: of each folder that has one, what its list of hashes says by path.
    first: the folder that the small file names; before: the one that undo puts back, None where
    none is. old_main: main.py is one of before there were two folders, and starts / alone.
    """

    there: dict[str, Found]
    lists: dict[str, dict[str, str]] = field(default_factory=dict)
    first: str = ROOT
    before: str | None = None
    old_main: bool = False
    text: dict[str, list[str]] = field(default_factory=dict)

    def files(self, folder: str) -> dict[str, Found]:
        """Return the files of the application in a folder, by their paths in /."""
        if folder:
            inside = {p.removeprefix(folder): f for p, f in self.there.items() if _in(folder, p)}
        else:
            inside = {p: f for p, f in self.there.items() if not _in(BESIDE, p)}
        return {path: found for path, found in inside.items() if path not in SHARED}

    def is_whole(self, folder: str) -> bool:
        """Return True where every file in a folder's list is as the list has it."""
        if folder not in self.lists or self.text[folder][-1:] != ["}"]:
            return False
        for path, sha256 in self.lists[folder].items():
            found = self.there.get(folder + path)
            is_listed = path.endswith(_CHECKED) and path != MAIN_PATH
            if is_listed and (found is None or found.sha256 != sha256):
                return False
        return True

    def starts(self) -> str:
        """Return the folder whose application starts."""
        if self.old_main:
            return ROOT
        other = BESIDE if self.first == ROOT else ROOT
        if self.is_whole(self.first):
            return self.first
        if self.is_whole(other):
            return other
        return self.first if self.first in self.lists else ROOT

    def is_kept(self) -> bool:
        """Return True where what starts is to stay until another one is whole.

        In / that is also what nobody has listed: it was copied there by hand, or by a deploy of
        before there were two folders, and may run.
        """
        folder = self.starts()
        unlisted = folder == ROOT and ROOT not in self.lists and MAIN_PATH in self.there
        runs = any(path.startswith(_PACKAGE) for path in self.files(folder))
        return self.is_whole(folder) or unlisted and runs

    def has_start(self) -> bool:
        """Return True where the application in / has what main.py starts."""
        return any(path in self.there for path in _START)

    def has_signing(self, folder: str) -> bool:
        """Return True where the application in a folder can sign."""
        return any(folder + path in self.there for path in _SIGNING)

    def version(self) -> str:
        """Return the version of the application that starts, "" where it does not say."""
        return self.lists.get(self.starts(), {}).get("version", "")


def _in(folder: str, path: str) -> bool:
    return path.startswith(folder + "/")


def look(repl: Repl) -> Places:
    """Return what lies on a stopped board. Raises DeviceError."""
    there = repl.hashes([*SHARED, CONFIG_PATH, MANIFEST_PATH, _PACKAGE.rstrip("/"), BESIDE])
    out = Places(there)
    for folder in (ROOT, BESIDE):
        if folder + MANIFEST_PATH in there:
            out.text[folder] = repl.lines(folder + MANIFEST_PATH)
            out.lists[folder] = dict(filter(None, map(_entry, out.text[folder])))
    if NAMED_PATH in there:
        lines = repl.lines(NAMED_PATH)
        out.first = _folder(lines)
        second = {"/": ROOT, BESIDE: BESIDE}.get(lines[1].strip()) if len(lines) > 1 else None
        out.before = second if second != out.first else None
    listed = out.lists.get(ROOT, {}).get(MAIN_PATH)
    out.old_main = MAIN_PATH in there and there[MAIN_PATH].sha256 == listed
    return out


def _entry(line: str) -> tuple[str, str] | None:
    name, colon, value = line.strip(' ,\r\n"').partition('": "')
    return (name, value) if colon else None


def folder_named(repl: Repl) -> str:
    """Return the folder that the small file of a stopped board names, "" for /."""
    return _folder(repl.lines(NAMED_PATH))


def _folder(lines: list[str]) -> str:
    return BESIDE if lines and lines[0].strip() == BESIDE else ROOT
