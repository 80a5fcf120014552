"""onnxruntime's side: the same weights as an ONNX model, inference only."""

from __future__ import annotations

from typing import Any

import onnx
import onnxruntime
from onnx import helper, numpy_helper

from benchmarks.machine import cores
from benchmarks.problem import Array, Problem, softmax

__all__ = ["build", "model", "threads", "versions"]

# What the model uses is as old; every onnxruntime of the last years reads it.
OPSET, IR = 17, 8


def model(problem: Problem) -> onnx.ModelProto:
    """Return the network as Gemm and Relu nodes, from "x" (batch, inputs) to "logits"."""
    floating = helper.np_dtype_to_tensor_dtype(problem.dtype)
    nodes: list[onnx.NodeProto] = []
    constants: list[onnx.TensorProto] = []
    value = "x"
    for layer, (weight, bias) in enumerate(problem.weights):
        names = [f"weight{layer}", f"bias{layer}"]
        constants += map(numpy_helper.from_array, (weight, bias), names)
        last = layer == len(problem.weights) - 1
        result = "logits" if last else f"linear{layer}"
        nodes.append(helper.make_node("Gemm", [value, *names], [result], transB=1))
        if not last:
            value = f"relu{layer}"
            nodes.append(helper.make_node("Relu", [result], [value]))
    sizes = (("x", problem.sizes[0]), ("logits", problem.sizes[-1]))
    x, y = (helper.make_tensor_value_info(n, floating, ["batch", size]) for n, size in sizes)
    graph = helper.make_graph(nodes, "mlp", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)


class Inference:
    """A session with the model."""

    def __init__(self, problem: Problem) -> None:
        options = onnxruntime.SessionOptions()
        # As many as the other sides have; by itself it counts cores in a way of its own.
        options.intra_op_num_threads = cores()
        content = model(problem).SerializeToString()
        self.session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def convert(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Arrays are what onnxruntime takes."""
        return x, y

    def wait(self, result: Any) -> None:
        """Nothing runs on."""

    def evaluate(self) -> None:
        """Nothing to prepare."""

    def infer(self, x: Array) -> Array:
        """Return the logits."""
        logits: Array = self.session.run(None, {"x": x})[0]
        return logits

    def probabilities(self, x: Array) -> Array:
        """Return the probability of every class in every row."""
        return softmax(self.infer(x))


def build(problem: Problem) -> Inference:
    """Return the inference of a problem."""
    return Inference(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    return {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}


threads = cores
