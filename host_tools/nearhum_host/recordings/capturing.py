"""Capturing: raw samples of a board, over the console, while its detector goes on.

Enters: a link. Leaves: a recording, a segment for each stretch without a gap, and how many frames
were missed. The board keeps nothing for it: `raw FROM` gives the newest samples of its window that
are still there. So

1. the last frames heard are asked for once more, and must be the same: else samples were lost in
   between;
2. frames whose numbers are gone when they are asked for were missed, and counted;
3. the board's own log says where its sensor lost samples: there a segment ends, too.
"""

from __future__ import annotations

import re
import time
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nearhum import wire

from ..errors import DeviceError, HostError, UsageError
from ..logs.pulling import fetch
from ..serial_line.link import Link
from . import writers
from .nhr import Recording, write_nhr

FORMATS = ("nhr", "npz", *writers.FORMS)
OVERLAP = 16  # frames asked for twice
SILENT_S = 3.0  # without a new frame; then the board is asked why
SILENT_TIMES = 20  # then the recording ends with what it has
MAX_CUT_RECORDS = 100_000  # of the log, since a recording began: a day of them has some thousand
_LABEL = re.compile(r"[^\s/\\:.][^\s/\\:]{0,31}")


@dataclass
class Captured:
    """recording: what was heard; missed: frames that were gone before they could be fetched;
    ended: the source did; starts_ns: when each segment began, since 1970, by this machine's clock;
    settings: those of the board.
    """

    recording: Recording
    missed: int = 0
    ended: bool = False
    starts_ns: list[int] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


class _Stretches:
    """Frames as they come, in stretches without a gap.

    first: number of each stretch's first frame.
    """

    def __init__(self) -> None:
        self.parts: list[list[np.ndarray]] = []
        self.first: list[int] = []
        self.end = 0  # number of the next frame
        self.n_frames = self.missed = 0

    def begin(self, at: int) -> None:
        if at > self.end and self.parts:
            self.missed += at - self.end
        self.parts.append([])
        self.first.append(at)
        self.end = at

    def last(self, n: int) -> np.ndarray:
        """Return the last n frames of this stretch, or as many as there are; (n, n_channels)."""
        parts = [part for part in self.parts[-1][-n:] if len(part)]
        return np.concatenate(parts)[-n:] if parts else np.empty((0, 0), np.int16)

    def add(self, at: int, frames: np.ndarray) -> int | None:
        """Take frames, numbered from at on; returns how many of them are new, None where they
        do not follow.
        """
        known = self.last(OVERLAP)
        # of them were heard before; an answer ends where a window does, so there may be fewer
        n = self.end - at
        k = min(n, len(frames))
        if not 0 <= n <= len(known) or n and not k:
            return None
        if k and not np.array_equal(frames[:k], known[len(known) - n :][:k]):
            return None
        fresh = frames[n:]
        self.parts[-1].append(fresh)
        self.end += len(fresh)
        self.n_frames += len(fresh)
        return len(fresh)

    def segments(self, cuts: set[int]) -> list[tuple[int, np.ndarray]]:
        """Return the stretches, each with the number of its first frame, cut once more before the
        frames of those numbers.
        """
        out = []
        for first, parts in zip(self.first, self.parts, strict=True):
            whole = np.concatenate(parts) if parts else np.empty((0, 0), np.int16)
            inside = sorted(cut - first for cut in cuts if first < cut < first + len(whole))
            edges = [first, *(first + cut for cut in inside)]
            parts = zip(edges, np.split(whole, inside), strict=True)
            out += [(at, part) for at, part in parts if len(part)]
        return out


def capture(
    link: Link, seconds: float, on_progress: Callable[[int, int], None] = lambda done, of: None
) -> Captured:
    """Return what the board's sensor delivers from now on, for so long.

    on_progress: called with the frames heard, and to be heard. Raises DeviceError where the board
    cannot do it or does not answer.
    """
    settings = link.ask("get")["settings"]
    rate_hz, hop = float(settings["rate_hz"]), int(settings["n_hop"])
    # frames that are there for longer than they are new
    behind = settings["n_window"] - hop or settings["n_window"]
    status = link.ask("status")
    n_wanted = max(1, round(seconds * rate_hz))
    heard, seq = _Stretches(), int(status["seq"])
    apart = hop == settings["n_window"]  # windows do not overlap

    def unheard(line: str) -> tuple[int, np.ndarray]:
        # frames with none before them to be compared with. A window that a gap has begun anew lies
        # over the one before it, where they do not overlap, and what is left of both looks like
        # that one's end: it is let go
        at, frames = _ask(link, line, settings["n_channels"])
        if len(frames) and apart and any(at < cut <= at + hop for cut in _cuts(link, seq, hop)):
            return at + len(frames), frames[:0]
        return at, frames

    heard.begin(_ask(link, "raw", settings["n_channels"])[0])
    began_ns = time.time_ns()
    ended, n_silent, silent_since = False, 0, time.monotonic()
    while heard.n_frames < n_wanted:
        again = len(heard.last(OVERLAP))
        line = f"raw {heard.end - again}"
        at, frames = _ask(link, line, settings["n_channels"]) if again else unheard(line)
        n_new = heard.add(at, frames)
        if n_new == 0 and again and apart and (at + len(frames)) % hop == 0:
            # where a window ends so does an answer; what was heard of the next window is compared
            # too
            n_new = heard.add(*_ask(link, f"raw {at + len(frames)}", settings["n_channels"]))
        if n_new is None:
            # begin with the present window: beside it may lie what is older than a gap
            now = _ask(link, "raw", settings["n_channels"])[0]
            oldest = now - now % hop if apart else 0
            at, frames = unheard(f"raw {oldest}")
            n_new = heard.add(at, frames) if at < heard.end else None
            if n_new is None:
                heard.begin(at)
                n_new = heard.add(at, frames)
        if n_new:
            n_silent, silent_since = 0, time.monotonic()
            on_progress(min(heard.n_frames, n_wanted), n_wanted)
        elif time.monotonic() - silent_since > SILENT_S + 2 * hop / rate_hz:
            now = link.ask("status")
            n_silent += 1
            # a board that is well and sends nothing is asked so often, and no more
            if now.get("source") != "ok" or n_silent > SILENT_TIMES:
                ended = True
                break
            silent_since = time.monotonic()
        time.sleep(min(0.2, behind / rate_hz / 8))
    recording = Recording(rate_hz, int(settings["n_channels"]))
    left = n_wanted
    starts = []
    for at, frames in heard.segments(_cuts(link, seq, hop)):
        recording.add(frames[:left])
        starts.append(began_ns + round((at - heard.first[0]) * 1e9 / rate_hz))
        left -= len(frames[:left])
        if not left:
            break
    if not recording.n_frames:
        raise DeviceError("not a sample came", hint="`nearhum status` says what the source does")
    return Captured(recording, heard.missed, ended, starts, settings)


def _ask(link: Link, line: str, n_channels: int) -> tuple[int, np.ndarray]:
    """Return (number of the first frame, frames, int16 (n, n_channels)) of an answer to `raw`."""
    answer: dict[str, Any] = link.ask(line)
    try:
        samples = np.frombuffer(a2b_base64(answer["b64"]), "<i2")
        frames = samples.reshape(n_channels, int(answer["n"])).T
        return int(answer["from"]), frames.astype(np.int16)
    except (Base64Error, KeyError, TypeError, ValueError):
        raise DeviceError(
            f"the board's answer to {line!r} makes no sense", "check the cable"
        ) from None


def _cuts(link: Link, seq: int, hop: int) -> set[int]:
    """Return the frames before which the board lost samples, by its log from record seq on."""
    cuts: set[int] = set()
    last = seq + MAX_CUT_RECORDS
    while True:
        records, _ = fetch(link, seq)
        if not records:
            return cuts
        if seq > last:
            raise DeviceError(
                f"the board's log has grown by {seq - last + MAX_CUT_RECORDS} records meanwhile",
                hint="no board logs so much: `nearhum doctor`",
            )
        for record in records:
            what = record.json() if record.kind == wire.EVENT else {}
            if what.get("event") in ("gap", "fault") and isinstance(what.get("window"), int):
                cuts.add(what["window"] * hop)
        seq = records[-1].seq + 1


def write(
    folder: Path,
    label: str,
    captured: Captured,
    form: str = "nhr",
    units: dict[str, Any] | None = None,
) -> list[Path]:
    """Write a recording as a data set has it, FOLDER/LABEL/DATE.nhr; returns the files.

    form: of FORMATS. nhr and npz have all in one file, others a file a segment. units: names, units
    and scale of the channels, as writers.Samples takes them; counts are written where there are
    none, and in nhr, npz and wav. Raises UsageError, HostError.
    """
    if form not in FORMATS:
        raise UsageError(f"no format {form!r}", hint="one of " + ", ".join(FORMATS))
    check_label(label)
    recording = captured.recording
    if form == "wav" and recording.rate_hz != round(recording.rate_hz):
        raise UsageError(f"a wav has no rate of {recording.rate_hz:g} Hz", hint="--as nhr keeps it")
    stem = time.strftime("%Y%m%d-%H%M%S")
    there, n = folder / label, 1
    while any(there.glob(f"{stem}{f'-{n}' if n > 1 else ''}[.-]*")):
        n += 1
    stem += f"-{n}" if n > 1 else ""
    try:
        there.mkdir(parents=True, exist_ok=True)
        if form in ("nhr", "npz"):
            file = there / f"{stem}.{form}"
            if form == "nhr":
                write_nhr(recording, file)
            else:
                named: dict[str, Any] = {
                    f"s{i:05d}": s.frames for i, s in enumerate(recording.segments)
                }
                np.savez(file, **named)
            return [file]
        files = []
        for i, segment in enumerate(recording.segments):
            files.append(there / f"{stem}.s{i:05d}{writers.FORMS[form]}")
            start_ns = captured.starts_ns[i] if captured.starts_ns else None
            samples = writers.Samples(
                segment.frames,
                recording.rate_hz,
                start_ns=start_ns,
                label=label,
                **(units or {}),
            )
            writers.write(files[-1], samples, form)
        return files
    except OSError as error:
        raise HostError(
            f"cannot write to {there}: {error.strerror}", "make room or choose another place"
        ) from None


def check_label(label: str) -> None:
    """Raise UsageError where a label is no name of a folder."""
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"{label!r} is not a label",
            hint="1 to 32 characters without space, slash, colon; no dot first",
        )


def seconds_of(text: str) -> float:
    """Return the seconds of a length such as 30s, 10m, 1h. Raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text)
    if not found or not 0 < float(found[1]) * {"m": 60, "h": 3600}.get(found[2] or "s", 1) <= 86400:
        raise UsageError(f"{text!r} is not a length", hint="30s, 10m, 1h; a day at most")
    return float(found[1]) * {"m": 60, "h": 3600}.get(found[2] or "s", 1)
