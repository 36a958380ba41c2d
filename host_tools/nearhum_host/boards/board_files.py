"""Board files: TOML in, a checked Board out, and from it the configuration that deploy writes
to the board.

A board file says what a chip is and what hangs on its pins. One file may extend another, so that a
user's own board is a few lines (boards/README.md has every key). What a key may hold stands in
board_checks.py.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..paths import boards_dir
from .board_checks import TOP, check_file, check_one, is_driver, is_table, near

_MAX_FILE_BYTES = 1 << 16
# By key: the keys that describe its value. They are not inherited if the value changes.
_OF_ANOTHER = {"url": ("size_bytes", "sha256")}


@dataclass(frozen=True)
class Firmware:
    """A MicroPython image: where it comes from; its size and its sum, None where they are not
    known.
    """

    version: str
    url: str
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Flash:
    """How the chip is written, and where its file system lies; all in bytes, from the start of the
    flash.

    image_offset_bytes: where a firmware image goes, for esptool.
    """

    method: str
    size_bytes: int
    fs_offset_bytes: int
    fs_size_bytes: int
    block_bytes: int
    prog_bytes: int
    image_offset_bytes: int = 0


@dataclass(frozen=True)
class Board:
    """One checked board file.

    rate_hz is samples a second and channel; heap_bytes is free after a start. native_bytes: of
    native code that may be loaded, None where it lies in the heap like everything else.

    firmware: by name, of FIRMWARES. file: the path of a user's own board file, "" for one that came
    with nearhum.
    """

    name: str
    title: str
    chip: str
    port: str
    mpy_arch: str
    path: str
    kind: str
    rate_hz: float
    n_channels: int
    source: dict[str, Any]
    flash: Flash
    heap_bytes: int
    firmware: dict[str, Firmware] = field(default_factory=dict)
    usb_ids: tuple[tuple[int, int], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    native_bytes: int | None = None
    file: str = field(default="", compare=False)

    def config(self, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what goes to /nearhum.json: a flat object, source apart.

        overrides: keys of the board file (checked as there) or firmware settings (checked on the
        board); "source" is laid over the file's source key by key. Raises UsageError.
        """
        config: dict[str, Any] = {
            "board": self.name,
            "kind": self.kind,
            "path": self.path,
            "source": dict(self.source),
            "rate_hz": self.rate_hz,
            "n_channels": self.n_channels,
            **self.settings,
        }
        for key, value in (overrides or {}).items():
            if key in TOP or key == "source":
                check_one("override", key, value, TOP.get(key, is_table))
            config[key] = _lay_over(config["source"], value) if key == "source" else value
        check_one("override", "source.driver", config["source"].get("driver"), is_driver)
        return config


def names() -> list[str]:
    """Return the names of the boards that come with nearhum, sorted."""
    return sorted(path.stem for path in boards_dir().glob("*.toml"))


def load(board: str) -> Board:
    """Return the board of that name, or of that file (a path ending in .toml).

    Raises UsageError: no such board (with the nearest names), or a file that does not hold, naming
    file, key, value and what is allowed.
    """
    path = _find(board, Path())
    raw = _read(path, ())
    raw.setdefault("title", raw.get("name"))
    check_file(path, raw)
    return Board(
        **{key: raw[key] for key in TOP},
        source=raw["source"],
        flash=Flash(**raw["flash"]),
        heap_bytes=raw["limits"]["heap_bytes"],
        native_bytes=raw["limits"].get("native_bytes") or None,
        firmware={name: Firmware(**given) for name, given in raw.get("firmware", {}).items()},
        usb_ids=tuple(
            (int(item[:4], 16), int(item[5:], 16)) for item in raw.get("usb", {}).get("ids", ())
        ),
        settings=raw.get("settings", {}),
        file=board if board.endswith(".toml") else "",
    )


def named(board: str) -> Board:
    """Return the board that came with nearhum under that name: where a board says it, no file
    is opened for it.
    """
    if board not in names():
        raise UsageError(
            f"no board {board[:40]!r} came with nearhum",
            hint="name the file that it was deployed with: --board FILE.toml",
        )
    return load(board)


def _find(board: str, beside: Path) -> Path:
    if board.endswith(".toml"):
        path = beside / Path(board).expanduser()
        if path.is_file():
            return path
        raise UsageError(
            f"there is no board file {path}",
            hint="`nearhum score` and `nearhum virtual --replay` write one once they have read the"
            " recording; `nearhum boards` lists those that came with nearhum",
        )
    known = names()
    if board in known:
        return boards_dir() / f"{board}.toml"
    hint = "there are: " + ", ".join(known) + "; or give the path of your own .toml file"
    raise UsageError(f"no board {board!r}{near(board, known)}", hint=hint)


def _read(path: Path, extended_by: tuple[Path, ...]) -> dict[str, Any]:
    """Return the file's content, merged over that of the file it extends."""
    if path.resolve() in extended_by:
        raise UsageError(f"{path}: extends leads back to the file itself")
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES + 1)
        if len(text) > _MAX_FILE_BYTES:
            raise UsageError(f"{path}: more than {_MAX_FILE_BYTES} bytes: no board file")
        raw = tomllib.loads(text.decode("utf-8"))
    except RecursionError:
        raise UsageError(f"{path}: not TOML of a board: nested too deeply") from None
    # TOMLDecodeError, UnicodeDecodeError, and numbers with thousands of digits.
    except ValueError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    raw.setdefault("name", path.stem)
    if "extends" not in raw:
        return raw
    parent_name = raw.pop("extends")
    if not isinstance(parent_name, str):
        raise UsageError(
            f"{path}: extends = {parent_name!r}: must be the name or the path of a board file"
        )
    parent = _read(_find(parent_name, path.parent), (*extended_by, path.resolve()))
    return _lay_over(parent, raw)


def _lay_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return above laid over below, tables key by key; another driver brings pins of its own,
    another url its sum, and false takes a table away.
    """
    if "driver" in above and above["driver"] != below.get("driver"):
        return dict(above)
    merged = dict(below)
    for key, others in _OF_ANOTHER.items():
        if key in above and above[key] != below.get(key):
            merged = {name: value for name, value in merged.items() if name not in others}
    for key, value in above.items():
        under = below.get(key)
        if value is False and isinstance(under, dict):
            del merged[key]
        elif isinstance(value, dict) and isinstance(under, dict):
            merged[key] = _lay_over(under, value)
        else:
            merged[key] = value
    return merged
