"""Boot a combined image on an emulated RP2040, as a user drags it onto a board.

`python tests/emulated_image.py`. NEARHUM_UF2, or --uf2, names a MicroPython firmware for the
RP2040. The image is made from it, from the application, and from a recording that replaces the
sensor. The chip gets nothing else. It must start by itself, learn, watch, and answer on its
console. This takes minutes, because the emulated chip is about fifty times slower than a real one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import serial
from nearhum_host.boards import application, board_files
from nearhum_host.flashing import image
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.virtual import emulated

N_WINDOW, RATE_HZ, N_CHANNELS = 64, 50, 3
N_LEARNED, N_WATCHED = 12, 6
TIMEOUT_S = 1500


def board() -> board_files.Board:
    """Return a Pico whose sensor is a recording in its own flash, played as fast as it computes."""
    return dataclasses.replace(
        board_files.load(emulated.BOARD),
        kind="motion",
        rate_hz=RATE_HZ,
        n_channels=N_CHANNELS,
        source={"driver": "replay", "path": "/replay.nhr", "speed": 0},
        settings={"n_window": N_WINDOW, "n_hop": N_WINDOW, "learn_windows": N_LEARNED},
    )


def recording(path: Path) -> bytes:
    """Return a recording: a movement that is learned, the same again, then a stronger one."""
    draw = np.random.default_rng(5)
    t = np.arange(N_WINDOW * (N_LEARNED + N_WATCHED))[:, None] / RATE_HZ
    frames = np.sin(2 * np.pi * 2 * t + np.arange(N_CHANNELS)) * 3000 + draw.normal(
        0, 200, (len(t), N_CHANNELS)
    )
    frames[-3 * N_WINDOW :] *= 4
    session = Recording(RATE_HZ, N_CHANNELS)
    session.add(frames.astype(np.int16), f"learn {N_LEARNED}")
    write_nhr(session, path)
    return path.read_bytes()


def boots(firmware: Path, on_line: Any = print) -> dict[str, Any]:
    """Return the board's `status` when the recording has ended.

    Raises AssertionError.
    """
    there = board()
    with tempfile.TemporaryDirectory(prefix="nearhum-") as folder:
        files = application.application(there) | {
            "/replay.nhr": recording(Path(folder) / "replay.nhr")
        }
        combined = Path(folder) / "combined.uf2"
        made = image.build(there, firmware, files)
        combined.write_bytes(made.contents)
        on_line(
            f"{len(made.contents)} bytes of UF2, {made.n_files} files, firmware of"
            f" {made.firmware_bytes} bytes"
        )
        command = [
            sys.executable,
            "-m",
            "rp2040py",
            "micropython",
            "--image",
            str(combined),
            "--pty",
        ]
        with open(Path(folder) / "said.txt", "w+b") as said:
            chip = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            try:
                return _converse(chip, Path(folder) / "said.txt", on_line)
            finally:
                chip.kill()
                chip.wait()


def _converse(chip: subprocess.Popen[bytes], said: Path, on_line: Any) -> dict[str, Any]:
    end = time.monotonic() + TIMEOUT_S
    while not (port := re.search(r"listening on (/dev/\S+)", said.read_text())):
        assert chip.poll() is None, said.read_text()
        assert time.monotonic() < end, said.read_text()
        time.sleep(0.2)
    with serial.Serial(port.group(1), timeout=1) as line:
        started = False
        asked = 0.0
        while time.monotonic() < end:
            text = line.readline().decode(errors="replace").strip()
            if text:
                on_line(text)
            found = json.loads(text) if text.startswith('{"ok":') and text.endswith("}") else {}
            if found.get("verb") == "start":
                started = True
            if found.get("verb") == "status" and found["source"] == "end":
                return found
            if (
                started or time.monotonic() > end - TIMEOUT_S + 60
            ) and time.monotonic() > asked + 30:
                asked = time.monotonic()
                line.write(b"status\r\n")
    raise AssertionError(
        f"no end within {TIMEOUT_S} s; the emulator said {said.read_text()[-500:]}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--uf2",
        default=os.environ.get(emulated.UF2_NAME),
        type=Path,
        help="MicroPython for the RP2040",
    )
    given = parser.parse_args()
    if given.uf2 is None:
        parser.error(f"needs a firmware image: --uf2 FILE, or {emulated.UF2_NAME}")
    began = time.monotonic()
    status = boots(given.uf2)
    print(
        f"{status['state']}, {status['n_windows']} windows, in {time.monotonic() - began:.0f} s of"
        " this machine"
    )
    return 0 if status["state"] == "watch" else 1


if __name__ == "__main__":
    sys.exit(main())
