"""Read wav files as 16-bit counts: PCM of 8 to 32 bits, float, mu-law and A-law, in RIFF and RF64.

Enters: a path. Leaves: int16 (n, channels), or floats if they are not fractions of full scale. A
recorder that lost power leaves sizes of 0 or 0xffffffff, and odd chunks without their pad byte. The
sound in such a file is read, with a note. Python's module wave cannot read any of these.
Source: Microsoft's RIFF specification 1.0; EBU Tech 3306 (RF64); ITU-T G.711.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import HostError
from .counts import MOST_SAMPLES

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_NAMES = {2: "ADPCM", 0x11: "ADPCM", 0x31: "GSM", 0x50: "MPEG", 0x55: "MP3", 0xFF: "AAC"}
MAX_BYTES = 1 << 30
FULL_SCALE, AS_THEY_ARE, LOW_BITS, TOP_BITS = "shares", "as they are", "low bits", "top bits"
BLOCK = 1 << 20  # Frames converted at a time.


@dataclass
class Sound:
    """samples: int16 (n, channels), or float32 where they are no shares of full scale.

    level: AS_THEY_ARE, LOW_BITS, TOP_BITS (of 32), or FULL_SCALE.
    """

    samples: np.ndarray
    rate_hz: float
    notes: list[str] = field(default_factory=list)
    level: str = FULL_SCALE


@dataclass
class _Format:
    code: int
    n_channels: int
    rate_hz: int
    width: int  # Bytes of a sample.
    bits: int  # Used bits of a sample.


def read_wav(path: Path) -> Sound:
    """Return the sound of a wav file. Raises HostError if it is not one, or has another coding."""
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            raise HostError(f"{path} holds {n_bytes} bytes", f"split it: {MAX_BYTES} at most")
        raw = np.fromfile(path, np.uint8)
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}", "check the path") from None
    head = raw[:12].tobytes()
    if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        raise HostError(
            f"{path} is not a wav file: it begins with {head[:4]!r}", "convert it to 16-bit PCM"
        )
    notes: list[str] = []
    form, body = _chunks(path, raw, notes)
    frame = form.width * form.n_channels
    if len(body) % frame:
        body = body[: len(body) // frame * frame]
    if len(body) // form.width > MOST_SAMPLES:
        raise HostError(
            f"{path} holds {len(body) // form.width} samples", f"split it: {MOST_SAMPLES} at most"
        )
    octets = body.reshape(-1, form.n_channels, form.width)
    samples = _samples(path, octets, form, notes)
    level = FULL_SCALE
    if samples.dtype != np.int16:
        level = AS_THEY_ARE if samples.dtype.kind == "f" else LOW_BITS
    elif form.code == PCM and form.width == 4 and samples.any():
        level = TOP_BITS
    return Sound(samples, float(form.rate_hz), notes, level)


def _chunks(path: Path, raw: np.ndarray, notes: list[str]) -> tuple[_Format, np.ndarray]:
    """Return (format, bytes of the sound)."""
    at, end, form, long_bytes = 12, len(raw), None, 0
    while at + 8 <= end:
        name = raw[at : at + 4].tobytes()
        (size,) = struct.unpack("<I", raw[at + 4 : at + 8].tobytes())
        start = at + 8
        if name == b"ds64" and size >= 16:
            (long_bytes,) = struct.unpack("<Q", raw[start + 8 : start + 16].tobytes())
        elif name == b"fmt ":
            form = _format(path, raw[start : start + size].tobytes())
        elif name == b"data":
            if form is None:
                raise HostError(
                    f"{path} says no format before its sound", "convert it to 16-bit PCM"
                )
            return form, _sound(raw, start, size, long_bytes, form, notes)
        at = _next_chunk(raw, start, size)
    raise HostError(f"{path} is not a wav file: it holds no sound", "convert or copy it again")


def _next_chunk(raw: np.ndarray, start: int, size: int) -> int:
    """Return the position of the next chunk. Chunks should be padded to even sizes, but some
    files lack the padding.
    """
    at = start + size
    if size % 2 and not _is_name(raw, at + 1) and _is_name(raw, at):
        return at
    return at + size % 2


def _is_name(raw: np.ndarray, at: int) -> bool:
    name = raw[at : at + 4].tobytes()
    return len(name) == 4 and all(32 <= octet < 127 for octet in name) and name[:1] != b" "


def _sound(
    raw: np.ndarray, start: int, size: int, long_bytes: int, form: _Format, notes: list[str]
) -> np.ndarray:
    there = len(raw) - start
    if size == 0xFFFFFFFF and 0 < long_bytes <= there:
        return raw[start : start + long_bytes]
    if size == 0 and there and not _ends_in_chunks(raw, start):
        notes.append(f"its header says 0 bytes of sound, {there} are there: read to the end")
        return raw[start:]
    if (
        size == 0xFFFFFFFF or size >= 0x7FFFF000 > there
    ):  # The file was written into a pipe, so its size was unknown.
        return raw[start:]
    if size > there:
        notes.append(f"it is cut short: its header says {size} bytes of sound, {there} are there")
    return raw[start : start + size]


def _ends_in_chunks(raw: np.ndarray, at: int) -> bool:
    """Return whether the rest of the file consists of complete chunks with names."""
    while at + 8 <= len(raw):
        (size,) = struct.unpack("<I", raw[at + 4 : at + 8].tobytes())
        if not _is_name(raw, at):
            return False
        at += 8 + size + size % 2
    return at in (len(raw), len(raw) + 1)


def _format(path: Path, chunk: bytes) -> _Format:
    if len(chunk) < 16:
        raise HostError(f"{path} has a format of {len(chunk)} bytes", "convert it to 16-bit PCM")
    code, n_channels, rate_hz, _, frame, bits = struct.unpack("<HHIIHH", chunk[:16])
    valid = bits
    if code == EXTENSIBLE and len(chunk) >= 26:
        valid, _, code = struct.unpack("<HIH", chunk[18:26])
    width = frame // n_channels if n_channels else 0
    if code not in (PCM, FLOAT, ALAW, MULAW):
        name = _NAMES.get(code, f"format {code}")
        raise HostError(
            f"{path} is coded as {name}, which nearhum cannot read", "convert it to 16-bit PCM"
        )
    allowed = {PCM: (1, 2, 3, 4), FLOAT: (4, 8)}.get(code, (1,))
    if not n_channels or not rate_hz or width not in allowed:
        raise HostError(
            f"{path} has an impossible format: {n_channels} channels, {rate_hz} Hz, "
            f"{width} bytes a sample",
            "convert it to 16-bit PCM",
        )
    return _Format(code, n_channels, rate_hz, width, min(valid or bits, 8 * width) or 8 * width)


def _samples(path: Path, octets: np.ndarray, form: _Format, notes: list[str]) -> np.ndarray:
    if form.code == FLOAT:
        return _of_floats(path, octets, form, notes)
    if form.code in (ALAW, MULAW):
        table = _mulaw() if form.code == MULAW else _alaw()
        return table[octets[:, :, 0]]
    if form.width == 1:  # 8-bit samples are unsigned, with 128 as zero.
        return (octets[:, :, 0].astype(np.int16) - 128) << 8
    if form.width == 4 and (low := _low_bits(octets, notes)) is not None:
        return low
    return np.ascontiguousarray(octets[:, :, -2:]).view("<i2")[:, :, 0].astype(np.int16)


def _low_bits(octets: np.ndarray, notes: list[str]) -> np.ndarray | None:
    """Return the int32 samples of a 24-bit microphone that lie in the low bits of 32, None where
    they do not.

    Their top 16 bits are silence. They are whole numbers as they are: a file shifted by its own
    loudness could not be compared with the next.
    """
    if not len(octets):
        return None
    top = np.ascontiguousarray(octets[:, :, 2:]).view("<i2")[:, :, 0]
    if int(top.max()) >= 128 or int(top.min()) < -128 or not octets[:, :, 0].any():
        return None
    notes.append("its samples lie in the lower 24 of 32 bits: taken as whole numbers as they are")
    return np.ascontiguousarray(octets).view("<i4")[:, :, 0].astype(np.int32)


def _of_floats(path: Path, octets: np.ndarray, form: _Format, notes: list[str]) -> np.ndarray:
    kind = "<f4" if form.width == 4 else "<f8"
    samples = np.ascontiguousarray(octets).view(kind)[:, :, 0]
    bad = ~np.isfinite(samples)
    if bad.any():
        frame, channel = np.argwhere(bad)[0]
        raise HostError(
            f"{path}: frame {frame}, channel {channel} is {samples[frame, channel]}, "
            "not a finite number",
            "export it again",
        )
    top = float(np.abs(samples).max()) if samples.size else 0.0
    if top > 2.0:
        notes.append(f"its samples reach {top:.4g}: taken as they are, not as shares of full scale")
        return samples.astype(np.float32)
    if top > 1.0:
        n = int(np.count_nonzero(np.abs(samples) > 1.0))
        notes.append(f"its samples reach {top:.4g} of full scale: {n} beyond it were clipped")
    out = np.empty(samples.shape, np.int16)
    for at in range(0, len(samples), BLOCK):
        part = samples[at : at + BLOCK].astype(np.float64) * 32768
        out[at : at + BLOCK] = np.clip(np.rint(part), -32768, 32767)
    return out


def _mulaw() -> np.ndarray:
    """Return the int16 of each mu-law octet: 14 bits, scaled to 16. Source: G.711, table 2a."""
    octet = ~np.arange(256, dtype=np.int32) & 0xFF
    size = (((octet & 0x0F) << 3) + 132 << ((octet & 0x70) >> 4)) - 132
    return np.where(octet & 0x80, -size, size).astype(np.int16)


def _alaw() -> np.ndarray:
    """Return the int16 of each A-law octet: 13 bits, scaled to 16. Source: G.711, table 1a."""
    octet = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (octet & 0x70) >> 4
    size = ((octet & 0x0F) << 4) + 8
    size = np.where(segment > 0, (size + 0x100) << np.maximum(segment - 1, 0), size)
    return np.where(octet & 0x80, size, -size).astype(np.int16)
