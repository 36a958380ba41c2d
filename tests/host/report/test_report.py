"""Test the report: one file that needs nothing else, stays small, and shows the log's alarms."""

import json
import math
import re
import struct
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from nearhum import wire
from nearhum_host.errors import HostError
from nearhum_host.logs import decoding, log_file, traces
from nearhum_host.report import page, svg

MAX_BYTES = 300_000
EVIL = "<script>alert(1)</script>"
VOID = {"meta", "link", "img"}


class Page(HTMLParser):
    """Counts what a drawn holds and checks that its tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())

    def classes(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.tags if name in (attrs.get("class") or "").split()]


def journal(
    n=3000, n_learn=1000, alarms=((1500, 1600), (2500, 2510)), threshold=3.0, label="hum"
) -> bytes:
    """Return a log of n windows: noise of half an octave, in the alarms five octaves above."""
    score = np.random.default_rng(1).normal(0, 0.5, n)
    for first, last in alarms:
        score[first:last] += 5
    q8 = np.round(score * wire.OCTAVE_Q8).astype(int)
    q8[: n_learn // 4] = wire.NO_SCORE
    out = bytearray()
    count = 0

    def put(kind: int, payload: bytes) -> None:
        nonlocal count
        out.extend(wire.pack_record(kind, count, 10 * count, payload))
        count += 1

    def event(**what: object) -> None:
        put(wire.EVENT, json.dumps(what).encode())

    def windows(first: int, last: int, state: int, limit: int) -> None:
        for at in range(first, last, 64):
            some = q8[at : min(at + 64, last)]
            head = struct.pack("<IhBB", at, limit, state, len(some))
            put(wire.SCORES, head + struct.pack(f"<{len(some)}h", *some))

    config = {
        "board": "rpi_pico",
        "kind": "vibration",
        "path": "fixed",
        "rate_hz": 1000,
        "n_hop": 500,
    }
    put(
        wire.BOOT,
        json.dumps({"version": "0.1.0", "boot": 1, "config": {**config, "head": label}}).encode(),
    )
    event(event="state", state="learn", window=0)
    windows(0, n_learn, wire.LEARN, traces.NO_THRESHOLD)
    limit = round(threshold * wire.OCTAVE_Q8)
    event(event="learned", window=n_learn, n=n_learn, threshold=limit)
    at = n_learn
    for first, last in alarms:
        windows(at, first, wire.WATCH, limit)
        event(event="alarm", window=first, score=int(q8[first]), threshold=limit)
        windows(first, last, wire.WATCH, limit)
        event(event="alarm_end", window=last)
        at = last
    # The record that begins a new segment on flash: no restart.
    put(
        wire.BOOT,
        json.dumps({"version": "0.1.0", "boot": 1, "config": {**config, "head": label}}).encode(),
    )
    windows(at, n, wire.WATCH, limit)
    event(event="enrolled", label=label, id=1, count=1, window=n)
    return bytes(out)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "pump.nhl"
    path.write_bytes(journal())
    return path


def test_the_trace_has_the_alarms_and_the_states_of_the_log(log):
    t = traces.trace(log_file.read_log(log))
    assert svg.runs(t.alarm) == [(1500, 1599), (2500, 2509)]
    assert svg.runs(t.learning) == [(0, 999)]
    assert t.boots == [0]
    assert t.window_s == 0.5
    assert np.isnan(t.scores[:250]).all()
    assert not np.isnan(t.scores[250:]).any()
    assert np.isnan(t.thresholds[:1000]).all()
    assert set(t.thresholds[1000:]) == {3.0}


def test_a_log_becomes_one_page_that_needs_nothing_else(log):
    text = page.report(log)
    assert len(text.encode()) < MAX_BYTES
    drawn = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in drawn.tags}
    for _, attrs in drawn.tags:
        assert not {"src", "href", "xlink:href", "srcset"} & attrs.keys()
    assert not re.search(r"https?:|url\(|@import|//", text)
    # in the chart for a screen, and in that for a telephone
    assert len(drawn.classes("alarm-mark")) == 4
    assert len(drawn.classes("learning")) == 3  # in the charts, and in their legend
    assert len(drawn.classes("boot")) == 0
    words = " ".join(drawn.words)
    assert "rpi_pico" in words
    assert "3000 windows" in words
    assert "25 min listened" in words
    assert drawn.words.count("alarm end") == 2
    assert sum(word.startswith("version 0.1.0, boot 1") for word in drawn.words) == 1


def test_alarms_are_drawn_where_they_are(log):
    drawn = Page(page.report(log))
    marks = drawn.classes("alarm-mark")[:2]
    left, inner = 52, 960 - 52 - 12
    for mark, (first, last) in zip(marks, ((1500, 1600), (2500, 2510)), strict=True):
        assert float(mark["x"] or 0) == pytest.approx(left + inner * first / 3000, abs=0.2)
        assert float(mark["width"] or 0) == pytest.approx(inner * (last - first) / 3000, abs=0.2)


def test_labels_give_figures_and_a_roc(log, tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("first,last,label\n1000,1499,normal\n1500,1599,fault\n1600,2999,normal\n")
    text = page.report(log, labels)
    drawn = Page(text)
    assert drawn.classes("chance")
    words = " ".join(drawn.words)
    # 10 of the 1900 normal windows are in the second alarm.
    assert "false alarms 0.5 %" in words
    assert "missed alarms 0.0 %" in words
    assert f"F1 {100 * 200 / 210:.1f} %" in words
    assert len(text.encode()) < MAX_BYTES


@pytest.mark.parametrize("line", ["5,x,normal", "5,4,normal", "-1,4,normal", "1,2,", "1"])
def test_a_labels_file_that_makes_no_sense_is_named_with_its_line(log, tmp_path, line):
    labels = tmp_path / "labels.csv"
    labels.write_text(f"first,last,label\n0,1,normal\n{line}\n")
    with pytest.raises(HostError, match=r"labels\.csv line 3"):
        page.report(log, labels)


def test_what_a_board_says_is_text_and_never_markup(tmp_path):
    path = tmp_path / "a.nhl"
    path.write_bytes(journal(label=EVIL))
    text = page.report(path)
    assert EVIL not in text
    assert EVIL in " ".join(Page(text).words)


def test_a_year_of_windows_and_a_thousand_alarms_stay_small(tmp_path):
    path = tmp_path / "a.nhl"
    path.write_bytes(
        journal(400_000, 1000, tuple((1000 + 390 * i, 1010 + 390 * i) for i in range(1000)))
    )
    text = page.report(path)
    assert len(text.encode()) < MAX_BYTES
    assert "earlier ones are in the log" in text


def test_a_log_with_nothing_scored_says_so(tmp_path):
    path = tmp_path / "a.nhl"
    path.write_bytes(journal()[: wire.RECORD_HEADER_BYTES + 200])
    with pytest.raises(HostError) as caught:
        page.report(path)
    assert caught.value.hint
    path.write_bytes(wire.pack_record(wire.BOOT, 0, 0, b'{"version": "0.1.0"}'))
    with pytest.raises(HostError, match="no scored window"):
        page.report(path)


def test_a_damaged_log_is_drawn_and_its_damage_named(log):
    blob = bytearray(log.read_bytes())
    blob[2000] ^= 1
    log.write_bytes(bytes(blob))
    notes = [w for w in Page(page.report(log)).words if w.endswith(("missing.", "damaged."))]
    assert len(notes) == 2


def test_an_alarm_ends_with_its_event_its_boot_or_watching():
    def alarm(*events: tuple[int, int, str]) -> list[tuple[int, int]]:
        placed = [(at, decoding.Event(0, 0, boot, name, {})) for at, boot, name in events]
        states = np.array([wire.WATCH] * 8 + [wire.LEARN], np.uint8)
        return svg.runs(traces.alarm_by_window(placed, states))

    assert alarm((3, 1, "alarm"), (5, 1, "alarm_end")) == [(3, 4)]
    assert alarm((3, 1, "alarm"), (5, 2, "boot"), (7, 2, "alarm_end")) == [(3, 4)]
    assert alarm((3, 1, "alarm"), (6, 1, "boot")) == [(3, 7)]


values = hnp.arrays(
    float, st.integers(1, 500), elements=st.floats(-100, 100, width=32) | st.just(float("nan"))
)


@given(values, st.integers(1, 80))
def test_an_envelope_loses_no_extreme(series, n_columns):
    columns = svg.envelope(series, n_columns)
    known = series[~np.isnan(series)]
    assert len(columns) <= n_columns
    if len(known):
        assert min(low for _, low, _ in columns) == known.min()
        assert max(high for _, _, high in columns) == known.max()
    else:
        assert columns == []


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_inside(low, span):
    found = svg.ticks(low, low + span)
    assert len(found) <= 12
    # a span may be shorter than the floats are apart
    slack = 1e-6 * span + 2 * math.ulp(abs(low) + span)
    assert all(low - slack <= tick <= low + span + slack for tick in found)


@given(st.floats(0.01, 1e9))
@settings(max_examples=50)
def test_time_ticks_are_few_and_begin_at_zero(seconds):
    found, unit = svg.time_ticks(seconds)
    assert found[0] == (0, "0")
    assert len(found) <= 40
    assert unit in ("s", "min", "h", "d")


@given(hnp.arrays(bool, st.integers(0, 60)))
def test_runs_cover_exactly_what_is_true(mask):
    again = np.zeros(len(mask), bool)
    for first, last in svg.runs(mask):
        again[first : last + 1] = True
    assert np.array_equal(again, mask)
