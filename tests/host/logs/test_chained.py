"""The chain of sums over a log, as the firmware's own journal writes it: what was changed, cut or
put elsewhere is named.
"""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from nearhum import wire
from nearhum.storage import signing
from nearhum_host.evaluation.benchmarks import runner
from nearhum_host.logs import chained, log_file
from nearhum_host.report import page

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))

# Three starts of a board, each of which fills segments; then it is pulled.
BOARD = """
import os, sys
sys.path.insert(0, sys.argv[1])
root, key = sys.argv[2], bytes.fromhex(sys.argv[3])
from nearhum.storage import journal, signing
if key:
    signing.begin(key)
journal.SEGMENT_BYTES = 4096
os.mkdir(root + 'hum')
for boot in range(3):
    j = journal.Journal(root, {'version': '0', 'board': 'b', 'config': {'kind': 'telemetry'}})
    for i in range(90):
        j.score(100 * boot + i, i, 500, 2, 0)
        j.event('e', n=i, window=100 * boot + i, text='x' * 60)
    j.flush()
    if boot == 1:  # the power fails in the middle of a record
        with open(root + 'hum/log/' + sorted(os.listdir(root + 'hum/log'))[-1], 'ab') as f:
            f.write(b'torn')
seq = 0
with open(root + 'pulled.nhl', 'wb') as out:
    while seq < j.synced_seq:
        _, seq, raw = j.read(seq, 1536)
        out.write(raw)
"""


def pulled(root: Path, key: bytes = b"") -> Path:
    """Return the log of a board with that key, as a pull writes it."""
    script = root / "board.txt"
    script.write_text(BOARD)
    code = f"exec(open({script.as_posix()!r}).read())"
    command = [runner.interpreter(), "-c", code, runner.firmware(), f"{root.as_posix()}/"]
    done = subprocess.run([*command, key.hex()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "pulled.nhl"


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pulled(tmp_path_factory.mktemp("unsigned"))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pulled(tmp_path_factory.mktemp("signed"), KEY)


def records_of(log: Path) -> list[log_file.Record]:
    return log_file.read_log(log).records


def checked(records: list[log_file.Record], **keys: bytes) -> chained.Chained:
    raw = b"".join(wire.pack_record(*record[:4]) for record in records)
    return chained.check(log_file.parse(raw), keys)


def boots_of(records: list[log_file.Record]) -> list[int]:
    return [i for i, record in enumerate(records) if record.kind == wire.BOOT]


def test_a_log_as_the_board_wrote_it_holds(unsigned: Path, signed: Path) -> None:
    for log, signs in ((unsigned, False), (signed, True)):
        records = records_of(log)
        boots = boots_of(records)
        assert len(boots) > 8
        found = chained.check(log_file.read_log(log), {"other": OTHER, "mine": KEY})
        assert chained.told(found) == []
        # all but the newest segment, which nothing follows yet
        assert found.n_records == boots[-1]
        assert found.n_signed == (boots[-1] if signs else 0)


CHANGES: dict[str, Callable[[list[log_file.Record], int, int], None]] = {
    "another text": lambda some, at, end: some.__setitem__(
        at + 3, some[at + 3]._replace(payload=some[at + 3].payload.replace(b"xx", b"yx", 1))
    ),
    "another time": lambda some, at, end: some.__setitem__(
        at + 3, some[at + 3]._replace(ticks_ms=5)
    ),
    "two that changed places": lambda some, at, end: some.__setitem__(
        slice(at + 3, at + 5),
        [
            some[at + 4]._replace(seq=some[at + 3].seq),
            some[at + 3]._replace(seq=some[at + 4].seq),
        ],
    ),
    "a segment that says it again": lambda some, at, end: some.__setitem__(
        slice(at, end),
        [b._replace(seq=a.seq) for a, b in zip(some[at:end], some[1:], strict=False)],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_named(change: str, unsigned: Path, signed: Path) -> None:
    for log in (unsigned, signed):
        records = records_of(log)
        at, end = boots_of(records)[2:4]
        CHANGES[change](records, at, end)
        found = checked(records, mine=KEY)
        first, last = records[at].seq, records[end].seq - 1
        assert any(
            text.startswith(f"records {first} to {last} are not those") for text in found.wrong
        ), found


def test_what_was_cut_out_is_a_gap_and_no_sum_of_the_rest(unsigned: Path) -> None:
    records = records_of(unsigned)
    at, end = boots_of(records)[2:4]
    del records[at + 3 : at + 5]
    found = checked(records)
    assert (found.wrong, found.n_missing) == ([], 1)
    assert chained.told(found) == ["1 sum cannot be checked: the log has not all of its records."]
    # numbered anew, so that nothing seems to be missing
    closed = records[: at + 3] + [one._replace(seq=one.seq - 2) for one in records[at + 3 :]]
    gaps = log_file.parse(b"".join(wire.pack_record(*one[:4]) for one in closed)).gaps
    assert len(gaps) == len(log_file.read_log(unsigned).gaps)  # those of the torn record
    assert checked(closed).wrong
    # whole segments before the first one that was pulled are no matter of anybody's
    assert checked(records_of(unsigned)[end:]).wrong == []


def forged(records: list[log_file.Record], key: bytes = b"") -> list[log_file.Record]:
    """Change a record, and then all sums behind it: with no key, as anybody can."""
    out, begun = [], 0
    for i, record in enumerate(records):
        made = record
        if i == boots_of(records)[2] + 3:
            made = record._replace(payload=record.payload.replace(b"xx", b"yx", 1))
        if record.kind == wire.BOOT and out:
            log = log_file.parse(b"".join(wire.pack_record(*one[:4]) for one in out[begun:]))
            raw = b"".join(wire.pack_record(*one[:4]) for one in log.records)
            said = record.json()
            digest = hashlib.sha256(raw).digest()
            total = signing.mac(key, signing.LOG + digest) if key else digest
            first, before = out[begun].seq, out[-1].seq + 1
            said["chain"] = [first, before, total[:16].hex(), int(bool(key))]
            made = record._replace(payload=json.dumps(said, separators=(",", ":")).encode())
            begun = i
        out.append(made)
    return out


def test_only_a_key_holds_against_who_makes_all_sums_anew(unsigned: Path, signed: Path) -> None:
    assert chained.told(checked(forged(records_of(unsigned)))) == []
    told = checked(forged(records_of(signed), OTHER), mine=KEY)
    assert told.n_signed == 0
    assert told.n_unknown > 0  # no sum is of a key that is here: the whole log may be another's
    records = records_of(signed)
    half = boots_of(records)[1] + 1
    mixed = checked(records[:half] + forged(records)[half:], mine=KEY)
    assert any("are not signed any more" in text for text in mixed.wrong)
    mixed = checked(records[:half] + forged(records, OTHER)[half:], mine=KEY)
    assert any("under another key" in text for text in mixed.wrong)
    assert checked(records).n_unknown == boots_of(records)[-1]


def test_a_start_that_names_no_sum_is_named(unsigned: Path) -> None:
    records = records_of(unsigned)
    at = boots_of(records)[4]
    said = records[at].json()
    for odd in (None, 5, [1], [0, 1, 2, 3], [-1, 5, "x", 0], [3, 2, "x", 0], [0, 1 << 70, "x", 0]):
        said["chain"] = odd
        records[at] = records[at]._replace(payload=json.dumps(said).encode())
        assert any("names no sum" in text for text in checked(records).wrong), odd


def test_the_report_says_it(unsigned: Path, tmp_path: Path) -> None:
    records = records_of(unsigned)
    CHANGES["another text"](records, *boots_of(records)[2:4])
    log = tmp_path / "changed.nhl"
    log.write_bytes(b"".join(wire.pack_record(*record[:4]) for record in records))
    assert "are not those whose sum the board wrote" in page.report(log)
