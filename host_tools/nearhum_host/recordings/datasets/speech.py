"""Recordings of spoken words.

Enters: a folder of .wav files. Leaves: int16 samples by word, of the digits by speaker too.
"""

from pathlib import Path

import numpy as np

from ...errors import HostError
from ..sound import read_wav
from .folders import files_of

DIGIT_RATE_HZ, WAKEWORD_RATE_HZ = 8000, 16000
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
Words = dict[str, list[np.ndarray]]  # word -> its takes, int16 (n,)


def fsdd(root: Path) -> dict[str, Words]:
    """Return the spoken digits below root by speaker: 8 kHz, files named
    digit_speaker_take.wav, by take.
    """
    out: dict[str, Words] = {}
    for path in files_of(root, "**/*.wav"):
        digit, speaker, _ = path.stem.split("_")
        out.setdefault(speaker, {}).setdefault(DIGITS[int(digit)], []).append(
            _mono(path, DIGIT_RATE_HZ)
        )
    return out


def wakeword(root: Path) -> Words:
    """Return the clips of wake words below root, 16 kHz, a folder a word; every clip is another
    speaker's.
    """
    out: Words = {}
    for path in files_of(root, "*/*.wav"):
        out.setdefault(path.parent.name, []).append(_mono(path, WAKEWORD_RATE_HZ))
    return out


def _mono(path: Path, rate_hz: int) -> np.ndarray:
    """Return the samples, int16 (n,), of a recording of one channel.

    Raises HostError for any other.
    """
    sound = read_wav(path)
    samples = sound.samples
    if sound.rate_hz != rate_hz or samples.shape[1] != 1:
        raise HostError(
            f"{path} has {samples.shape[1]} channels at {sound.rate_hz:g} Hz",
            f"one at {rate_hz} Hz is expected: take the files as they are published",
        )
    return samples[:, 0].astype(np.int16)
