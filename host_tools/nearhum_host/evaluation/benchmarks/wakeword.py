"""wakeword: three wake words by many speakers. Five clips of each are enrolled, the others asked.

The words are tested against each other, and for false accepts in other speech. For the latter, the
spoken digits of fsdd, if they lie beside this set, are played to boards with the three words
enrolled, one speaker for each board. The digits have 8 kHz. So the wake words are brought down to 8
kHz too: at 16 kHz, the missing upper half of the spectrum would give the digits away. Such a board
has learned what is normal from digits of the other speakers, or (`untold`) nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...recordings.datasets import speech
from ...recordings.nhr import CONTINUES, Recording
from .. import metrics
from .base import SEED, Judgement, Run, Session, Span, WindowsIn, spans_of
from .fsdd import FRAMES, Figures
from .spoken import Asked, Heard, add, distances, guesses, heard, quiet_level, recognition, spread

SHOTS = 5
N_DRAWS = 10
N_SPEECH_DRAWS = 3
N_BACKGROUND = 10  # Digits of each other speaker that are learned.
SPEECH = "speech_"  # Names of sessions with other speech begin with it.
OTHER = ""  # The true word of other speech: none.


class Wakeword:
    """One session for each draw: enrol 5 clips of each word, ask the rest.

    At 8 kHz it also hears other speech. Figures as of spoken.recognition. found_in_speech: words
    that the board finds at that rate. Further: false accepts per hour of other speech, with their
    upper 95 % bound.
    """

    name = "wakeword"
    told = (
        "5 clips of each word, every clip from another speaker; half of the boards that hear other"
        " speech learned some before"
    )

    def sessions(self, root: Path, windows_in: WindowsIn) -> list[Session]:
        words = speech.wakeword(root)
        out = [_session(words, index) for index in range(N_DRAWS)]
        if (root.parent / "fsdd").is_dir():
            speakers = speech.fsdd(root.parent / "fsdd")
            halved = {word: [halve(clip) for clip in clips] for word, clips in words.items()}
            for index in range(N_SPEECH_DRAWS):
                for speaker in sorted(speakers):
                    for told in (True, False):
                        out.append(
                            _speech_session(
                                halved, speakers, speaker, index, windows_in if told else None
                            )
                        )
        return out

    def judge(self, runs: Sequence[tuple[Session, Run]]) -> Judgement:
        draw = np.random.default_rng(SEED)
        rows: dict[str, list[Figures]] = {}  # Firmware or guess -> figures of each draw.
        speech = {told: _Speech() for told in (True, False)}
        files: list[dict[str, object]] = []
        spans: dict[str, list[Span]] = {}
        for session, run in runs:
            answers = heard(run, session.recording)
            segments = run.windows_of(session.recording)
            some = [i for i, asked in enumerate(session.about) if asked.shots]
            words = sorted({asked.word for asked in session.about if asked.word})
            if SPEECH in session.name:  # Not at the start: the bootstrap puts a number before it.
                told = session.about[0].word == OTHER
                files.append(
                    {"file": session.name, **speech[told].take(session, run, some, answers)}
                )
                continue
            truth = [session.about[i].word for i in some]
            mine = {
                **recognition(truth, [answers[i] for i in some], words),
                **_by_word(truth, some, answers, words),
            }
            rows.setdefault("", []).append(mine)
            for who, figures in guesses(truth, words, draw).items():
                rows.setdefault(who, []).append(figures)
            files.append({"file": session.name, **mine})
            spans[session.name] = [
                span for i in some for span in spans_of(segments[i], session.about[i].word)
            ]
        firmware = spread(rows.pop("", [])) if "" in rows else {}
        trivial = {who: spread(draws) for who, draws in rows.items()}
        for told, name in ((True, ""), (False, "_untold")):
            firmware |= {
                f"{figure}{name}": value for figure, value in speech[told].figures().items()
            }
        return Judgement(firmware, trivial, files, spans)


@dataclass
class _Speech:
    """Counts over the boards that heard other speech.

    All draws hear the same speech, so the bound is computed from one draw.
    """

    accepts: int = 0
    hours: float = 0.0
    found: list[bool] = field(default_factory=list)

    def take(
        self, session: Session, run: Run, some: Sequence[int], answers: Sequence[Heard]
    ) -> dict[str, object]:
        segments = run.windows_of(session.recording)
        other = [i for i in some if session.about[i].word == OTHER]
        found = [
            answers[i].label == session.about[i].word
            for i in some
            if session.about[i].word != OTHER
        ]
        n = sum(
            int(np.count_nonzero(run.labels[segments[i].start : segments[i].stop] != ""))
            for i in other
        )
        hours = (
            sum(len(session.recording.segments[i].frames) for i in other)
            / speech.DIGIT_RATE_HZ
            / 3600
        )
        self.accepts, self.hours = self.accepts + n, self.hours + hours
        self.found += found
        return {
            "false_accepts_per_hour": n / hours,
            "hours": f"{hours:.3f}",
            "found_in_speech": float(np.mean(found)),
        }

    def figures(self) -> Figures:
        if not self.hours:
            return {}
        bound = upper_bound(self.accepts / N_SPEECH_DRAWS) * N_SPEECH_DRAWS
        return {
            "found_in_speech": float(np.mean(self.found)),
            "false_accepts_per_hour": self.accepts / self.hours,
            "false_accepts_per_hour_bound": bound / self.hours,
        }


def _by_word(
    truth: Sequence[str], some: Sequence[int], answers: Sequence[Heard], words: Sequence[str]
) -> dict[str, float | None]:
    """Return the equal error rate of each word against the others."""
    true = np.array(truth)
    found = distances([answers[i] for i in some], words)
    return {
        f"eer_{word}": metrics.eer(found[true == word, j], found[true != word, j])
        for j, word in enumerate(words)
    }


def upper_bound(n: float) -> float:
    """Return the upper 95 % bound of a Poisson mean after n events, from a chi-square quantile."""
    from scipy.stats import chi2

    return float(chi2.ppf(0.95, 2 * (n + 1)) / 2)


def halve(clip: np.ndarray) -> np.ndarray:
    """Return the clip, int16, at half of its rate: the lower half of its spectrum."""
    n = len(clip) // 2 * 2
    spectrum = np.fft.rfft(clip[:n].astype(float))[: n // 4 + 1]
    return np.clip(np.rint(np.fft.irfft(spectrum, n // 2) / 2), -32768, 32767).astype(np.int16)


def _drawn(words: speech.Words, index: int) -> tuple[speech.Words, np.random.Generator]:
    draw = np.random.default_rng([SEED, index])
    return {
        word: [clips[i] for i in draw.permutation(len(clips))]
        for word, clips in sorted(words.items())
    }, draw


def _enrol(
    recording: Recording, about: list[Asked], words: speech.Words, draw: np.random.Generator
) -> None:
    rate_hz = round(recording.rate_hz)
    for word, clips in words.items():
        for clip in clips[:SHOTS]:
            add(recording, clip, quiet_level([clip], rate_hz), draw, f"enrol {word} 1")
            about.append(Asked(word, 0))


def _session(words: speech.Words, index: int) -> Session:
    drawn, draw = _drawn(words, index)
    rate_hz = speech.WAKEWORD_RATE_HZ
    recording, about = Recording(rate_hz, 1), []
    _enrol(recording, about, drawn, draw)
    asked = [(word, clip) for word, clips in drawn.items() for clip in clips[SHOTS:]]
    for i in draw.permutation(len(asked)):
        word, clip = asked[i]
        add(recording, clip, quiet_level([clip], rate_hz), draw)
        about.append(Asked(word, SHOTS))
    return Session(f"draw{index + 1}", {"kind": "audio", "rate_hz": rate_hz}, recording, about)


def _speech_session(
    words: speech.Words,
    speakers: dict[str, speech.Words],
    speaker: str,
    index: int,
    windows_in: WindowsIn | None,
) -> Session:
    """Return a session with one speaker's digits.

    windows_in: if given, digits of the other speakers are learned first.
    """
    drawn, draw = _drawn(words, index)
    rate_hz = speech.DIGIT_RATE_HZ
    config = {"kind": "audio", "rate_hz": rate_hz, **FRAMES}
    recording, about = Recording(rate_hz, 1), []
    takes = {
        name: [take for some in digits.values() for take in some]
        for name, digits in sorted(speakers.items())
    }
    levels = {name: quiet_level(some, rate_hz) for name, some in takes.items()}
    if windows_in:
        before = Recording(rate_hz, 1)
        for name in sorted(takes.keys() - {speaker}):
            for i in draw.permutation(len(takes[name]))[:N_BACKGROUND]:
                add(before, takes[name][i], levels[name], draw)
        frames = np.concatenate([segment.frames for segment in before.segments])
        recording.add(frames, f"learn {windows_in(config, len(frames))}")
        about.append(Asked(OTHER, 0))
    _enrol(recording, about, drawn, draw)
    for word, clip in ((word, clip) for word, clips in drawn.items() for clip in clips[SHOTS:]):
        add(recording, clip, quiet_level([clip], rate_hz), draw)
        about.append(Asked(word, SHOTS))
    for n, i in enumerate(draw.permutation(len(takes[speaker]))):
        add(recording, takes[speaker][i], levels[speaker], draw, CONTINUES if n else "")
        about.append(Asked(OTHER, SHOTS))
    name = f"{SPEECH}{speaker}_draw{index + 1}{'' if windows_in else '_untold'}"
    return Session(name, config, recording, about)
