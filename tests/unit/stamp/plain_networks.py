"""A stamp model without training: the carrier as it is, and a high-pass filter that sees it. Needs onnx."""

import hashlib
import json

import pytest


def write_model(folder, *, cap_levels=6.0):
    """Write the folder of a model that `load_model` takes."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper

    def plane(name):
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, "rows", "columns"])

    def number(name, value):
        return helper.make_tensor(name, onnx.TensorProto.FLOAT, [], [value])

    def save(name, nodes, inputs, numbers):
        graph = helper.make_graph(nodes, name, [plane(one) for one in inputs], [plane("found")], numbers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
        return hashlib.sha256((folder / f"{name}.onnx").read_bytes()).hexdigest()

    folder.mkdir(parents=True, exist_ok=True)
    node = helper.make_node
    embedder = save(
        "embedder",
        [
            node("Add", ["mean", "deviation"], ["sum"]),
            node("Mul", ["sum", "nothing"], ["zero"]),
            node("Mul", ["carrier", "gain"], ["wave"]),
            node("Add", ["wave", "zero"], ["whole"]),
            node("Tanh", ["whole"], ["found"]),
        ],
        ("mean", "deviation", "carrier"),
        [number("nothing", 0.0), number("gain", 0.8)],
    )
    extractor = save(
        "extractor",
        [
            node("AveragePool", ["mean"], ["low"], kernel_shape=[5, 5], pads=[2, 2, 2, 2], count_include_pad=0),
            node("Sub", ["mean", "low"], ["high"]),
            node("Max", ["high", "least"], ["bounded"]),
            node("Min", ["bounded", "most"], ["found"]),
        ],
        ("mean",),
        [number("least", -0.05), number("most", 0.05)],
    )
    facts = {
        "schema_version": 1, "name": "plain", "version": 1, "cap_levels": cap_levels, "stamped_score": 3.0,
        "uncertain_score": 2.0, "calibration": "none", "embedder_sha256": embedder, "extractor_sha256": extractor,
        "training": {"data": ["a (CC0)", "b (CC BY)"], "steps": 0},
    }  # fmt: skip
    (folder / "model.json").write_text(json.dumps(facts))
    return folder
