"""Labelled recordings: every format, labels from folders, names and columns; and what is
refused.
"""

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from conftest import OWN_MEMORY
from nearhum_host.errors import HostError, UsageError
from nearhum_host.heads.labelled import labelled
from nearhum_host.recordings.counts import scales
from nearhum_host.recordings.nhr import Recording, write_nhr
from nearhum_host.recordings.tables.meaning import Named as Columns

RATE = 100


def wav(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i2").tobytes())


def quiet(n: int = 300, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-900, 900, n)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label in ("on", "off"):
        for i in range(2):
            wav(tmp_path / label / f"{i}.wav", quiet(seed=i))
    return tmp_path


def test_a_folder_is_a_label_in_any_format(folder: Path) -> None:
    np.save(folder / "on" / "2.npy", quiet())
    np.savez(folder / "on" / "3.npz", a=quiet(), b=quiet(400))
    (folder / "off" / "4.csv").write_text("x\n" + "\n".join(map(str, quiet())))
    parquet(folder / "off" / "5.parquet", "SELECT (x*37%101)::SMALLINT AS x FROM range(300) r(x)")
    recording = Recording(RATE, 1)
    recording.add(quiet(120)[:, None].astype(np.int16))
    write_nhr(recording, folder / "off" / "6.nhr")
    found, notes = labelled(folder, RATE)
    assert [(r.label, len(r.frames)) for r in found] == [
        ("off", 300), ("off", 300), ("off", 300), ("off", 300), ("off", 120),
        ("on", 300), ("on", 300), ("on", 300), ("on", 300), ("on", 400),
    ]  # fmt: skip
    assert notes == []
    assert all(r.frames.dtype == np.int16 and r.frames.shape[1] == 1 for r in found)


def test_names_say_label_group_and_session(tmp_path: Path) -> None:
    arrays = {
        f"s{who}_{hand}_{what}": quiet()
        for who in (1, 2)
        for hand in "LR"
        for what in ("row", "curl_up")
    }
    np.savez(tmp_path / "all.npz", **arrays)
    found, _ = labelled(tmp_path, RATE, names="*/{group}_{session}_{label}")
    assert {(r.label, r.group, r.session) for r in found} == {
        (what, who, hand) for what in ("row", "curl_up") for who in ("s1", "s2") for hand in "LR"
    }
    for wrong in ("{group}/*", "{label}/{label}", "{label}_{group}_{group}"):
        with pytest.raises(UsageError, match="--names"):
            labelled(tmp_path, RATE, names=wrong)


def test_a_column_is_a_label(tmp_path: Path) -> None:
    rows = [
        f"{i * i % 251},{-i},{'walk' if i // 50 % 2 else 'rest'},{'anna' if i < 200 else 'ben'}"
        for i in range(400)
    ]
    (tmp_path / "day.csv").write_text("\n".join(["x,y,what,who", *rows]))
    found, _ = labelled(tmp_path, RATE, columns=Columns(None, "what", "who"))
    assert [(r.label, r.group, r.frames.shape) for r in found[:2]] == [
        ("rest", "anna", (50, 2)),
        ("walk", "anna", (50, 2)),
    ]
    assert (len(found), found[-1].group) == (8, "ben")
    (only_y, *_), _ = labelled(tmp_path, RATE, columns=Columns(["y"], "what"))
    assert only_y.frames[:, 0].tolist() == [-i for i in range(50)]
    parquet(
        tmp_path / "day.parquet",
        "SELECT (i * i % 251)::SMALLINT AS x, -i AS y, CASE WHEN i // 50 % 2 = 1 THEN 'walk'"
        " ELSE 'rest' END AS what, CASE WHEN i < 200 THEN 'anna' ELSE 'ben' END"
        " AS who FROM range(400) r(i)",
    )
    (tmp_path / "day.csv").unlink()
    again, _ = labelled(tmp_path, RATE, columns=Columns(None, "what", "who"))
    assert [(r.label, r.group, r.frames.tolist()) for r in again] == [
        (r.label, r.group, r.frames.tolist()) for r in found
    ]


def parquet(path: Path, query: str) -> None:
    import duckdb

    with duckdb.connect() as db:
        db.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def refusal(folder: Path, **given) -> str:
    with pytest.raises(HostError) as refused:
        labelled(folder, given.pop("rate_hz", RATE), **given)
    assert refused.value.hint
    return f"{refused.value.message}; {refused.value.hint}"


def test_mixed_rates(folder: Path) -> None:
    wav(folder / "on" / "2.wav", quiet(), 200)
    said = refusal(folder)
    assert "mixed rates" in said
    assert str(folder / "on" / "2.wav") in said
    assert "200 Hz" in said
    assert "100 Hz" in said
    assert "resample" in said


def test_another_rate_than_the_board_has(folder: Path) -> None:
    said = refusal(folder, rate_hz=50)
    assert str(folder / "off" / "0.wav") in said
    assert "--rate 100" in said


def test_missing_labels(folder: Path) -> None:
    wav(folder / "stray.wav", quiet())
    said = refusal(folder)
    assert str(folder / "stray.wav") in said
    assert "--names" in said


def test_missing_labels_in_a_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,what\n1,a\n2,\n3,b\n")
    assert "t.csv: row 2 has no label in 'what'; fill it" in refusal(
        tmp_path, columns=Columns(None, "what")
    )
    assert "t.csv has no column 'whot'; its columns: x, what" in refusal(
        tmp_path, columns=Columns(None, "whot")
    )
    (tmp_path / "t.csv").write_text("x,what\n1,a\n2,a\n3,b\n")
    assert "t.csv has no column 'z'" in refusal(tmp_path, columns=Columns(["z"], "what"))
    parquet(tmp_path / "u.parquet", "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) t(x, what)")
    (tmp_path / "t.csv").unlink()
    assert "u.parquet: row 2 has no label" in refusal(tmp_path, columns=Columns(None, "what"))
    (tmp_path / "u.parquet").unlink()
    parquet(tmp_path / "v.parquet", "SELECT * FROM (VALUES (1, 'a'), (NULL, 'b')) t(x, what)")
    assert "v.parquet row 2, column 'x': the cell is empty; correct or remove that row" in refusal(
        tmp_path, columns=Columns(None, "what")
    )


def test_one_example_a_label(folder: Path) -> None:
    wav(folder / "idle" / "only.wav", quiet())
    said = refusal(folder)
    assert "'idle' has one recording alone" in said
    assert str(folder / "idle" / "only.wav") in said
    assert "record it again" in said


def test_one_label(tmp_path: Path) -> None:
    for i in range(3):
        wav(tmp_path / "on" / f"{i}.wav", quiet())
    assert "one label alone, 'on'; at least two" in refusal(tmp_path)


def test_clipped_audio(folder: Path) -> None:
    wav(folder / "on" / "2.wav", np.clip(quiet() * 60, -32768, 32767))
    said = refusal(folder)
    assert f"{folder / 'on' / '2.wav'} is clipped" in said
    assert "lower level" in said
    few = quiet(3000)
    few[:30] = 32767
    wav(folder / "on" / "2.wav", few)
    _, notes = labelled(folder, RATE)
    assert notes == [f"{folder / 'on' / '2.wav'}: 1.0 % of its samples are clipped"]


def test_samples_beyond_the_range(tmp_path: Path) -> None:
    (tmp_path / "on").mkdir()
    np.save(tmp_path / "on" / "2.npy", np.linspace(-3, 3, 300))
    assert "2.npy is clipped" in refusal(tmp_path, scale=[20000.0])
    assert "2.npy holds fractions" in refusal(tmp_path)


def test_corrupt_files(folder: Path) -> None:
    for name, content, words in (
        ("2.parquet", b"PAR1" + bytes(80), "is not a readable Parquet file"),
        ("2.parquet", b"", "is not a readable Parquet file"),
        ("2.npy", b"\x93NUMPY\x01", "is not a readable NumPy file"),
        ("2.wav", b"RIFF", "is not a wav file"),
        ("2.csv", b"x\n1\ntwo\n", "'two' is not a number"),
        ("2.nhr", b"NHR1", "not a nearhum recording"),
    ):
        path = folder / "on" / name
        path.write_bytes(content)
        said = refusal(folder)
        assert str(path) in said
        assert words in said
        path.unlink()


def test_a_torn_parquet_file(folder: Path) -> None:
    path = folder / "on" / "2.parquet"
    parquet(path, "SELECT x::SMALLINT AS x FROM range(3000) r(x)")
    path.write_bytes(path.read_bytes()[:-200])
    said = refusal(folder)
    assert str(path) in said
    assert "write it again" in said


def test_channels_that_differ(folder: Path) -> None:
    np.save(folder / "on" / "2.npy", np.zeros((300, 2), np.int16))
    said = refusal(folder)
    assert "2.npy has 2 channels" in said
    assert "--columns" in said


def test_nothing_there(tmp_path: Path) -> None:
    assert "holds no recordings" in refusal(tmp_path)
    assert "there is no folder" in refusal(tmp_path / "none")
    wav(tmp_path / "on" / "0.wav", quiet(0))
    assert "0.wav holds no samples" in refusal(tmp_path)


def test_scales() -> None:
    assert scales("8192,1") == [8192, 1]
    assert scales(None) is None
    with pytest.raises(UsageError):
        scales("a lot")


def test_a_small_archive_that_unpacks_to_much(tmp_path: Path) -> None:
    """shared case small_files_large_memory: 97 KB of zeros, 100 MB unpacked, took 2.7 GB."""
    draw = np.random.default_rng(1)
    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(2):
            np.save(tmp_path / label / f"{i}.npy", draw.normal(0, 300, (999, 3)).astype(np.int16))
    np.savez_compressed(tmp_path / "a" / "z.npz", np.zeros((16_700_000, 3), np.int16))
    assert (tmp_path / "a" / "z.npz").stat().st_size < 100_000
    script = (
        "import sys; from pathlib import Path\n"
        "from nearhum_host.heads.labelled import labelled\n"
        "found, _ = labelled(Path(sys.argv[1]), 50.0)\n"
        f"{OWN_MEMORY}\nprint(len(found), own // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    n, megabytes = map(int, done.stdout.split())
    assert n == 5
    assert megabytes <= 300  # as they are, and as int16: 200, and what Python takes


def test_a_set_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nearhum_host.heads import labelled as module

    for label in "ab":
        (tmp_path / label).mkdir()
        for i in range(2):
            np.save(tmp_path / label / f"{i}.npy", np.arange(3000, dtype=np.int16).reshape(-1, 3))
    monkeypatch.setattr(module, "MOST_BYTES", 3 * 6000)
    with pytest.raises(HostError, match=r"with .*b/1\.npy the recordings hold"):
        module.labelled(tmp_path, 50.0)
