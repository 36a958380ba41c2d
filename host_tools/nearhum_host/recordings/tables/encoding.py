"""Find the encoding of a text file.

Enters: the first bytes of a file. Leaves: the name of an encoding, or an error. A byte order mark
decides. Without one, zeros in every other byte mean UTF-16, and valid UTF-8 is UTF-8. For all else,
charset-normalizer guesses. A wrong guess changes only the names of columns, because numbers are
ASCII in every code page.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from ...errors import HostError

HEAD_BYTES = 1 << 18
CHUNK_BYTES = 1 << 19
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Code pages that loggers, spreadsheets and instruments use.
_PAGES = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp850", "cp437", "mac_roman"]
_PAGES += ["shift_jis", "gb18030", "big5", "euc_kr"]
# Characters in names and units of columns in western Europe.
_WESTERN = "äöüÄÖÜßéèêëàâçñáíóúÉÈÀÇÑåøæÅØÆïîôûù°²³µ±·–—×Ω"
# First bytes of other kinds of files that often have the suffix of a table.
_OTHERS = (
    (b"PK\x03\x04", "is an archive or an Excel workbook", "save the sheet as csv, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook", "save the sheet as csv"),
    (b"PAR1", "is a Parquet file", "name it .parquet"),
    (b"RIFF", "is a wav file", "name it .wav"),
    (b"\x1f\x8b", "is compressed", "unpack it with gunzip"),
    (b"\x93NUMPY", "is a NumPy array", "name it .npy"),
)


_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))  # are no text, but for a few


def head_of(path: Path) -> tuple[str, str, bool]:
    """Return (encoding, the first part of the text, True where that is all of it).

    Raises HostError where the file cannot be read, or is no text.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(HEAD_BYTES)
            whole = not file.read(1)
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "check the path") from None
    for magic, what, hint in _OTHERS:
        if raw.startswith(magic):
            raise HostError(f"{path} {what}, not a table of text", hint)
    encoding = encoding_of(raw, whole)
    if not encoding.startswith(("utf-16", "utf-32")):
        n = len(raw) - len(raw.translate(None, _CONTROLS))
        if 20 * n > len(raw):
            raise HostError(f"{path} holds bytes that are no text", "export it as csv")
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    except LookupError:
        raise HostError(
            f"{path} is text in {encoding}, which nearhum cannot read", "save it as UTF-8"
        ) from None
    text = decoder.decode(raw, final=whole)
    if not whole:
        cut = max(text.rfind("\n"), text.rfind("\r"))
        if cut < 0:
            raise HostError(f"{path} is not a table: its first {len(raw)} bytes have no line break")
        text = text[: cut + 1]
    return encoding, text, whole


def encoding_of(raw: bytes, whole: bool = True) -> str:
    """Return the name of the encoding of a text that begins with raw."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    sample = raw[:4096]
    if len(sample) >= 4:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if odd > len(sample) // 8 and even <= odd // 8:
            return "utf-16-le"
        if even > len(sample) // 8 and odd <= even // 8:
            return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        if raw[error.start : error.start + 1] == b"\xff":
            return "cp1252"
    western = raw.decode("cp1252", errors="replace")
    if all(ord(sign) < 128 or sign in _WESTERN for sign in western):
        return "cp1252"
    from ...extras import needs

    with needs("eval"):
        from charset_normalizer import from_bytes
    best = from_bytes(raw[:65536], cp_isolation=_PAGES).best()
    return best.encoding if best else "cp1252"


def lines_of(text: str) -> list[str]:
    """Return the lines of a text; its ends may be those of Unix, Windows or an old Mac."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def chunks(
    path: Path, encoding: str, first: int, head: str | None
) -> Iterator[tuple[list[str], int]]:
    """Yield (lines without their ends, number of the first, from 1) of the body."""
    if head is not None:
        yield lines_of(head)[first:], first + 1
        return
    number = 1
    with path.open(encoding=encoding, errors="replace", newline=None) as file:
        while text := file.read(CHUNK_BYTES):
            text += file.readline()
            some = text.removesuffix("\n").split("\n")
            skipped = max(0, first + 1 - number)
            if skipped < len(some):
                yield some[skipped:], number + skipped
            number += len(some)


def ends_a_line(path: Path) -> bool:
    """Return whether the last line of a file has its end."""
    with path.open("rb") as file:
        file.seek(-4, 2)
        return any(mark in file.read() for mark in (b"\n", b"\r"))
