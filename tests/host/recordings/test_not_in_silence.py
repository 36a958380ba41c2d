"""Test files that were once read wrongly without a warning: now right, or refused with a remedy."""

import io
import re
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError, UsageError
from nearhum_host.recordings import arrays
from nearhum_host.recordings.counts import scales, to_counts
from nearhum_host.recordings.fitting import fit
from nearhum_host.recordings.labels_file import label_readings
from nearhum_host.recordings.reader import read, read_all
from nearhum_host.recordings.reading import starts_s
from nearhum_host.recordings.tables.meaning import Named

N = 600
XYZ = np.random.default_rng(5).normal(0, 0.1, (N, 3))
CLOCK = np.arange(N) / 100


def table(path: Path, names: str, rows: np.ndarray, before=None) -> Path:
    """Write rows as csv; before: the cells that stand first in each."""
    some = [",".join(f"{v:.4f}" for v in row) for row in rows]
    if before is not None:
        some = [f"{cell},{row}" for cell, row in zip(before, some, strict=True)]
    path.write_text("\n".join([names, *some]) + "\n")
    return path


def samples(found) -> np.ndarray:
    return np.stack(
        [np.concatenate(list(found.column(i))) for i in range(found.n_channels)], axis=1
    )


# ---- labels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["s", "iso", "count"])
def test_labels_in_seconds_count_what_is_missing(tmp_path: Path, form: str) -> None:
    at = np.arange(12_000) / 100
    at[3000:] += 60
    before = {
        "s": [f"{t:.2f}" for t in at],
        "iso": [str(np.datetime64(int(t * 1000 + 0.5), "ms")) for t in at],
        "count": [str(round(t * 100)) for t in at],
    }[form]
    name = {"s": "time_s", "iso": "time", "count": "index"}[form]
    path = table(tmp_path / "a.csv", f"{name},x", XYZ[:1, :1].repeat(12_000, 0), before)
    (tmp_path / "l.csv").write_text("from,until,label\n100,105,fault\n")
    readings = read_all([path], rate_hz=100)
    assert starts_s(readings) == [[0, pytest.approx(90)]]
    label_readings(tmp_path / "l.csv", readings)
    first, second = readings[0].stretches
    assert [label for _, _, label in first.labels] == ["normal"]
    assert [(a + second.first_row, b + second.first_row) for a, b, _ in second.labels[1:2]] == [
        (4000, 4500)
    ]


def test_labels_in_seconds_follow_the_recordings_own_clock(tmp_path: Path) -> None:
    """Its sensor is 0.4 % slow: a rate that is given does not move what its times say."""
    at = [f"{i * 0.01004:.5f}" for i in range(20_000)]
    path = table(tmp_path / "a.csv", "time_s,x", XYZ[:1, :1].repeat(20_000, 0), at)
    (tmp_path / "l.csv").write_text("from,until,label\n150.6,160.64,fault\n")
    readings = read_all([path], rate_hz=100)
    label_readings(tmp_path / "l.csv", readings)
    assert readings[0].stretches[0].labels[1] == (15_000, 16_000, "fault")


def test_files_with_dates_lie_apart_in_seconds(tmp_path: Path) -> None:
    for hour in (8, 9):
        at = [f"2026-03-04 {hour:02}:00:{i / 100:05.2f}" for i in range(N)]
        table(tmp_path / f"{hour}.csv", "time,x", XYZ[:, :1], at)
    assert starts_s(read_all([tmp_path])) == [[0.0], [3600.0]]


def test_label_times_are_in_the_zone_of_the_recording(tmp_path: Path) -> None:
    at = [f"2026-03-04T10:00:{i / 100:06.3f}+02:00" for i in range(N)]
    path = table(tmp_path / "a.csv", "time,x", XYZ[:, :1], at)
    labels = tmp_path / "l.csv"
    for zone in ("", "+02:00"):
        labels.write_text(
            f"from,until,label\n2026-03-04 10:00:02{zone},2026-03-04 10:00:03{zone},fault\n"
        )
        readings = read_all([path])
        label_readings(labels, readings)
        assert readings[0].stretches[0].labels[1] == (200, 300, "fault")
        said = "without a zone are taken as +02:00" in readings[0].taken
        assert said == (not zone)
        assert any("+02:00" in why for why in fit(readings).why) == (not zone)


def test_label_times_without_a_zone_where_the_recordings_changes(tmp_path: Path) -> None:
    at = [
        f"2026-03-29T{'01:59' if i < 300 else '03:00'}:{(i + 5700) % 6000 / 100:06.3f}"
        f"+0{1 if i < 300 else 2}:00"
        for i in range(N)
    ]
    path = table(tmp_path / "a.csv", "time,x", XYZ[:, :1], at)
    (tmp_path / "l.csv").write_text("from,until,label\n2026-03-29 03:00:01,2026-03-29 03:00:02,a\n")
    with pytest.raises(UsageError, match=r"says no zone.* is in \+01:00 and \+02:00"):
        label_readings(tmp_path / "l.csv", read_all([path]))


@pytest.mark.parametrize("texts", [
    ("007", "08"), ("1234567", "1234568"), ("1.10", "1.1"), ("1", "0"), ("1e3", "1000"),
])  # fmt: skip
def test_labels_that_are_numbers_stay_as_written(tmp_path: Path, texts: tuple[str, str]) -> None:
    rows = [f"{x:.4f},{texts[i >= 200]}" for i, x in enumerate(XYZ[:, 0])]
    (tmp_path / "a.csv").write_text("\n".join(["x,label", *rows]) + "\n")
    for named in (None, Named(label="label")):
        found = read(tmp_path / "a.csv", named, 100)
        assert found.stretches[0].labels == [(0, 200, texts[0]), (200, N, texts[1])]


# ---- folders -------------------------------------------------------------------------------------


def two(tmp_path: Path, first: str, second: str) -> list[Path]:
    table(tmp_path / "a.csv", first, XYZ[:, : first.count(",") + 1])
    table(tmp_path / "b.csv", second, XYZ[:, : second.count(",") + 1])
    return [tmp_path]


def test_columns_in_another_order_are_put_in_one(tmp_path: Path) -> None:
    first, second = read_all(two(tmp_path, "x,y,z", "z,y,x"), rate_hz=100)
    np.testing.assert_array_equal(samples(first), samples(second)[:, ::-1])
    assert second.names == ["x", "y", "z"]
    assert "were put in the order of a.csv" in second.taken


@pytest.mark.parametrize(("names", "says"), [
    (("temp", "press"), r"b\.csv has the columns press, .*a\.csv has temp"),
    (("x (g)", "x (mg)"), r"b\.csv has 'x \(mg\)' in mg, .*a\.csv in g"),
    (("x_g,y", "x,y"), r"b\.csv has 'x' in no unit, .*a\.csv in g"),
])  # fmt: skip
def test_files_of_two_kinds_are_refused(tmp_path: Path, names: tuple[str, str], says: str) -> None:
    with pytest.raises(HostError, match=says) as caught:
        read_all(two(tmp_path, *names), rate_hz=100)
    assert caught.value.hint


def dated(path: Path, day: int) -> Path:
    at = [f"2026-03-{day:02} 10:00:{i / 100:05.2f}" for i in range(N)]
    return table(path, "time,x", XYZ[:, :1] + day, at)


def test_files_are_put_in_the_order_of_their_dates(tmp_path: Path) -> None:
    paths = [dated(tmp_path / f"{name}.csv", day) for name, day in (("a", 7), ("b", 5), ("c", 6))]
    found = read_all(paths)
    assert [reading.path.stem for reading in found] == ["b", "c", "a"]
    assert "files were put in the order of their times" in found[0].taken
    assert any("order of their times" in why for why in fit(found).why)


def test_the_same_times_twice_are_refused(tmp_path: Path) -> None:
    dated(tmp_path / "a.csv", 5)
    dated(tmp_path / "copy.csv", 5)
    with pytest.raises(HostError, match=r"a\.csv and .*copy\.csv both hold 2026-03-05T10:00:00"):
        read_all([tmp_path])
    with pytest.raises(UsageError, match=r"a\.csv is named twice"):
        read_all([tmp_path / "a.csv", tmp_path / "a.csv"])


def wav(path: Path, values: np.ndarray, code: int = 1) -> Path:
    body, bits = values.tobytes(), 8 * values.dtype.itemsize
    form = struct.pack("<HHIIHH", code, 1, 8000, 8000 * bits // 8, bits // 8, bits)
    inside = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(body))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(inside) + len(body)) + inside + body)
    return path


def test_wavs_of_32_bits_have_one_shift(tmp_path: Path) -> None:
    quiet = np.round(100 * (1 << 16) * np.sin(np.arange(900) / 7)).astype("<i4") | 1
    wav(tmp_path / "a.wav", quiet)
    wav(tmp_path / "b.wav", quiet * 20)
    a, b = read_all([tmp_path])
    np.testing.assert_array_equal(samples(a)[:, 0], quiet >> 16)
    np.testing.assert_array_equal(samples(b)[:, 0], (quiet * 20) >> 16)
    assert "its upper 16 bits are taken after all" in a.taken


def test_float_wavs_of_two_levels_are_refused(tmp_path: Path) -> None:
    tone = np.sin(np.arange(900) / 7).astype("<f4")
    wav(tmp_path / "a.wav", tone, 3)
    wav(tmp_path / "b.wav", tone * 500, 3)
    with pytest.raises(HostError, match=r"b\.wav reaches beyond .*a\.wav as shares"):
        read_all([tmp_path])


# ---- NumPy ---------------------------------------------------------------------------------------


def npz(tmp_path: Path, *bare: object, **named: object) -> Path:
    np.savez(tmp_path / "a.npz", *bare, **named)
    return tmp_path / "a.npz"


def test_a_time_of_npz_is_no_channel(tmp_path: Path) -> None:
    x, y, z = XYZ.T
    for path in (
        npz(tmp_path, time=CLOCK, x=x, y=y, z=z),
        npz(tmp_path, x=x, y=y, z=z, t=CLOCK),
        npz(tmp_path, timestamp=(CLOCK * 1e9).astype("datetime64[ns]"), x=x, y=y, z=z),
    ):
        found = read(path)
        assert (found.rate_hz, found.names) == (100, ["x", "y", "z"])
        np.testing.assert_array_equal(samples(found), XYZ)
        assert "is time" in found.taken
    found = read(npz(tmp_path, CLOCK, x, y, z))
    assert (found.rate_hz, found.n_channels, len(found.stretches)) == (100, 3, 1)
    np.testing.assert_array_equal(samples(found), XYZ)
    found = read(npz(tmp_path, time=CLOCK, data=XYZ))
    assert (found.rate_hz, found.n_channels) == (100, 3)
    late = CLOCK + 5 * (np.arange(N) >= 200)
    assert [s.n for s in read(npz(tmp_path, t=late, x=x, y=y, z=z)).stretches] == [200, 400]
    with pytest.raises(HostError, match="'time' has not as many rows"):
        read(npz(tmp_path, time=CLOCK, x=x[:-1]))


def test_a_first_column_that_is_time_is_no_channel(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.c_[CLOCK, XYZ])
    found = read(tmp_path / "a.npy")
    assert (found.rate_hz, found.n_channels) == (100, 3)
    np.testing.assert_array_equal(samples(found), XYZ)
    both = npz(tmp_path, np.c_[CLOCK, XYZ], np.c_[CLOCK + 60, XYZ])
    assert [s.n for s in read(both).stretches] == [N, N]
    assert read(both).names == ["1", "2", "3"]
    with pytest.raises(HostError, match="the first one"):
        read(npz(tmp_path, np.c_[CLOCK, XYZ], np.c_[XYZ[:, 0], XYZ]))


def test_a_rate_of_npz(tmp_path: Path) -> None:
    for name in ("fs", "rate", "rate_hz", "sr", "sampling_rate"):
        found = read(npz(tmp_path, data=XYZ, **{name: 100}))
        assert (found.rate_hz, found.n_channels) == (100, 3)
    with pytest.raises(HostError, match="sampled at 100 Hz, --rate says 50 Hz"):
        read(npz(tmp_path, data=XYZ, fs=100), rate_hz=50)
    with pytest.raises(HostError, match="its times say 100 Hz, its rate says 50 Hz"):
        read(npz(tmp_path, time=CLOCK, data=XYZ, fs=50))
    with pytest.raises(HostError, match="fs = -1 is not a sampling rate"):
        read(npz(tmp_path, data=XYZ, fs=-1))


def test_labels_of_npz(tmp_path: Path) -> None:
    y = (np.arange(N) >= 400).astype(int)
    wanted = [(0, 400, "0"), (400, N, "1")]
    for path in (npz(tmp_path, X=XYZ, y=y), npz(tmp_path, X=XYZ, label=y)):
        found = read(path, rate_hz=100)
        assert found.stretches[0].labels == wanted
        assert found.n_channels == 3
    for path in (npz(tmp_path, XYZ, y), npz(tmp_path, XYZ[:, 0], y), npz(tmp_path, X=XYZ, w=y)):
        with pytest.raises(HostError, match="label") as caught:
            read(path, rate_hz=100)
        assert "label=" in caught.value.hint
    with pytest.raises(HostError, match="'y' has 2 different values: a label or a channel"):
        read(npz(tmp_path, x=XYZ[:, 0], y=y), rate_hz=100)


def test_arrays_without_names_stand_in_their_order(tmp_path: Path) -> None:
    path = npz(tmp_path, *(np.full((20, 2), i) for i in range(12)))
    found = read(path, rate_hz=100)
    assert [int(s.columns[0][0]) for s in found.stretches] == list(range(12))
    path = npz(tmp_path, *(XYZ[:, i] for i in range(3)))
    assert "3 arrays of one length are taken for stretches" in read(path, rate_hz=100).taken


def test_a_column_named_twice(tmp_path: Path) -> None:
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, XYZ if name == "a.npy" else (XYZ * 99).astype(np.int16))
        with pytest.raises(UsageError, match="--columns names '1' twice"):
            read(tmp_path / name, Named(["1", "1"]))


def test_an_archive_that_unpacks_to_a_gigabyte(tmp_path: Path) -> None:
    """What it claims is refused before it is unpacked."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<i2", "fortran_order": False, "shape": (1 << 29, 1)}
    )
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", head.getvalue())
    path = tmp_path / "bomb.npz"
    blob = bytearray(path.read_bytes())
    at = blob.rindex(b"PK\1\2")
    blob[at + 24 : at + 28] = struct.pack("<I", 1 << 30)
    path.write_bytes(blob)
    with pytest.raises(HostError, match=f"{1 << 29} samples") as caught:
        read(path, rate_hz=100)
    assert str(arrays.MOST_SAMPLES) in caught.value.hint


# ---- scale ---------------------------------------------------------------------------------------


def test_the_lowest_count_needs_no_scale(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[-32768], [32767]] * 500, np.int16))
    assert fit(read_all([tmp_path / "a.npy"], rate_hz=100)).scale is None


def test_a_float_wav_that_is_clipped_says_so(tmp_path: Path) -> None:
    tone = np.sin(np.arange(900) / 7).astype("<f4")
    assert "clipped" not in read(wav(tmp_path / "a.wav", tone, 3)).taken
    found = read(wav(tmp_path / "a.wav", tone * np.float32(1.8), 3))
    assert re.search(r"reach 1\.8 of full scale: \d+ beyond it were clipped", found.taken)


@pytest.mark.parametrize("text", ["-5", "0", "nan", "inf", "1e9", "8192,-1", "1e-300"])
def test_a_scale_that_cannot_be(text: str) -> None:
    with pytest.raises(UsageError, match=f"--scale {text}") as caught:
        scales(text)
    assert "1e-08 to 1e+08" in caught.value.hint
    if text != "1e9" and text != "1e-300":
        with pytest.raises(HostError, match="a scale of"):
            to_counts(np.ones((4, 2)), [float(part) for part in text.split(",")])


@pytest.mark.parametrize("value", [1e300, 1e-310])
def test_values_that_no_sensor_has(tmp_path: Path, value: float) -> None:
    np.save(tmp_path / "a.npy", np.sign(XYZ) * value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        readings = read_all([tmp_path / "a.npy"], rate_hz=100)
        with pytest.raises(HostError, match=re.escape(f"channel 0 reaches {value:.3g}")):
            fit(readings)
        to_counts(samples(readings[0]), 1e8)


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "settings", "says"), [
    ("radio", {}, "--kind radio with n_subcarriers = 64"),
    (None, {"rate_hz": 500}, "--set rate_hz=500: it is 100"),
    (None, {"n_channels": 2}, "--set n_channels=2: it is 3"),
    (None, {"kind": "audio"}, "--set kind=audio"),
    (None, {"head": "foo.nhh"}, r"--set head=foo\.nhh: there is no such file"),
])  # fmt: skip
def test_settings_that_the_recording_has_not(tmp_path: Path, kind, settings, says) -> None:
    np.save(tmp_path / "a.npy", XYZ)
    readings = read_all([tmp_path / "a.npy"], rate_hz=100)
    with pytest.raises(UsageError, match=says) as caught:
        fit(readings, kind, settings=settings)
    assert caught.value.hint
