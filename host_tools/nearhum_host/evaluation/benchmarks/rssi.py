"""rssi: the signal strength of 300 packets for each radio link, under injected noise of five
levels.

A window is 25 packets. At the lowest noise, the first 8 windows are learned and the other 4 are
normal. The noisier levels are to be detected. A link that receives less than half of the packets to
learn from is left out. The board of one transmitter listens to its links one after the other, and
learns each of them anew.
"""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from ...recordings.datasets import radio
from ...recordings.nhr import CONTINUES, Recording
from . import base

N_WINDOW, N_LEARNED = 25, 8  # Packets of a window, windows learned.

# (receiver, noise in dBm). The learned and the normal segment have the lowest noise.
Asked = tuple[str, int]


class Rssi:
    """One session for each transmitter.

    far. tpr over all noise levels. tpr_least and auc at the lowest level above normal.
    """

    name = "rssi"
    told = (
        f"a learning period: {N_LEARNED} windows of {N_WINDOW} packets at the lowest noise, of each"
        " link"
    )

    def sessions(self, root: Path, windows_in: base.WindowsIn) -> list[base.Session]:
        config = {
            "kind": "radio",
            "rate_hz": radio.LINK_RATE_HZ,
            "n_channels": 1,
            "n_subcarriers": 0,
            "n_window": N_WINDOW,
            "n_hop": N_WINDOW,
        }
        n = N_LEARNED * N_WINDOW
        out = []
        for transmitter, links in groupby(radio.rssi(root), lambda link: link.transmitter):
            recording = Recording(radio.LINK_RATE_HZ, 1)
            about: list[Asked] = []
            for link in links:
                least, *others = sorted(link.by_noise)
                if link.heard[least][:n].mean() < 0.5:
                    continue
                recording.add(link.by_noise[least][:n], f"learn {N_LEARNED}")
                recording.add(link.by_noise[least][n:], CONTINUES + base.WATCH)
                about += [(link.receiver, least)] * 2
                for noise in others:
                    recording.add(link.by_noise[noise])
                    about.append((link.receiver, noise))
            if about:
                out.append(base.Session(transmitter, config, recording, about))
        return out

    def judge(self, runs: Sequence[tuple[base.Session, base.Run]]) -> base.Judgement:
        levels: list[tuple[str, str, int, base.Rows]] = []
        spans = {}
        for session, run in runs:
            spans[session.name] = []
            before = None
            segments = zip(
                session.about,
                session.recording.segments,
                run.windows_of(session.recording),
                strict=True,
            )
            for (receiver, noise), segment, windows in segments:
                if segment.cue.startswith("learn"):
                    before = noise
                    continue
                anomalous = noise != before
                some = slice(windows.start, windows.stop)
                truth = np.full(len(windows), anomalous)
                levels.append(
                    (
                        session.name,
                        receiver,
                        noise,
                        base.Rows(truth, run.alarm[some], run.scores[some].astype(float)),
                    )
                )
                spans[session.name] += base.spans_of(
                    windows, base.LABEL_ANOMALY if anomalous else base.LABEL_NORMAL
                )
        trivial = {}
        for name, some in base.trivial_rows([rows for *_, rows in levels]).items():
            trivial[name] = _figures(
                [(*level[:3], rows) for level, rows in zip(levels, some, strict=True)]
            )
        return base.Judgement(_figures(levels), trivial, _table(levels), spans)


def _figures(levels: Sequence[tuple[str, str, int, base.Rows]]) -> dict[str, float | None]:
    counts = base.confusion([rows for *_, rows in levels])
    normal = {(t, r): rows for t, r, _, rows in levels if not rows.anomalous.any()}
    noises = sorted({noise for _, _, noise, rows in levels if rows.anomalous.any()})
    least = [(t, r, rows) for t, r, noise, rows in levels if noises and noise == noises[0]]
    return {
        "tpr_least": base.confusion([rows for _, _, rows in least]).tpr,
        "tpr": counts.tpr,
        "far": counts.far,
        "auc_least": base.mean_auc([base.joined([normal[t, r], rows]) for t, r, rows in least]),
    }


def _table(levels: Sequence[tuple[str, str, int, base.Rows]]) -> list[dict[str, object]]:
    """Return one row for each noise level, then one for each transmitter."""
    table: list[dict[str, object]] = []
    for noise in sorted({level[2] for level in levels}):
        counts = base.confusion([rows for *_, n, rows in levels if n == noise])
        table.append(
            {
                "file": f"{noise} dBm",
                "links": sum(n == noise for _, _, n, _ in levels),
                "tpr": counts.tpr,
                "far": counts.far,
            }
        )
    for name in sorted({level[0] for level in levels}):
        own = [level for level in levels if level[0] == name]
        table.append({"file": name, "links": len({r for _, r, _, _ in own}), **_figures(own)})
    return table
