"""ONNX: the layers read from a file give what the file's network gives; what a board cannot run
is named.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from host.heads.test_training import CONFIG, tones
from nearhum_host.errors import HostError
from nearhum_host.heads import card, fitting, layers, training, windows
from nearhum_host.heads.onnx_graph import layers_of
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

RANDOM = np.random.default_rng(8)
N = 24
Node = tuple[str, list[np.ndarray], dict[str, Any]]


def some(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def saved(path: Path, shape: Sequence[int], nodes: Sequence[Node], outs: int = -1) -> Path:
    """Write a graph that is one line of nodes, each with constants behind the value; returns
    path.
    """
    made, constants, value = [], [], "features"
    for i, (kind, given, known) in enumerate(nodes):
        names = [f"{kind}{i}.{j}" for j in range(len(given))]
        constants += [
            numpy_helper.from_array(array, name) for array, name in zip(given, names, strict=True)
        ]
        made.append(
            helper.make_node(
                kind, [value, *names], [f"out{i}"], name=f"{kind.lower()}_{i}", **known
            )
        )
        value = f"out{i}"
    graph = helper.make_graph(
        made,
        "net",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, ["batch", "out"])],
        constants,
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        str(path),
    )
    return path


def of(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


# name: (shape of the input, nodes up to the embedding)
NETS: dict[str, tuple[list[int], list[Node]]] = {
    "dense": (
        [N],
        [("Gemm", [some(N, 8), some(8)], {}), ("Relu", [], {}),
         ("Gemm", [some(5, 8), some(5)], {"transB": 1})],
    ),
    "keras dense": (
        [N],
        [("MatMul", [some(N, 8)], {}), ("Add", [some(8)], {}), ("Relu", [], {}),
         ("MatMul", [some(8, 5)], {})],
    ),
    "scaled": (
        [N],
        [
            ("Sub", [some(N)], {}), ("Div", [np.abs(some(N)) + 1], {}),
            ("Gemm", [some(N, 8), some(8)], {}),
            ("BatchNormalization", [some(8), some(8), some(8), np.abs(some(8)) + 0.5], {}),
            ("Relu", [], {}), ("Mul", [some(1)], {}),
            ("Gemm", [some(8, 4), some(4)], {"alpha": 0.5, "beta": 2.0}),
        ],
    ),
    "torch convolutions": (
        [1, N],
        [
            ("Conv", [some(6, 1, 5), some(6)], {}),
            ("BatchNormalization", [some(6), some(6), some(6), np.abs(some(6)) + 0.5], {}),
            ("Relu", [], {}), ("Conv", [some(5, 6, 3), some(5)], {"strides": [2]}),
            ("Relu", [], {}), ("Flatten", [], {}), ("Gemm", [some(45, 4), some(4)], {}),
        ],
    ),
    "keras convolution over rows": (
        [N],
        [
            ("Reshape", [of(-1, 6, 4)], {}), ("Transpose", [], {"perm": [0, 2, 1]}),
            ("Conv", [some(6, 4, 2), some(6)], {}), ("Relu", [], {}),
            ("Transpose", [], {"perm": [0, 2, 1]}), ("Reshape", [of(-1, 30)], {}),
            ("Gemm", [some(30, 4), some(4)], {}),
        ],
    ),
    "largest of each filter": (
        [N],
        [
            ("Unsqueeze", [of(1, 3)], {}), ("Squeeze", [of(-1)], {}),
            ("Conv", [some(6, 1, 5), some(6)], {}), ("Relu", [], {}),
            ("ReduceMax", [], {"axes": [2], "keepdims": 0}), ("Gemm", [some(6, 4), some(4)], {}),
        ],
    ),
    "largest of each filter, positions first": (
        [N],
        [
            ("Unsqueeze", [of(1)], {}), ("Conv", [some(6, 1, 5), some(6)], {}),
            ("Transpose", [], {"perm": [0, 2, 1]}), ("ReduceMax", [], {"axes": [1]}),
            ("Flatten", [], {}), ("Gemm", [some(6, 4), some(4)], {}),
        ],
    ),
    "mean of each filter": (
        [1, N],
        [
            ("Conv", [some(6, 1, 5), some(6)], {}), ("Relu", [], {}), ("GlobalAveragePool", [], {}),
            ("Flatten", [], {}), ("Dropout", [], {}), ("Gemm", [some(6, 4), some(4)], {}),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_the_layers_give_what_the_network_gives(name: str, tmp_path: Path) -> None:
    shape, nodes = NETS[name]
    x = RANDOM.integers(-100, 100, (9, N)).astype(np.float32)
    wanted = ReferenceEvaluator(str(saved(tmp_path / "cut.onnx", shape, nodes))).run(
        None, {"features": x.reshape(9, *shape)}
    )
    classes = [("Gemm", [some(wanted[0].shape[1], 3), some(3)], {}), ("Softmax", [], {"axis": 1})]
    found = layers_of(saved(tmp_path / "net.onnx", shape, [*nodes, *classes]))
    assert layers.forward(found, x.astype(float)) == pytest.approx(wanted[0], rel=1e-4, abs=1e-3)
    # without a softmax nothing is cut
    assert len(layers_of(tmp_path / "cut.onnx")) == len(found)
    layers.quantised(found, x.astype(float))


REFUSED: dict[str, tuple[list[int], list[Node], str]] = {
    "a node no board runs": (
        [N],
        [("Gemm", [some(N, 8), some(8)], {}), ("Tanh", [], {})],
        r"tanh_1 \(Tanh\)",
    ),
    "padding": ([1, N], [("Conv", [some(6, 1, 5)], {"pads": [2, 2]})], r"conv_0 \(Conv\) pads"),
    "dilation": ([1, N], [("Conv", [some(6, 1, 5)], {"dilations": [2]})], "conv_0.*dilations"),
    "two dimensions": ([1, 4, 6], [("Conv", [some(6, 1, 2, 2)], {})], "conv_0.*one dimension"),
    "channels first": ([4, 6], [("Conv", [some(6, 4, 2)], {})], "conv_0.*another order"),
    "too wide": ([1, N], [("Conv", [some(6, 1, 25)], {})], "conv_0.*fewer than its width"),
    "a relu of nothing": ([N], [("Relu", [], {}), ("Gemm", [some(N, 8), some(8)], {})], "relu_0"),
    "a softmax alone": (
        [N],
        [("Gemm", [some(N, 8), some(8)], {}), ("Softmax", [], {})],
        "no layer before its softmax",
    ),
    "a scale at the end": (
        [N],
        [("Gemm", [some(N, 8), some(8)], {}), ("Mul", [some(8)], {})],
        "behind its last layer",
    ),
    "behind the softmax": (
        [N],
        [("Gemm", [some(N, 8)], {}), ("Softmax", [], {}), ("Relu", [], {})],
        "relu_2.*follows",
    ),
    "not flat": ([4, 6], [("Gemm", [some(6, 8), some(8)], {})], "gemm_0.*takes 6"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_board_cannot_run_is_named(what: str, tmp_path: Path) -> None:
    shape, nodes, words = REFUSED[what]
    path = saved(tmp_path / "net.onnx", shape, nodes)
    with pytest.raises(HostError, match=words) as refused:
        layers_of(path)
    assert refused.value.hint


def test_a_network_with_branches_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["features"], ["a"], name="left"),
        helper.make_node("Add", ["features", "a"], ["b"], name="sum"),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "net",
        [info("features", TensorProto.FLOAT, [1, N])],
        [info("b", TensorProto.FLOAT, ["batch", "out"])],
    )
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, ir_version=9), str(path))
    with pytest.raises(HostError, match="left"):
        layers_of(path)


def test_too_many_rows_are_named(tmp_path: Path) -> None:
    net = [("Gemm", [some(N, 200), some(200)], {}), ("Relu", [], {}), ("Gemm", [some(200, 4)], {})]
    found = layers_of(saved(tmp_path / "net.onnx", [N], net))
    with pytest.raises(HostError, match="gemm_0.*200 rows"):
        layers.check_fits(found, N)


def test_no_onnx_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    with pytest.raises(HostError, match="cannot read"):
        layers_of(path)
    path.write_bytes(b"nothing of that kind")
    with pytest.raises(HostError, match="not a sound ONNX file"):
        layers_of(path)


def test_an_imported_head_is_judged_by_the_firmware(tmp_path: Path) -> None:
    """A network trained here, written as ONNX with its softmax, and imported: the same head but
    for its card.
    """
    recordings = tones(1)
    own = card.unpack(training.train(recordings, CONFIG, "lda", 6).head)
    n_in, n_out = own.n_in, own.n_out
    of_all = windows.of_recordings(recordings, CONFIG)
    fitted = fitting.fit("lda", of_all.x, of_all.label, of_all.session, 6).layers[0]
    classes = [("Gemm", [some(n_out, 4)], {}), ("Softmax", [], {})]
    gemm = ("Gemm", [fitted.weights.T.astype(np.float32), fitted.bias.astype(np.float32)], {})
    found = layers_of(saved(tmp_path / "net.onnx", [n_in], [gemm, *classes]))
    made = training.import_head(recordings, CONFIG, found, {"imported": "net.onnx"})
    assert card.unpack(made.head).card["imported"] == "net.onnx"
    row = made.figures["accuracy"][0]
    assert row["cut, int8"] >= 0.9
    assert abs(row["cut, int8"] - row["cut"]) <= 0.03


# ---- files that are small and ask for much (shared case small_files_large_memory) ----------------


def two_dense(path: Path, shape: Sequence[int], before: Sequence[Any] = (), more: Any = ()) -> Path:
    """Write Gemm, Relu, Gemm, Softmax over an input of that shape; before: nodes that lead to "q",
    where there are any. more: constants beside, which may lie.
    """
    first = "q" if any("q" in node.output for node in before) else "x"
    nodes = [
        *before,
        helper.make_node("Gemm", [first, "w"], ["h"], transB=1),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("Gemm", ["r", "w2"], ["s"], transB=1),
        helper.make_node("Softmax", ["s"], ["y"]),
    ]
    constants = [
        numpy_helper.from_array(np.ones((4, 8), np.float32), "w"),
        numpy_helper.from_array(np.ones((3, 4), np.float32), "w2"),
    ]
    named = {tensor.name for tensor in more}
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [*more, *(tensor for tensor in constants if tensor.name not in named)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("shape", [(1, 30000, 30000), (1, 2**31, 2**31), (1, 4097)])
def test_an_input_larger_than_any_board_has(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(HostError, match=r"input 'x' has \d+ values"):
        layers_of(two_dense(tmp_path / "bomb.onnx", shape))


def test_constants_of_every_form(tmp_path: Path) -> None:
    """Only a tensor was known: any other form was a defect."""
    for given in ({"value_float": 1.0}, {"value_ints": [1, 2]}, {"value_floats": [1.0]}):
        node = helper.make_node("Constant", [], ["c"], **given)
        assert len(layers_of(two_dense(tmp_path / "const.onnx", (1, 8), [node]))) == 1
    node = helper.make_node("Constant", [], ["c"], value_string=b"x")
    with pytest.raises(HostError, match="no plain constant"):
        layers_of(two_dense(tmp_path / "const.onnx", (1, 8), [node]))


def test_constants_that_lie(tmp_path: Path) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, raw_data=b"1234")
    tensor.dims.extend([10**6, 10**6])
    outside = TensorProto(name="w", data_type=TensorProto.FLOAT)
    outside.dims.extend([4, 8])
    outside.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../secret.txt"), ("length", "128")):
        entry = outside.external_data.add()
        entry.key, entry.value = key, value
    (tmp_path / "secret.txt").write_bytes(bytes(128))
    for more in (tensor, outside):
        (tmp_path / "in").mkdir(exist_ok=True)
        with pytest.raises(HostError, match="lie.onnx"):
            layers_of(two_dense(tmp_path / "in" / "lie.onnx", (1, 8), more=[more]))
    (tmp_path / "large.onnx").write_bytes(bytes((1 << 24) + 1))
    with pytest.raises(HostError, match="16777217 bytes"):
        layers_of(tmp_path / "large.onnx")


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("Reshape", {}), ("Transpose", {"perm": [9, 9]}), ("Squeeze", {}),
        ("BatchNormalization", {"epsilon": -1.0}), ("Conv", {"strides": [0]}),
        ("MaxPool", {"kernel_shape": [0]}), ("AveragePool", {"kernel_shape": [10**9]}),
        ("ReduceMean", {"axes": [99]}), ("afresh", {}), ("dense", {}), ("Flatten", {"axis": 77}),
        ("Conv", {"pads": [10**9, 10**9], "kernel_shape": [1]}), ("Div", {}),
        ("Unsqueeze", {"axes": [50]}), ("Gemm", {"alpha": float("nan")}),
    ],
)  # fmt: skip
def test_nodes_that_make_no_sense(tmp_path: Path, kind: str, known: dict[str, Any]) -> None:
    node = helper.make_node(
        kind, ["x", "w"] if kind in ("Conv", "Div", "Gemm") else ["x"], ["q"], **known
    )
    with pytest.raises(HostError):
        layers_of(two_dense(tmp_path / "op.onnx", (1, 8), [node]))
