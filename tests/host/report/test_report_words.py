"""What the report says in words is what the log says in numbers: verdict, features, history,
health, the sidecar.
"""

import json
import random
import struct
from base64 import b64encode
from pathlib import Path

import pytest
from nearhum import wire
from nearhum_host.alerts import event
from nearhum_host.errors import HostError
from nearhum_host.logs import chronicle, following, log_file, seen
from nearhum_host.logs.traces import trace
from nearhum_host.report import log_page, profile, sensor_health, svg, verdict, wording

CONFIG = {
    "board": "rpi_pico", "kind": "vibration", "path": "fixed", "rate_hz": 10, "n_hop": 10,
    "n_channels": 2, "alarms_per_day": 1,
}  # fmt: skip


class Story:
    """Writes a journal record by record, as the board does."""

    def __init__(self) -> None:
        self.raw = bytearray()
        self.seq = self.window = 0

    def put(self, kind: int, payload: bytes) -> "Story":
        self.raw += wire.pack_record(kind, self.seq, 1000 * self.window, payload)
        self.seq += 1
        return self

    def boot(self, number: int = 1) -> "Story":
        self.window = 0
        return self.put(
            wire.BOOT, json.dumps({"version": "0.1.0", "boot": number, "config": CONFIG}).encode()
        )

    def event(self, name: str, **what: object) -> "Story":
        return self.put(
            wire.EVENT, json.dumps({"event": name, "window": self.window, **what}).encode()
        )

    def windows(self, n: int, state: int, octaves: float, threshold: float = 3.0) -> "Story":
        end = self.window + n
        while self.window < end:
            some = [round(octaves * 256)] * min(64, end - self.window)
            head = struct.pack("<IhBB", self.window, round(threshold * 256), state, len(some))
            self.window += len(some)
            self.put(wire.SCORES, head + struct.pack(f"<{len(some)}h", *some))
        return self

    def alarm(self, n: int, octaves: float = 5.0, **what: object) -> "Story":
        self.event("alarm", score=1, threshold=2, **what)
        return self.windows(n, wire.WATCH, octaves)

    def log(self) -> log_file.Log:
        return log_file.parse(bytes(self.raw))

    def verdict(self) -> verdict.Verdict:
        t = trace(self.log())
        return verdict.verdict(t, verdict.alarms(t))


def watched(n: int = 3600) -> Story:
    return Story().boot().windows(100, wire.LEARN, 0).windows(n, wire.WATCH, 0)


STRANGEST = [["c1.120-250Hz", 61], ["c1.250-500Hz", 32], ["c0.rms", 4]]


def test_the_verdict_says_what_a_person_wants_to_know_first():
    assert watched().verdict().headline == "Normal, all the time"
    found = watched().alarm(60, strangest=STRANGEST).verdict()
    assert (found.tone, found.headline) == ("bad", "Strange right now")
    assert "above all 120–250 Hz and 250–500 Hz on channel 1" in found.sentences[0]
    found = (
        watched()
        .alarm(60, strangest=STRANGEST)
        .event("alarm_end")
        .windows(120, wire.WATCH, 0)
        .verdict()
    )
    assert (found.tone, found.headline) == ("was", "Normal now, after 1 alarm")
    assert "ended 2 min before the end" in found.sentences[0]
    assert Story().boot().windows(9, wire.LEARN, 0).verdict().tone == "busy"
    assert (
        "9 s of this period so far"
        in Story().boot().windows(9, wire.LEARN, 0).verdict().sentences[0]
    )
    assert (
        Story().boot().windows(9, wire.IDLE, 0).verdict().headline
        == "It has not learned yet what is normal"
    )
    assert (
        watched().windows(9, wire.IDLE, 0).verdict().headline == "It has forgotten what is normal"
    )


def test_it_tells_many_alarms_from_those_that_false_ones_explain():
    few, many = watched(200_000), watched(200_000)
    few.alarm(9).event("alarm_end").windows(60, wire.WATCH, 0)
    for _ in range(20):
        many.alarm(9).event("alarm_end").windows(60, wire.WATCH, 0)
    assert "about 2.3 of them could be false" in " ".join(few.verdict().sentences)
    assert "most of them are probably real" in " ".join(many.verdict().sentences)


def test_a_doubted_threshold_is_said_beside_the_verdict():
    warning = "1 independent scores set the threshold, which may be off by a factor of 8: learn 9"
    story = Story().boot().windows(100, wire.LEARN, 0).event("learned", n=100, warning=warning)
    story.windows(600, wire.WATCH, 0)
    assert "uncertain: 1 independent score set the threshold" in story.verdict().sentences[-1]
    said = " ".join(story.alarm(60, strangest=STRANGEST).verdict().sentences)
    assert "off by a factor of 8: learn 9." in said
    assert "probably" not in said
    story.event("learned", n=900)
    assert "this one is probably real" in " ".join(story.verdict().sentences)


def test_channels_have_the_names_of_their_columns():
    t = trace(watched().alarm(60, strangest=STRANGEST).log())
    t.channels = ["Druck [bar]", "Temperatur [°C]"]
    found = verdict.verdict(t, verdict.alarms(t))
    assert "120–250 Hz and 250–500 Hz on Temperatur [°C]" in found.sentences[0]
    assert wording.named("level, channel 0", t.channels) == "level, Druck [bar]"
    assert wording.named("level, channel 2", t.channels) == "level, channel 2"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"driver": "replay", "names": ["Druck [bar]", "Temperatur [°C]"]}, "Temperatur [°C]"),
        ({"driver": "lis3dh", "sda": 4}, "y"),
        ({"driver": "paced", "wraps": "lis3dh"}, "y"),
        ({"driver": "lis3dh", "names": ["along", "across"]}, "across"),
        ({"driver": "adc_dma", "names": ["one"]}, "channel 1"),
        ({"driver": "adc_dma", "names": "xy"}, "channel 1"),
        ([], "channel 1"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_channels_are_called_as_the_log_says(source, name, apart):
    """Among the settings of the board, or behind them where they did not fit there."""
    config = CONFIG if apart else {**CONFIG, "source": source}
    head = {"version": "0.1.0", "boot": 1, "config": config}
    story = Story().put(wire.BOOT, json.dumps(head).encode())
    if apart and isinstance(source, dict):
        story.put(wire.EVENT, json.dumps({"event": "source", **source}).encode())
    story.windows(100, wire.LEARN, 0).windows(99, wire.WATCH, 0).alarm(60, strangest=STRANGEST)
    assert f"250–500 Hz on {name}" in story.verdict().sentences[0]
    page = log_page.log_page(story.log(), "a", (), None)
    assert page["alarms"][0]["strange"][0][0] == f"120–250 Hz, {name}"
    assert "source" not in {event["name"] for event in page["events"]}
    if isinstance(source, dict):
        assert page["facts"]["source.driver"] == source["driver"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(100.0, 2, "100"), (17512.0, 3, "17,500"), (0.1234, 3, "0.123"), (2.3e-5, 2, "0.000023")],
)
def test_numbers_are_as_people_write_them(value, digits, text):
    assert svg.figure(value, digits) == text


def test_one_of_something_is_no_plural_and_hertz_have_no_empty_decimals():
    config = {**CONFIG, "n_channels": 1, "rate_hz": 16000.0}
    head = json.dumps({"version": "0.1.0", "boot": 1, "config": config}).encode()
    story = Story().put(wire.BOOT, head).windows(100, wire.LEARN, 0)
    promised = {"alarms_per_day": [1, 17500.0], "alarm_percent": [1, 100]}
    story.event("learned", n=100, independent=1, **promised)
    page = log_page.log_page(story.windows(100, wire.WATCH, 0).log(), "a", (), None)
    assert "1 channel · 16000 Hz" in page["subtitle"]
    told = json.dumps(page["history"], default=str, ensure_ascii=False)
    assert "from 1 independent score: 1 to 17,500 false alarms a day, in alarm for 1 to" in told


@pytest.mark.parametrize("mean", [0.01, 1.0, 7.5])
def test_the_chance_of_so_many_is_poissons(mean):
    scipy = pytest.importorskip("scipy.stats")
    for n in range(12):
        assert verdict.at_least(n, mean) == pytest.approx(scipy.poisson.sf(n - 1, mean), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("c0.mean", "level, channel 0"),
        ("c2.rms", "strength (RMS), channel 2"),
        ("c1.120-250Hz", "120–250 Hz, channel 1"),
        ("c1.17.6-21.5Hz", "18–22 Hz, channel 1"),
        ("c0.0.4-1.2Hz", "0.4–1.2 Hz, channel 0"),
        ("c0.1.25e+03-1.5e+03Hz", "1250–1500 Hz, channel 0"),
        ("c0.9.5e+03-1.2e+04Hz", "9.5–12 kHz, channel 0"),
        ("c3.env.20-30Hz", "envelope at 20–30 Hz, channel 3"),
        ("embedding 5", "embedding 5"),
        ("<b>", "<b>"),
    ],
)
def test_features_have_words(name, words):
    assert wording.feature(name) == words


def test_a_feature_that_channels_share_is_named_once():
    rms = [f"strength (RMS), channel {i}" for i in (5, 0, 1)]
    said = "strength (RMS) on channel 5, channel 0 and channel 1"
    assert wording.together(rms) == said
    assert wording.named(said, ["x", "y", "z", "gx", "gy", "gz"]) == "strength (RMS) on gz, x and y"


def test_a_feature_with_0_percent_is_not_said():
    shares = [["c0.rms", 99.6], ["c0.kurtosis", 0.4], ["c0.peak", float("nan")]]
    assert wording.strangest({"strangest": shares}, 1) == [("strength (RMS)", 100)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0.2 s"), (59.4, "59.4 s"), (60, "1 min"), (199, "3 min 19 s"), (3599.7, "1 h"),
        (7500, "2 h 5 min"), (86399, "1 d"), (1.5 * 86400, "1 d 12 h"), (659.2 * 86400, "659 d"),
    ],
)  # fmt: skip
def test_durations_are_as_people_say_them(seconds, text):
    assert svg.duration(seconds) == text


def test_features_of_one_channel_do_not_name_it():
    assert wording.feature("c0.120-250Hz", 1) == "120–250 Hz"
    assert (
        wording.together(["120–250 Hz, channel 1", "level, channel 0"])
        == "120–250 Hz on channel 1 and level on channel 0"
    )


@pytest.mark.parametrize("bad", [None, 7, "x", [7], [["c0.rms"]], [["c0.rms", "x"]], [[7, 200]]])
def test_an_alarm_of_another_make_is_no_reason_to_fail(bad):
    told = wording.strangest({"strangest": bad})
    assert all(0 <= percent <= 100 for _, percent in told)


def test_history_tells_every_change_of_what_is_known():
    story = (
        Story()
        .boot()
        .event("state", state="learn", windows=300, mode=None)
        .windows(300, wire.LEARN, 0)
    )
    story.event("learned", n=300, threshold=640, modes=[200, 100], dirt=3, cause="length").windows(
        60, wire.WATCH, 0
    )
    for count in (1, 2, 3):
        story.event("enrolled", label="tap", id=1, count=count)
    story.event("enrolled", label="knock", id=2, count=1, close="tap", accepts=1.5)
    story.event("rollback", to=2).event("veto", label="tap", off=False).event("trusted").event(
        "set", key="a", value=1
    )
    t = trace(story.log())
    rows = [row[1:] for row in chronicle.history(t)]
    assert rows == [
        ("began to learn what is normal", "300 windows, 5 min"),
        (
            "learned what is normal",
            (
                "300 windows, 5 min; 2 modes of 200 and 100 windows; threshold 2.50 octaves; 3 left"
                " out as outliers; full length"
            ),
        ),
        ("enrolled tap", "3 examples"),
        (
            "enrolled knock",
            "1 example; too close to tap; about 1.5 % of other windows would be mistaken for it",
        ),
        ("rolled back to snapshot 2", ""),
        ("vetoed tap", ""),
        ("what it has learned was trusted", ""),
        ("setting changed: a = 1", ""),
    ]


def test_health_names_what_is_not_well():
    story = (
        watched(100)
        .event("gap")
        .windows(64, wire.WATCH, 0)
        .event("fault", error="no answer of the sensor")
    )
    story.seq += 5
    story.boot(2).windows(100, wire.WATCH, 0)
    log = story.log()
    rows = {row.what: row for row in sensor_health.health(log, trace(log), None)}
    assert rows["restarts"] == ("restarts", "1 restart", False)
    assert rows["samples lost"] == ("samples lost", "1 time", False)
    assert rows["faults"].how == "1 fault, the last: no answer of the sensor"
    assert rows["missing records"].how == "5 records missing, in 1 place"
    assert "kB a day" in rows["log"].how
    played = [
        {**CONFIG, "source": {"driver": "replay"}},
        {**CONFIG, "source": {"driver": "lis3dh"}},
    ]
    for config, told, sound in zip(
        played, ("none; the recording it plays has 1 break", "1 time"), (True, False), strict=True
    ):
        head = {"version": "0.1.0", "boot": 1, "config": config}
        story = Story().put(wire.BOOT, json.dumps(head).encode()).windows(9, wire.WATCH, 0)
        log = story.event("gap").windows(9, wire.WATCH, 0).log()
        rows = {row.what: row for row in sensor_health.health(log, trace(log), None)}
        assert rows["samples lost"] == ("samples lost", told, sound)
    log = watched().log()
    assert all(row.sound for row in sensor_health.health(log, trace(log), None))


def test_false_alarms_are_counted_where_the_truth_is_known():
    story = watched(3 * 86400)
    for _ in range(6):
        story.alarm(60).event("alarm_end").windows(600, wire.WATCH, 0)
    t = trace(story.log())
    begins = [a.first for a in verdict.alarms(t)]
    spans = [(0, t.n, "normal"), *((at, at + 59, "fault") for at in begins[:2])]
    page = log_page.log_page(story.log(), "x", spans, None)
    assert (page["rate"]["judged"], page["rate"]["n"]) == (True, 4)
    assert page["rate"]["per_day"] == "1.3"
    assert [round(c[3]) > 0 for c in page["rate"]["chart"].columns] == [False, False, False, True]
    assert page["roc"] is not None
    assert page["det"] is not None


# --- what was seen of the board -------------------------------------------------------------------


def told(now: list[int], normal: list[int], spread: list[int]) -> seen.Seen:
    def packed(values: list[int], code: str = "b") -> str:
        return b64encode(struct.pack(f"<{len(values)}{code}", *values)).decode()

    look = {
        "embedding": packed(now), "means": [packed([0] * len(now)), packed(normal)], "mode": 1,
        "variance": packed([s * s << 12 for s in spread], "i"),
    }  # fmt: skip
    names = ["c0.rms", "c0.10-20Hz", "c0.20-40Hz"][: len(now)]
    return seen.Seen("2026-01-02T03:04:05+00:00", {"boot": 1, "uptime_s": 3665}, look, names)


def test_now_is_compared_with_the_mode_it_is_nearest_to():
    found = profile.features(told([10, -20, 40], [10, -20, 8], [2, 2, 4]))
    assert [round(f.apart, 3) for f in found] == [0, 0, 8]
    assert profile.most_apart(found)[0].words == "20–40 Hz"
    # four octaves of power: 12 dB
    assert found[2].now - found[2].normal == pytest.approx(32 * 0.3763, abs=0.01)
    (drawn,) = profile.spectra(found)
    assert drawn.strange.count("M") == drawn.now.count("M") == 1
    assert profile.features(told([1, 2, 3], [1, 2, 3], [0, 0, 0]), 5)[0].spread == pytest.approx(
        5 * 0.3763, abs=0.01
    )


def test_what_does_not_fit_together_is_not_drawn():
    for key in ("embedding", "means", "variance"):
        one = told([1, 2, 3], [1, 2, 3], [1, 1, 1])
        one.look[key] = "!" if key != "means" else ["AA=="]
        assert profile.features(one) == []
    assert profile.spectra([]) == []


def test_the_sidecar_is_read_as_it_was_written(tmp_path: Path):
    log = tmp_path / "pump.nhl"
    assert seen.load(log) is None
    seen.save(log, told([1], [1], [1]))
    assert seen.load(log) == told([1], [1], [1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "damaged"),
        ('{"format": 1}', "damaged"),
        ('{"format": 2, "utc": "x"}', "format 2, this nearhum reads 1"),
        ('{"format": 1, "utc": "yesterday", "status": {}}', "damaged"),
        ("[]", "damaged"),
    ],
)
def test_a_sidecar_that_is_no_good_is_named_with_the_remedy(tmp_path: Path, text: str, says: str):
    (tmp_path / "pump.seen.json").write_text(text)
    with pytest.raises(HostError, match=rf"pump\.seen\.json.*{says}") as caught:
        seen.load(tmp_path / "pump.nhl")
    assert "remove it" in caught.value.hint


def test_what_happens_now_names_channels_too():
    what = {"event": "alarm", "window": 7, "strangest": [["c1.rms", 50]]}
    for channels, name in (
        (["x", "y"], "strength (RMS), y"),
        (["", ""], "strength (RMS), channel 1"),
        ([""], "strength (RMS)"),
    ):
        assert following.told(what, channels) == f"alarm: {name} (50 %)"
        told = event.Event("pump", "/dev/none", 1, 0.0, "alarm", "", what, channels).as_json()
        assert told["strangest"] == [{"feature": name, "percent": 50}]
    assert following.told({"event": "source", "driver": "replay"}, [""]) == ""


EVENTS = (
    "learned", "state", "enrolled", "relabelled", "veto", "rollback", "prior", "pending", "set",
    "alarm", "alarm_end", "fault", "gap", "time", "cue", "end", "safe", "refused", "source",
)  # fmt: skip
FACTS = (
    "cause", "state", "paused", "mode", "windows", "n", "modes", "threshold", "independent", "was",
    "alarms_per_day", "dirt", "warning", "label", "count", "close", "accepts", "id", "to", "off",
    "strangest", "score", "window", "error", "utc", "driver", "names", "distance", "value",
)  # fmt: skip
ODD = (
    None, True, 0, -1, 3.5, 1e308, 10**15, "", "learn", "x", [], [1], [["c0.rms", 50]], [[1]],
    [["c0.rms", "x"]], [1, 2], ["a", "b"], {}, {"a": [1]}, [None, None], [1e308, -5],
)  # fmt: skip


@pytest.mark.parametrize("seed", range(60))
def test_events_of_odd_types_cost_no_report(seed):
    """shared case report_one_bad_event: of 300 such logs 69 ended in a traceback."""
    draw = random.Random(seed)
    odd = {draw.choice(list(CONFIG)): draw.choice(ODD)} if seed % 2 else {}
    config = {**CONFIG, **odd} if seed % 5 else draw.choice(ODD)
    head = json.dumps({"version": draw.choice(ODD), "boot": 1, "config": config})
    story = Story().put(wire.BOOT, head.encode()).windows(30, wire.LEARN, 0)
    for _ in range(12):
        facts = {name: draw.choice(ODD) for name in draw.sample(FACTS, 6)}
        what = {"window": story.window, **facts, "event": draw.choice(EVENTS)}
        story.put(wire.EVENT, json.dumps(what).encode()).windows(5, wire.WATCH, draw.choice((0, 5)))
        following.told(what, ["", ""])
    page = log_page.log_page(story.log(), "a", (), None)
    assert page["verdict"].headline
    assert page["events"]
