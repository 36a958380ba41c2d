"""Recordings: what is written is read back, damage is noticed, other formats arrive as counts."""

import wave

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from nearhum_host.errors import HostError
from nearhum_host.recordings import nhr
from nearhum_host.recordings.converting import to_nhr
from nearhum_host.recordings.nhr import Recording, read_nhr, write_nhr

segments = st.integers(1, 4).flatmap(
    lambda c: st.tuples(
        st.just(c),
        st.lists(
            st.tuples(
                hnp.arrays(np.int16, st.tuples(st.integers(0, 9), st.just(c))),
                st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
            ),
            max_size=4,
        ),
    )
)


@given(segments, st.sampled_from([0.001, 1, 50, 25600, 31.25]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path, given_segments, rate_hz):
    n_channels, some = given_segments
    recording = Recording(rate_hz, n_channels)
    for frames, cue in some:
        recording.add(frames, cue)
    write_nhr(recording, tmp_path / "a.nhr")
    back = read_nhr(tmp_path / "a.nhr")
    assert (back.rate_hz, back.n_channels) == (rate_hz, n_channels)
    assert [s.cue for s in back.segments] == [s.cue for s in recording.segments]
    for segment, (frames, _) in zip(back.segments, some, strict=True):
        assert np.array_equal(segment.frames, frames)


@pytest.fixture
def three(tmp_path):
    recording = Recording(50, 3)
    recording.add(np.arange(30, dtype=np.int16).reshape(10, 3), "learn 5")
    recording.add(np.zeros((4, 3), np.int16))
    write_nhr(recording, tmp_path / "three.nhr")
    return tmp_path / "three.nhr"


def test_every_cut_and_any_byte_more_is_noticed(three):
    blob = three.read_bytes()
    for n in range(len(blob)):
        three.write_bytes(blob[:n])
        with pytest.raises(HostError, match=r"three\.nhr"):
            read_nhr(three)
    three.write_bytes(blob + b"\0")
    with pytest.raises(HostError, match="1 bytes beyond"):
        read_nhr(three)


def test_a_damaged_header_is_noticed(three):
    blob = bytearray(three.read_bytes())
    for at in range(24):
        spoiled = bytearray(blob)
        spoiled[at] ^= 0x10
        three.write_bytes(bytes(spoiled))
        with pytest.raises(HostError):
            read_nhr(three)


def convert(tmp_path, name, **options):
    return to_nhr(tmp_path / name, tmp_path / "out.nhr", **options)


def test_npy_and_npz_become_segments_of_counts(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0.5, -1.0], [0.25, 2.0]], np.float32))
    made = convert(tmp_path, "a.npy", rate_hz=50, scale=(8192, 100))
    assert made.recording.segments[0].frames.tolist() == [[4096, -100], [2048, 200]]
    assert (made.n_clipped, made.notes) == (0, [])
    np.savez(tmp_path / "b.npz", one=np.arange(4), two=np.arange(3))
    back = convert(tmp_path, "b.npz", rate_hz=1).recording
    assert [len(s.frames) for s in back.segments] == [4, 3]
    assert np.array_equal(read_nhr(tmp_path / "out.nhr").segments[1].frames[:, 0], [0, 1, 2])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_csv_columns_by_name_and_number(tmp_path, delimiter):
    rows = [["time", "x", "y"], ["t0", "1", "2"], ["t1", "-3", "4"]]
    (tmp_path / "a.csv").write_text("\n".join(delimiter.join(row) for row in rows))
    for columns in (["x", "y"], ["1", "2"]):
        frames = convert(tmp_path, "a.csv", rate_hz=1, columns=columns).recording.segments[0].frames
        assert frames.tolist() == [[1, 2], [-3, 4]]
    with pytest.raises(HostError, match="no column 'z'") as caught:
        convert(tmp_path, "a.csv", rate_hz=1, columns=["z"])
    assert "time, x, y" in caught.value.hint
    with pytest.raises(HostError, match="line 2, column 'time': 't0' is not a time"):
        convert(tmp_path, "a.csv", rate_hz=1)


def test_csv_without_header(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    assert convert(tmp_path, "a.csv", rate_hz=1).recording.segments[0].frames.tolist() == [
        [1, 2],
        [3, 4],
    ]


@pytest.mark.parametrize(("width", "raw", "expected"), [
    (1, [0, 128, 255], [-32768, 0, 127 << 8]),
    (2, [-32768, 0, 32767], [-32768, 0, 32767]),
    (3, [-(1 << 23), 0x1234FF, -1], [-32768, 0x1234, -1]),
    (4, [-(1 << 31), 0x12345678, -1], [-32768, 0x1234, -1]),
])  # fmt: skip
def test_wav_of_every_width(tmp_path, width, raw, expected):
    with wave.open(str(tmp_path / "a.wav"), "wb") as out:
        out.setparams((1, width, 8000, 0, "NONE", ""))
        out.writeframes(b"".join(v.to_bytes(width, "little", signed=width > 1) for v in raw))
    made = convert(tmp_path, "a.wav").recording
    assert made.rate_hz == 8000
    assert made.segments[0].frames[:, 0].tolist() == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named_with_its_place(tmp_path, bad):
    samples = np.zeros((9, 2))
    samples[4, 1] = bad
    np.save(tmp_path / "a.npy", samples)
    with pytest.raises(HostError, match=f"frame 4, channel 1 is {bad}"):
        convert(tmp_path, "a.npy", rate_hz=1)


def test_fractions_need_a_scale_and_clipping_is_counted(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0.5], [40.0]]))
    with pytest.raises(HostError, match="no scale"):
        convert(tmp_path, "a.npy", rate_hz=1)
    made = convert(tmp_path, "a.npy", rate_hz=1, scale=1000)
    assert made.recording.segments[0].frames[:, 0].tolist() == [500, 32767]
    assert made.n_clipped == 1
    assert "50.00 %" in made.notes[0]


@pytest.mark.parametrize(("options", "says"), [
    ({}, "does not say its sampling rate"),
    ({"rate_hz": 1, "board_channels": 6}, "has 2 channels, the board expects 6"),
    ({"rate_hz": 1, "board_rate_hz": 50}, "1 Hz, the board samples at 50 Hz"),
    ({"rate_hz": 1, "scale": (1, 2, 3)}, "3 scales for 2 channels"),
    ({"rate_hz": 1, "columns": ["2"]}, "no column '2'"),
    ({"rate_hz": 0}, "rate of 0 Hz"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_with_value_and_remedy(tmp_path, options, says):
    np.save(tmp_path / "a.npy", np.ones((5, 2), np.int16))
    with pytest.raises(HostError, match=says) as caught:
        convert(tmp_path, "a.npy", **options)
    assert caught.value.hint


def test_no_samples_no_file_no_format(tmp_path):
    np.save(tmp_path / "a.npy", np.empty((0, 3)))
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "a.mat").write_bytes(b"")
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY")
    for name, says in (
        ("a.npy", "holds no samples"), ("a.csv", "holds no samples"), ("a.wav", "not a wav file"),
        ("a.mat", "cannot read .mat"), ("b.npy", "not a readable NumPy file"),
        ("c.npy", "cannot read"),
    ):  # fmt: skip
        with pytest.raises(HostError, match=says):
            convert(tmp_path, name, rate_hz=1)


def test_arrays_of_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(HostError, match="not a readable NumPy file"):
        convert(tmp_path, "a.npy", rate_hz=1)


def test_a_recording_of_the_board_is_checked_and_copied(three, tmp_path):
    made = to_nhr(three, tmp_path / "out.nhr", board_rate_hz=50, board_channels=3)
    assert made.recording.segments[0].cue == "learn 5"
    assert (tmp_path / "out.nhr").read_bytes() == three.read_bytes()


def test_a_cue_longer_than_a_console_line_is_refused(tmp_path):
    recording = Recording(1, 1)
    recording.add(np.zeros((1, 1), np.int16), "x" * (nhr.MAX_CUE_BYTES + 1))
    with pytest.raises(HostError, match="longer than a console line"):
        write_nhr(recording, tmp_path / "a.nhr")
