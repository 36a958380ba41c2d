"""fsdd: ten spoken digits, learned from k takes of a speaker, then asked of the same speaker.

The recording of a speaker has no gaps. The enrolled takes are drawn again for each draw, with a
fixed seed. The takes asked are those not enrolled for the largest k, so that all k are judged on
the same takes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...recordings.datasets import speech
from ...recordings.nhr import CONTINUES, Recording
from .base import SEED, Judgement, Run, Session, Span, WindowsIn, spans_of
from .spoken import Asked, add, guesses, heard, quiet_level, recognition, spread

SHOTS = (1, 3, 5)
N_DRAWS = 3
FRAMES = {"n_window": 256, "n_hop": 128}  # 32 ms every 16 ms, at 8 kHz.

Figures = dict[str, float | None]


class Fsdd:
    """One session for each speaker, draw and k: enrol k takes of each digit, ask the rest."""

    name = "fsdd"
    told = "k takes of each of ten digits, from the same speaker"

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        return sessions_of(speech.fsdd(root))

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        draw = np.random.default_rng(SEED)
        rows: dict[str, dict[str, Figures]] = {}  # Firmware or guess -> session -> figures.
        spans: dict[str, list[Span]] = {}
        for session, run in runs:
            name, _, k = session.name.rpartition("_")
            asked = [(i, about.word) for i, about in enumerate(session.about) if about.shots]
            answers = heard(run, session.recording)
            words = sorted({word for _, word in asked})
            truth = [word for _, word in asked]
            for who, figures in (
                ("", recognition(truth, [answers[i] for i, _ in asked], words)),
                *guesses(truth, words, draw).items(),
            ):
                row = rows.setdefault(who, {}).setdefault(name, {})
                row.update({f"{figure}_{k}": value for figure, value in figures.items()})
            segments = run.windows_of(session.recording)
            spans[session.name] = [
                span for i, word in asked for span in spans_of(segments[i], word)
            ]
        firmware = rows.pop("")
        trivial = {who: spread(list(some.values())) for who, some in rows.items()}
        return Judgement(spread(list(firmware.values())), trivial, _table(firmware), spans)


def sessions_of(speakers: dict[str, speech.Words], n_draws: int = N_DRAWS) -> list[Session]:
    """Return the sessions of some speakers, n_draws for each."""
    out = []
    for speaker, words in sorted(speakers.items()):
        level = quiet_level(
            [take for takes in words.values() for take in takes], speech.DIGIT_RATE_HZ
        )
        for index in range(n_draws):
            draw = np.random.default_rng([SEED, index, *speaker.encode()])
            drawn = {
                word: [takes[i] for i in draw.permutation(len(takes))]
                for word, takes in sorted(words.items())
            }
            out += [
                _session(f"{speaker}_draw{index + 1}_{k}", drawn, k, level, draw) for k in SHOTS
            ]
    return out


def _session(
    name: str, words: speech.Words, shots: int, level: float, draw: np.random.Generator
) -> Session:
    recording = Recording(speech.DIGIT_RATE_HZ, 1)
    enrolled = [(word, take) for word, takes in words.items() for take in takes[:shots]]
    asked = [(word, take) for word, takes in words.items() for take in takes[SHOTS[-1] :]]
    about = []
    for word, take in enrolled:
        add(recording, take, level, draw, f"{CONTINUES}enrol {word} 1")
        about.append(Asked(word, 0))
    for i in draw.permutation(len(asked)):
        add(recording, asked[i][1], level, draw, CONTINUES)
        about.append(Asked(asked[i][0], shots))
    return Session(
        name, {"kind": "audio", "rate_hz": speech.DIGIT_RATE_HZ, **FRAMES}, recording, about
    )


def _table(sessions: dict[str, Figures]) -> list[dict[str, object]]:
    speakers: dict[str, list[Figures]] = {}
    for name, row in sessions.items():
        speakers.setdefault(name.rpartition("_draw")[0], []).append(row)
    return [
        {"file": speaker, "draws": len(some), **spread(some)} for speaker, some in speakers.items()
    ]
