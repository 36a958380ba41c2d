"""Targets that get structured inputs: sound forms with odd things in them (shapes.py).

Enters: any bytes. Leaves: nothing, or an exception, as of the targets in targets.py, to which these
are added.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import shutil
import struct
import zipfile
from binascii import b2a_base64
from typing import Any
from unittest import mock

import numpy as np
from nearhum_host.commands import query, terminal
from nearhum_host.errors import HostError
from nearhum_host.heads.onnx_graph import RULES, layers_of
from nearhum_host.logs import chained, log_file, seen, tabling, traces
from nearhum_host.recordings import arrays, capturing, converting
from nearhum_host.report import page as drawing
from nearhum_host.serial_line import answers, link
from onnx import TensorProto, helper

from fuzz import samples, shapes
from fuzz.targets import FOLDER, TARGETS, console, harmless, target

__all__ = ["TARGETS"]


def _log(given: bytes) -> bytes:
    return shapes.log_of(shapes.Given(given), samples.BOOT, list(samples.EVENTS), samples.RUN)


# --- logs -----------------------------------------------------------------------------------------


@target
def events(given: bytes) -> None:
    """Read and draw a log of sound records that say odd things."""
    raw = _log(given)
    found = log_file.parse(raw)
    assert not found.damages
    chained.told(chained.check(found, {"pump": bytes(range(32))}))
    traces.trace(found, "fuzz")
    file = FOLDER / "events.nhl"
    file.write_bytes(raw)
    harmless(drawing.report(file).replace("\n", ""), "the page")


@target
def tables(given: bytes) -> None:
    """Tabulate such a log, and ask for all of it as text, JSON and CSV."""
    folder = FOLDER / "tables"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tabling.tabulate(folder, "fuzz", 1, log_file.parse(_log(given)))
    for sql in ("SELECT * FROM events", "SELECT * FROM windows LIMIT 50", "SELECT * FROM days"):
        for form in ({"as_json": True}, {"as_csv": True}, {}):
            said = io.StringIO()
            with _printing(said):
                query.query(sql, folder, **form)
            harmless(said.getvalue().replace("\r\n", "").replace("\n", ""), f"{sql} {form}")
            if "as_json" in form:
                json.loads(said.getvalue())


@target
def beside(given: bytes) -> None:
    """Read what was seen of a board: its file beside a log, and the report of both."""
    log, source = FOLDER / "seen.nhl", shapes.Given(given)
    log.write_bytes(_log(b""))
    as_it_is = source.byte() & 1
    kept = source.rest() if as_it_is else shapes.text_of(shapes.twisted(source, samples.SEEN))
    seen.path_beside(log).write_bytes(kept)
    found = seen.load(log)
    assert found
    harmless(json.dumps(found.status, ensure_ascii=False), "the status")
    harmless(drawing.report(log).replace("\n", ""), "the page")


# --- a board that is recorded ---------------------------------------------------------------------


class _Recorded:
    """A board whose sensor gives a ramp, and whose answers are twisted one by one."""

    port = "port"

    def __init__(self, given: shapes.Given) -> None:
        self._given, self._at = given, 0

    def ask(self, line: str, patience_s: float = 0) -> dict[str, Any]:
        """Return the answer to a line, as Link.ask does."""
        del patience_s
        verb = line.split()[0]
        if verb == "raw":
            at = self._at if line == "raw" else int(line.split()[1])
            frames = np.arange(at, at + 8, dtype="<i2")
            self._at += 8
            sound: dict[str, Any] = {
                "from": at, "n": 8, "b64": b2a_base64(frames.tobytes()).decode().strip(),
            }  # fmt: skip
        elif verb == "get":
            sound = {"settings": samples.SETTINGS}
        elif verb == "log":
            sound = {"from": 1, "next": 1, "last": 1, "b64": ""}
        else:
            sound = dict(samples.STATUS)
        said = shapes.twisted(self._given, sound) if self._given else sound
        found = link.answer_in(shapes.text_of({"ok": True, "verb": verb, **said}))
        if found is None:
            raise HostError("no answer")
        found.pop("ok", None)
        return answers.checked(found)


class _Clock:
    """Time that passes when it is looked at."""

    def __init__(self) -> None:
        self._s = itertools.count(step=0.25)

    def monotonic(self) -> float:
        return next(self._s)

    def time_ns(self) -> int:
        return 10**18

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds < 1

    def strftime(self, form: str) -> str:
        return form.replace("%", "")


@target
def record(given: bytes) -> None:
    """Record from a board that answers odd things, and write all formats."""
    source = shapes.Given(given)
    form = capturing.FORMATS[source.byte() % len(capturing.FORMATS)]
    folder = FOLDER / "recorded"
    shutil.rmtree(folder, ignore_errors=True)
    with mock.patch.object(capturing, "time", _Clock()):
        found = capturing.capture(_Recorded(source), 0.5)  # type: ignore[arg-type]
        for file in capturing.write(folder, "fuzz", found, form):
            assert file.parent == folder / "fuzz", file


# --- files ----------------------------------------------------------------------------------------


def _npy(source: shapes.Given) -> bytes:
    header = shapes.twisted(
        source, {"descr": "<i2", "fortran_order": False, "shape": [source.byte() % 5, 2]}
    )
    if isinstance(header.get("shape"), list) and not source.byte() & 1:
        header["shape"] = tuple(header["shape"])
    text = repr(header).encode("latin-1", errors="replace")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) & 0xFFFF) + text + source.some(20)


@target
def npz(given: bytes) -> None:
    """Read an archive of arrays whose headers say odd things, and make a recording of it."""
    source, made = shapes.Given(given), io.BytesIO()
    packed = zipfile.ZIP_DEFLATED if source.byte() & 1 else zipfile.ZIP_STORED
    with zipfile.ZipFile(made, "w", packed) as archive:
        for i in range(source.byte() % 4 or 1):
            archive.writestr(zipfile.ZipInfo(f"{'../' * (i & 1)}s{i}.npy"), _npy(source))
    raw = bytearray(made.getvalue())
    for _ in range(source.byte() % 4):  # sizes, sums and flags of the archive
        raw[(source.byte() << 8 | source.byte()) % len(raw)] = source.byte()
    file = FOLDER / "fuzz.npz"
    file.write_bytes(raw)
    for _, values in arrays.read_arrays(file):
        assert values.nbytes <= 1 << 20
    converting.to_nhr(file, FOLDER / "of_npz.nhr", rate_hz=50.0, scale=1.0)


_OPERATORS = [*RULES, "Softmax", "ArgMax", "Constant", "Loop"]
_KNOWN = ("axes", "axis", "keepdims", "perm", "transB", "strides", "pads", "alpha", "kernel_shape")


def _numbers(source: shapes.Given) -> list[int]:
    return [source.byte() - 8 if source.byte() & 1 else source.byte() % 9 for _ in
            range(source.byte() % 5)]  # fmt: skip


@target
def onnx(given: bytes) -> None:
    """Read a chain of nodes with odd constants, shapes and attributes; or any bytes."""
    source, file = shapes.Given(given), FOLDER / "fuzz.onnx"
    if source.byte() & 1:
        file.write_bytes(source.rest())
        layers_of(file)
        return
    shape = _numbers(source) or [4]
    nodes, constants, value = [], [], "features"
    while source and len(nodes) < 8:
        kind, i = _OPERATORS[source.byte() % len(_OPERATORS)], len(nodes)
        names = []
        for j in range(source.byte() % 4):
            dims = _numbers(source)
            names.append(f"{i}.{j}")
            constants.append(_tensor(names[-1], source, dims))
        known: dict[str, Any] = {}
        for _ in range(source.byte() % 3):
            name, numbers = _KNOWN[source.byte() % len(_KNOWN)], _numbers(source)
            known[name] = numbers if len(numbers) != 1 else numbers[0]
        with contextlib.suppress(ValueError, TypeError):  # what onnx itself does not write
            nodes.append(helper.make_node(kind, [value, *names], [f"out{i}"], **known))
            value = f"out{i}"
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["batch", "out"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    file.write_bytes(model.SerializeToString())
    for layer in layers_of(file):
        assert layer.weights.size <= 1 << 22


def _tensor(name: str, source: shapes.Given, dims: list[int]) -> TensorProto:
    out = TensorProto(name=name, dims=dims)
    out.data_type = (TensorProto.FLOAT, TensorProto.INT64, source.byte())[source.byte() % 3]
    n = 1
    for dim in dims:
        n *= max(0, dim)
    size = 8 if out.data_type == TensorProto.INT64 else 4
    # as many numbers as it says, or any other number of them
    n = n if source.byte() & 7 else source.byte()
    seed = source.some(8)
    out.raw_data = (seed * (n * size // 8 + 1))[: n * size] if n < 4096 else b""
    return out


# --- what is printed ------------------------------------------------------------------------------


@contextlib.contextmanager
def _printing(said: io.StringIO) -> Any:
    with (
        mock.patch("rich.console.Console", functools.partial(console, file=said)),
        contextlib.redirect_stdout(said),
    ):
        yield


@target
def printed(given: bytes) -> None:
    """Print what a board said, as text and as JSON: nothing of it steers a terminal."""
    source, said = shapes.Given(given), io.StringIO()
    found = link.answer_in(shapes.text_of({"ok": True, "x": odd_of(source), "y": odd_of(source)}))
    if found is None:
        return
    with _printing(said):
        terminal.print_json(found)
        terminal.print_pairs(found)
        terminal.print_rows([found, {"z": found}])
        terminal.tell(str(found))
    harmless(said.getvalue().replace("\n", ""), "the terminal")
    json.loads(said.getvalue().split("\n")[0])


def odd_of(source: shapes.Given) -> Any:
    """Return an odd value, or one of the samples, twisted."""
    if source.byte() & 1:
        return shapes.odd(source)
    return shapes.twisted(source, [*samples.EVENTS, samples.BOOT, samples.STATUS, samples.SEEN])
