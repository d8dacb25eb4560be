"""What heavy image encoders cost: ViT-B/16 and the image half of CLIP ViT-B/32, random weights.

    python benchmarks/heavy_encoders.py OUT [vit_b16 clip_b32] [--measure] [--rounds 30]

Writes each as OUT/<name>.onnx, with its side file, so that it also serves as a backbone:
`--backbone onnx:OUT/vit_b16.onnx`. Random weights know nothing, so accuracy measured with them
means nothing; milliseconds, memory and start-up are those of trained ones, because a processor
multiplies any numbers alike. The reference study left both out unmeasured, as needing over 16 GB
of memory and over 500 ms a photo; that is its claim, and no figure of this script.

`--measure` starts a fresh process for each encoder and number of threads, and prints: parameters,
megabytes of the file, multiply-adds a photo (counted from the shapes), seconds until the session
is ready, milliseconds an inference (median and 95th percentile, and processor milliseconds, which
hardly change when others use the machine), peak resident memory and what of it the process held
before the session. MobileNetV2 stands beside them, as Keras builds it. Linux only: memory is read
from /proc.

The networks: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; Radford et al.,
"Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
SIZE = 224


@dataclass(frozen=True)
class Transformer:
    """An image transformer.

    Attributes:
        patch: Side of a patch, pixels.
        width: Numbers a token.
        layers: Blocks of attention and feed-forward.
        heads: Of attention, in each block.
        quick_gelu: CLIP's approximation x * sigmoid(1.702 x); otherwise the exact GELU.
        normalised_first: Whether tokens are normalised before the first block, as in CLIP.
        projection: Length of the embedding that the class token is projected to; 0 for none.
        mean: Of the photos that such an encoder was trained on, 0 to 1, by channel.
        std: Their deviation.
    """

    patch: int
    width: int = 768
    layers: int = 12
    heads: int = 12
    quick_gelu: bool = False
    normalised_first: bool = False
    projection: int = 0
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    @property
    def tokens(self) -> int:
        """Patches, and the class token."""
        return (SIZE // self.patch) ** 2 + 1


ENCODERS = {
    "vit_b16": Transformer(patch=16),
    "clip_b32": Transformer(
        patch=32,
        quick_gelu=True,
        normalised_first=True,
        projection=512,
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    ),
}


def main() -> None:
    """Writes the files, and measures them if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", default=list(ENCODERS))
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--child", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measure_here(asked.out, asked.child, asked.rounds)))
        return
    if unknown := set(asked.names) - set(ENCODERS):
        parser.error(f"no such encoder: {', '.join(unknown)}; known: {', '.join(ENCODERS)}")
    asked.out.mkdir(parents=True, exist_ok=True)
    files = [write(name, ENCODERS[name], asked.out) for name in asked.names]
    if asked.measure:
        print(f"{platform.machine()}, {os.cpu_count()} cores, ONNX Runtime {ort.__version__}")
        for file in [*files, write_mobilenet(asked.out)]:
            print(describe(file))
            for threads in (1, 2):
                print(f"  {threads} thread(s): {measure(file, threads, asked.rounds)}")


def write(name: str, network: Transformer, folder: Path) -> Path:
    """Writes an encoder and its side file."""
    file = folder / f"{name}.onnx"
    onnx.save(build(network), file)
    side = {"mean": network.mean, "std": network.std, "size": SIZE, "licence": "random weights"}
    file.with_suffix(".json").write_text(json.dumps(side) + "\n", encoding="utf-8")
    print(f"{file}: {file.stat().st_size / 1e6:.0f} MB")
    return file


def write_mobilenet(folder: Path) -> Path:
    """MobileNetV2 without classifier, for scale: what a shop's server runs today."""
    from vitrina.training.framework import load_framework

    load_framework()
    import keras

    from vitrina.training.onnx_conversion import to_onnx

    network = keras.applications.MobileNetV2(weights=None, include_top=False, pooling="avg")
    network = keras.Model(photo := keras.Input((SIZE, SIZE, 3)), network(photo))
    file = folder / "mobilenet_v2.onnx"
    onnx.save(to_onnx(network, input_name="pixels", output_names=["features"]), file)
    return file


def build(network: Transformer) -> onnx.ModelProto:
    """(N, 3, 224, 224) float32 -> tokens, (N, T, width), or the embedding, (N, projection)."""
    graph = _Graph(network)
    width, side = network.width, SIZE // network.patch
    x = graph.add(
        "Conv",
        "pixel_values",
        graph.weights("patches", width, 3, network.patch, network.patch),
        *([] if network.normalised_first else [graph.weights("patches_bias", width)]),
        strides=[network.patch, network.patch],
    )
    x = graph.add("Reshape", x, graph.whole_numbers(0, width, side * side))
    x = graph.add("Transpose", x, perm=[0, 2, 1])
    batch = graph.add("Shape", "pixel_values", start=0, end=1)
    shape = graph.add("Concat", batch, graph.whole_numbers(1, width), axis=0)
    token = graph.add("Expand", graph.weights("class_token", 1, 1, width), shape)
    x = graph.add("Concat", token, x, axis=1)
    x = graph.add("Add", x, graph.weights("positions", 1, network.tokens, width))
    if network.normalised_first:
        x = graph.normalised(x, "first")
    for number in range(network.layers):
        x = graph.add("Add", x, graph.attention(graph.normalised(x, f"{number}_a"), number))
        x = graph.add("Add", x, graph.feed_forward(graph.normalised(x, f"{number}_b"), number))
    if not network.projection:
        graph.normalised(x, "last")
        return graph.finish("last_hidden_state", ["N", network.tokens, width])
    x = graph.add("Gather", x, graph.constant(np.array(0, np.int64)), axis=1)
    x = graph.normalised(x, "last")
    graph.add("MatMul", x, graph.weights("projection", width, network.projection))
    return graph.finish("image_embeds", ["N", network.projection])


class _Graph:
    """A graph that grows node by node; each method returns the name of what it made."""

    def __init__(self, network: Transformer) -> None:
        self._network = network
        self._random = np.random.default_rng(0)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **options: Any) -> str:
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **options))
        return name

    def constant(self, values: np.ndarray, name: str = "") -> str:
        name = name or f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(values, name))
        return name

    def whole_numbers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def weights(self, name: str, *shape: int) -> str:
        drawn = self._random.standard_normal(shape, np.float32)
        return self.constant(drawn * np.float32(0.02), name)

    def dense(self, x: str, name: str, inputs: int, outputs: int) -> str:
        x = self.add("MatMul", x, self.weights(f"{name}_kernel", inputs, outputs))
        return self.add("Add", x, self.weights(f"{name}_bias", outputs))

    def normalised(self, x: str, name: str) -> str:
        width = self._network.width
        scale = self.constant(np.ones(width, np.float32), f"norm_{name}_scale")
        return self.add(
            "LayerNormalization",
            x,
            scale,
            self.weights(f"norm_{name}_bias", width),
            axis=-1,
            epsilon=1e-5,
        )

    def attention(self, x: str, number: int) -> str:
        """softmax(q k^T / sqrt(d)) v in each head, and a projection behind all of them."""
        width, heads = self._network.width, self._network.heads
        split = self.whole_numbers(0, 0, heads, width // heads)
        query, key, value = (
            self.add("Reshape", self.dense(x, f"{number}_{part}", width, width), split)
            for part in ("query", "key", "value")
        )
        query, value = (self.add("Transpose", part, perm=[0, 2, 1, 3]) for part in (query, value))
        scores = self.add("MatMul", query, self.add("Transpose", key, perm=[0, 2, 3, 1]))
        root = self.constant(np.array((width / heads) ** -0.5, np.float32))
        shares = self.add("Softmax", self.add("Mul", scores, root), axis=-1)
        mixed = self.add("Transpose", self.add("MatMul", shares, value), perm=[0, 2, 1, 3])
        joined = self.add("Reshape", mixed, self.whole_numbers(0, 0, width))
        return self.dense(joined, f"{number}_attended", width, width)

    def feed_forward(self, x: str, number: int) -> str:
        width = self._network.width
        x = self.gelu(self.dense(x, f"{number}_wide", width, 4 * width))
        return self.dense(x, f"{number}_narrow", 4 * width, width)

    def gelu(self, x: str) -> str:
        if self._network.quick_gelu:
            steeper = self.add("Mul", x, self.constant(np.array(1.702, np.float32)))
            return self.add("Mul", x, self.add("Sigmoid", steeper))
        scaled = self.add("Div", x, self.constant(np.array(2**0.5, np.float32)))
        share = self.add("Add", self.add("Erf", scaled), self.constant(np.array(1, np.float32)))
        half = self.constant(np.array(0.5, np.float32))
        return self.add("Mul", self.add("Mul", x, share), half)

    def finish(self, output: str, shape: list[str | int]) -> onnx.ModelProto:
        """The last node's answer becomes the output."""
        self._nodes[-1].output[0] = output
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info("pixel_values", 1, ["N", 3, SIZE, SIZE])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
            self._constants,
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        onnx.checker.check_model(model)
        return model


def describe(file: Path) -> str:
    """Parameters, size and work a photo."""
    model = onnx.load(file)
    parameters = sum(
        int(np.prod(tensor.dims))
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT
    )
    return (
        f"{file.stem}: {parameters / 1e6:.1f} M parameters, {file.stat().st_size / 1e6:.0f} MB, "
        f"{multiplications(model) / 1e9:.2f} G multiply-adds a photo"
    )


def multiplications(model: onnx.ModelProto) -> int:
    """Multiply-adds of all convolutions and matrix products for one photo."""
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[0].dim_value = 1
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*inferred.value_info, *inferred.input, *inferred.output)
    } | {tensor.name: list(tensor.dims) for tensor in inferred.initializer}
    count = 0
    for node in inferred.node:
        answer = int(np.prod(shapes.get(node.output[0], [0])))
        if node.op_type == "Conv":
            count += answer * int(np.prod(shapes[node.input[1]][1:]))
        elif node.op_type in {"MatMul", "Gemm"}:
            count += answer * shapes[node.input[0]][-1]
    return count


def measure(file: Path, threads: int, rounds: int) -> str:
    """What a fresh process says that did nothing else."""
    command = [
        sys.executable,
        __file__,
        str(file),
        "--child",
        str(threads),
        "--rounds",
        str(rounds),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    return (
        f"session ready after {found['start_s']:.2f} s, p50 {found['p50_ms']:.1f} ms, "
        f"p95 {found['p95_ms']:.1f} ms, processor {found['processor_ms']:.1f} ms, "
        f"peak memory {found['peak_mb']:.0f} MB ({found['before_mb']:.0f} MB before)"
    )


def measure_here(file: Path, threads: int, rounds: int) -> dict[str, float]:
    """Loads the encoder in this process and asks it `rounds` times, after three to warm up."""
    before = peak_mb()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # as Vitrina serves
    begun = time.perf_counter()
    session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    started = time.perf_counter() - begun
    [entry] = session.get_inputs()
    shape = [1, *entry.shape[1:]]
    photo = np.random.default_rng(0).standard_normal(shape, np.float32)
    for _ in range(3):
        session.run(None, {entry.name: photo})
    taken = []
    processor = time.process_time()
    for _ in range(rounds):
        begun = time.perf_counter()
        session.run(None, {entry.name: photo})
        taken.append((time.perf_counter() - begun) * 1e3)
    return {
        "start_s": started,
        "p50_ms": float(np.percentile(taken, 50)),
        "p95_ms": float(np.percentile(taken, 95)),
        "processor_ms": (time.process_time() - processor) * 1e3 / rounds,
        "peak_mb": peak_mb(),
        "before_mb": before,
    }


def peak_mb() -> float:
    """The most memory that this process ever held; `getrusage` would begin at its parent's."""
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) / 1e3


if __name__ == "__main__":
    main()
