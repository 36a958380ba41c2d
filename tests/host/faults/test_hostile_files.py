"""Test files from strangers: any bytes, valid files with a few bytes changed, endless files."""

import json
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from fuzz.seeds import seeds
from fuzz.structured import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nearhum import wire
from nearhum.sources import recording
from nearhum_host.boards import board_files
from nearhum_host.errors import HostError
from nearhum_host.logs import decoding, log_file, traces
from nearhum_host.recordings import converting, nhr
from nearhum_host.serial_line.visible_text import as_name, object_in, visible, without_controls

SEEDS = seeds()
LIMIT_S = 60.0  # for what takes a second or two: what is quadratic takes hours
some = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "report"])
def test_any_bytes(name: str) -> None:
    some(given(st.binary(max_size=600))(TARGETS[name]))()


def changed(sound: bytes) -> st.SearchStrategy[bytes]:
    """Sound bytes with a few of them replaced, inserted, removed, or the end cut off."""
    place = st.integers(0, len(sound))
    edit = st.tuples(place, place, st.binary(max_size=4))

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        out = sound
        for at, other, new in edits:
            out = out[:at] + new + out[min(other, at + len(new)) if other > at else at + len(new) :]
        return out

    return st.lists(edit, min_size=1, max_size=6).map(apply)


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if not seed.startswith("report")])
def test_sound_bytes_with_a_few_changed(seed: str) -> None:
    some(given(changed(SEEDS[seed]))(TARGETS[seed.partition("/")[0]]))()


texts = st.text(max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@some
@given(
    st.dictionaries(
        st.sampled_from(["seq", "verb", "label", "board", "alarm", "windows"]) | texts, values
    )
)
def test_answers_of_any_shape(said: dict) -> None:
    for verb in ("status", "list", "get", "learn", "veto"):
        TARGETS["answer"](b"true," + json.dumps({"verb": verb, **said}).encode()[1:])


@some
@given(values)
def test_no_text_steers_a_terminal(value: object) -> None:
    shown = visible(json.dumps(value, ensure_ascii=False))
    assert not [
        c
        for c in shown
        if ord(c) < 32 and c not in "\t\n" or 127 <= ord(c) < 160 or c in "\u202e\u2028\u2066"
    ]
    harmless = without_controls(value)
    assert not [c for c in str(harmless) if 0x7F <= ord(c) < 0xA0]
    assert Path(as_name(value)).name == as_name(value) != ""


def test_json_that_is_refused() -> None:
    for text in (
        "1",
        "[]",
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        '{"a":' + "9" * 30 + "}",
        "{",
        "\xff",
    ):
        assert object_in(text) is None, text
    assert object_in('{"a":' + "[" * 40 + "]" * 40 + "}") is None
    assert object_in("[" * 100_000) is None
    assert object_in(b'{"a":"\\u001b\\u009b"}') == {"a": "\\x1b\\x9b"}


# --- what grows -----------------------------------------------------------------------------------

N = 1 << 20


def enrolments(n: int) -> bytes:
    return b"".join(
        wire.pack_record(
            wire.EVENT,
            i,
            0,
            b'{"event":"enrolled","id":%d,"label":"l%d","window":%d}' % (i % 255, i, i),
        )
        for i in range(n)
    )


GROWING = {
    "magics": lambda: b"\xa7" * N,
    "headers": lambda: (b"\xa7\x03\x00\x04" + b"\xff" * 8) * (N // 12),
    "almost": lambda: enrolments(1)[:-1] * (N // 70),
    "labels": lambda: enrolments(20_000),
    "events": lambda: b"".join(
        wire.pack_record(wire.EVENT, i, i * 7 % 2**32, b"{}") for i in range(60_000)
    ),
}


@pytest.mark.parametrize("what", GROWING)
def test_a_log_is_read_in_time_with_its_length(what: str) -> None:
    began = time.process_time()
    found = log_file.parse(GROWING[what]())
    decoding.decode(found.records)
    assert time.process_time() - began < LIMIT_S


def test_more_labels_than_an_index_holds_are_an_error() -> None:
    with pytest.raises(wire.FormatError, match="different labels"):
        decoding.decode(log_file.parse(enrolments(decoding.MAX_NAMES + 1)).records)


def test_a_recording_of_many_segments_is_read_in_time(tmp_path: Path) -> None:
    n = nhr.MAX_SEGMENTS
    head = recording.pack_recording_header(1, n, 1000, 8 * n)
    (tmp_path / "x.nhr").write_bytes(
        head + (recording.pack_segment_header(8, "~" * 40) + bytes(16)) * n
    )
    began = time.process_time()
    assert nhr.read_nhr(tmp_path / "x.nhr").n_frames == 8 * n
    assert time.process_time() - began < LIMIT_S


def test_small_files_that_claim_terabytes(tmp_path: Path) -> None:
    """A header that lies about its length, an archive that unpacks to 40 GB, a csv with one
    wide row: a few MB each.
    """
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 4)}"
    npy = b"\x93NUMPY\1\0" + (118).to_bytes(2, "little") + header.ljust(117) + b"\n" + bytes(64)
    (tmp_path / "a.npy").write_bytes(npy)
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy)
    bomb = bytearray((tmp_path / "b.npz").read_bytes())
    at = bomb.rindex(b"PK\1\2")
    # bytes unpacked, as the directory says
    bomb[at + 24 : at + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    (tmp_path / "b.npz").write_bytes(bomb)
    (tmp_path / "c.csv").write_text(",".join(["1"] * 50_000) + "\n" + "1\n" * 50_000)
    (tmp_path / "d.csv").write_text('"' + "1" * 1_000_000 + '"\n')
    (tmp_path / "e.toml").write_text("a=" + "[" * 100_000)
    script = """
import sys, pathlib
from nearhum_host.boards import board_files
from nearhum_host.recordings import converting
from nearhum_host.errors import HostError
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        if path.suffix == ".toml":
            board_files.load(str(path))
        else:
            converting.to_nhr(path, path.with_suffix(".nhr"), rate_hz=1)
    except HostError as error:
        print(path.name, error.message)
"""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        preexec_fn=limited,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told = [line.split()[0] for line in done.stdout.splitlines()]
    assert told == ["a.npy", "b.npz", "c.csv", "d.csv", "e.toml"], done.stdout


def test_pickles_are_not_loaded(tmp_path: Path) -> None:
    """A .npy or .npz of objects is a program: it is refused, not run."""

    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "owned",))

    np.save(tmp_path / "x.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", a=np.array([Evil()], dtype=object))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(HostError, match="not a readable NumPy file"):
            converting.to_nhr(tmp_path / name, tmp_path / "y.nhr", rate_hz=1.0)
    assert not (tmp_path / "owned").exists()


def test_members_of_an_archive_stay_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("../../../escaped.npy", SEEDS["recording/1"][1:])
    converting.to_nhr(tmp_path / "x.npz", tmp_path / "y.nhr", rate_hz=1.0)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["x.npz", "y.nhr"]


def test_a_board_file_that_extends_itself_ends(tmp_path: Path) -> None:
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.toml").write_text(f'extends = "{other}.toml"\n')
    with pytest.raises(HostError, match="back to the file itself"):
        board_files.load(str(tmp_path / "a.toml"))


def test_spans_may_be_of_any_length(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"first,last,label\n0,{10**40},x\n")
    assert traces.read_labels(tmp_path / "x.csv") == [(0, 10**40, "x")]
