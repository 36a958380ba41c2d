"""Record raw samples of a board over the console, while its detector keeps running.

Enters: a link. Leaves: a recording with one segment for each stretch without a gap, and the number
of missed frames.

The board has no buffer for this. `raw FROM` returns the newest samples of its window. So:

1. Each request repeats the last frames that were received. If they differ, samples were lost.
2. Frames that are no longer in the window when they are requested are counted as missed.
3. A segment also ends where the board's log says that its sensor lost samples.
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
OVERLAP = 16  # Frames that are requested twice.
SILENT_S = 3.0  # Without a new frame for so long, the board is asked why.
SILENT_TIMES = 20  # After so many times the recording ends.
# Most records of the log that are searched for lost samples. A day has some thousand.
MAX_CUT_RECORDS = 100_000
_LABEL = re.compile(r"[^\s/\\:.][^\s/\\:]{0,31}")


@dataclass
class Captured:
    """The result of a capture.

    missed: frames lost before they could be fetched. ended: whether the source ended. starts_ns:
    start of each segment, ns since 1970, by this machine's clock. settings: of the board.
    """

    recording: Recording
    missed: int = 0
    ended: bool = False
    starts_ns: list[int] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


class _Stretches:
    """The received frames, in stretches without a gap.

    parts: for each stretch its blocks of frames. first: number of its first frame. end: number of
    the next frame.
    """

    def __init__(self) -> None:
        self.parts: list[list[np.ndarray]] = []
        self.first: list[int] = []
        self.end = 0
        self.n_frames = self.missed = 0

    def begin(self, at: int) -> None:
        if at > self.end and self.parts:
            self.missed += at - self.end
        self.parts.append([])
        self.first.append(at)
        self.end = at

    def last(self, n: int) -> np.ndarray:
        """Return up to n last frames of the present stretch, (n, n_channels)."""
        parts = [part for part in self.parts[-1][-n:] if len(part)]
        return np.concatenate(parts)[-n:] if parts else np.empty((0, 0), np.int16)

    def add(self, at: int, frames: np.ndarray) -> int | None:
        """Add frames. at: number of the first one.

        Returns the number of new frames, or None if they do not continue the stretch.
        """
        known = self.last(OVERLAP)
        # k of them were received before. An answer ends with a window, so k may be less than n.
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
        """Return [(number of the first frame, frames)], also cut before the frames in cuts."""
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
    """Record what the board's sensor delivers from now on, for so many seconds.

    on_progress: called with the number of frames received and wanted. Raises DeviceError if the
    board cannot do it or does not answer.
    """
    settings = link.ask("get")["settings"]
    rate_hz, hop = float(settings["rate_hz"]), int(settings["n_hop"])
    # The frames that stay in the window after the next hop.
    behind = settings["n_window"] - hop or settings["n_window"]
    status = link.ask("status")
    n_wanted = max(1, round(seconds * rate_hz))
    heard, seq = _Stretches(), int(status["seq"])
    apart = hop == settings["n_window"]  # Windows do not overlap.

    def unheard(line: str) -> tuple[int, np.ndarray]:
        # Frames with no earlier ones to compare with. If windows do not overlap, a window that
        # starts after a gap overwrites the previous one, and the rest of that one looks like the
        # new one's end. Such frames are dropped.
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
        raise DeviceError(f"the board's answer to {line!r} is invalid", "check the cable") from None


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
    """Write a recording into a data set as FOLDER/LABEL/DATE.nhr. Return the files.

    form: one of FORMATS. nhr and npz are one file, other forms have one file for each segment.
    units: names, units and scale of the channels, as for writers.Samples. Without them, and in nhr,
    npz and wav, counts are written. Raises UsageError for a wrong form or label, HostError if a
    file cannot be written.
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
    """Raise UsageError unless a label can be the name of a folder."""
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"{label!r} is not a label",
            hint="use 1 to 32 characters without space, slash or colon, and no dot first",
        )


def seconds_of(text: str) -> float:
    """Return the seconds of a length such as 30s, 10m, 1h. Raises UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text)
    if not found or not 0 < float(found[1]) * {"m": 60, "h": 3600}.get(found[2] or "s", 1) <= 86400:
        raise UsageError(
            f"{text!r} is not a length", hint="for example 30s, 10m or 1h; at most a day"
        )
    return float(found[1]) * {"m": 60, "h": 3600}.get(found[2] or "s", 1)
