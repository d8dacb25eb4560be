"""The photo whose answer is known, and models that want more than their own file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tiny_network import tiny_model, write_model

from vitrina import external_data
from vitrina.encoder import Encoded, Encoder
from vitrina.errors import BundleDamaged
from vitrina.external_data import require_self_contained
from vitrina.golden import EXACT, QUANTISED, check_golden, golden_photo, make_golden
from vitrina.photos import Pixels


class Turned(Encoder):
    """A network whose answers are a little off.

    Args:
        model: The network's file.
        angle: Radians between its embeddings and the right ones.
        raised: What the first probability is too high by.
    """

    def __init__(self, model: Path, *, angle: float = 0, raised: float = 0) -> None:
        super().__init__(model, threads=1)
        self.angle, self.raised = angle, raised

    def encode(self, pixels: Pixels) -> Encoded:
        right = super().encode(pixels)
        across = np.roll(right.embedding, 1)
        across -= (across @ right.embedding) * right.embedding
        across /= np.linalg.norm(across)
        return Encoded(
            right.probabilities + np.float32([self.raised, 0, 0]),
            (np.cos(self.angle) * right.embedding + np.sin(self.angle) * across).astype(np.float32),
        )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


def test_the_photo_never_changes() -> None:
    photo = golden_photo()
    assert (photo.shape, photo.dtype) == ((224, 224, 3), np.uint8)
    assert np.array_equal(photo, golden_photo())
    assert all(photo[..., channel].std() > 30 for channel in range(3))


def test_the_same_network_answers_the_same(model: Path) -> None:
    content = make_golden(Encoder(model, threads=1))
    answered = check_golden(content, Encoder(model, threads=2))
    assert np.linalg.norm(answered.embedding) == pytest.approx(1, abs=1e-5)
    assert len(content) < 100_000


@pytest.mark.parametrize(
    ("tolerance", "angle", "is_right"),
    [
        # the distance is half the square of the angle
        (EXACT, 0.03, True),
        (EXACT, 0.06, False),
        (QUANTISED, 0.06, True),
        (QUANTISED, 0.25, False),
        (EXACT, np.pi / 2, False),
        (EXACT, np.pi, False),
    ],
)
def test_other_embeddings(model: Path, tolerance: float, angle: float, is_right: bool) -> None:
    content = make_golden(Encoder(model, threads=1), tolerance=tolerance)
    network = Turned(model, angle=angle)
    if is_right:
        check_golden(content, network)
    else:
        with pytest.raises(BundleDamaged, match="differently on this machine") as refusal:
            check_golden(content, network)
        assert "Publish on a machine of this kind" in refusal.value.hint


@pytest.mark.parametrize(("raised", "is_right"), [(0.009, True), (0.011, False), (-0.3, False)])
def test_other_probabilities(model: Path, raised: float, is_right: bool) -> None:
    content = make_golden(Encoder(model, threads=1))
    network = Turned(model, raised=raised)
    if is_right:
        check_golden(content, network)
    else:
        with pytest.raises(BundleDamaged, match="probabilities 0"):
            check_golden(content, network)


def test_of_another_network(model: Path, tmp_path: Path) -> None:
    wider = write_model(tmp_path / "wider.onnx", embedding_size=5)
    content = make_golden(Encoder(wider, threads=1))
    with pytest.raises(BundleDamaged, match="belongs to another network"):
        check_golden(content, Encoder(model, threads=1))
    with pytest.raises(BundleDamaged, match="differently on this machine"):
        check_golden(
            make_golden(Encoder(write_model(tmp_path / "o.onnx", mirrored=True), threads=1)),
            Encoder(model, threads=1),
        )


def archive(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        archive(photo=np.zeros(3)),
        archive(photo=np.zeros((9, 9, 3), np.uint8), probabilities=[1], embedding=[1], tolerance=1),
        archive(photo=np.array([None]), probabilities=[1], embedding=[1], tolerance=1),
        archive(photo=golden_photo(), probabilities=[1], embedding=[1], tolerance=[1, 2]),
    ],
)
def test_a_file_that_is_none(model: Path, content: bytes) -> None:
    with pytest.raises(BundleDamaged, match=r"golden.npz"):
        check_golden(content, Encoder(model, threads=1))


def outside(name: str = "w") -> TensorProto:
    """A weight whose values lie in another file."""
    tensor = TensorProto(name=name, dims=[1], data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return tensor


def graph_of(tensor: TensorProto) -> onnx.GraphProto:
    return helper.make_graph([], "inner", [], [], [tensor])


def test_a_model_of_its_own(model: Path) -> None:
    require_self_contained(model)


@pytest.mark.parametrize(
    "place",
    ["initializer", "constant", "branch", "branches", "sparse", "function", "tensors", "training"],
)
def test_weights_elsewhere_are_refused_wherever_they_are_named(tmp_path: Path, place: str) -> None:
    content = onnx.load_from_string(tiny_model())
    graph = content.graph
    attribute = graph.node[0].attribute.add(name="more")
    match place:
        case "initializer":
            graph.initializer.append(outside())
        case "constant":
            attribute.t.CopyFrom(outside())
        case "branch":
            attribute.g.CopyFrom(graph_of(outside()))
        case "branches":
            attribute.graphs.append(graph_of(outside()))
        case "tensors":
            attribute.tensors.append(outside())
        case "sparse":
            graph.sparse_initializer.add().values.CopyFrom(outside())
        case "function":
            node = content.functions.add(name="f").node.add(op_type="Constant")
            node.attribute.add(name="value").t.CopyFrom(outside())
        case "training":
            content.training_info.add().algorithm.CopyFrom(graph_of(outside()))
    path = tmp_path / "model.onnx"
    path.write_bytes(content.SerializeToString())
    with pytest.raises(BundleDamaged, match="wants weights from other files"):
        require_self_contained(path)


def test_a_location_alone_is_enough(tmp_path: Path) -> None:
    content = onnx.load_from_string(tiny_model())
    content.graph.initializer[0].data_location = TensorProto.EXTERNAL
    path = tmp_path / "model.onnx"
    path.write_bytes(content.SerializeToString())
    with pytest.raises(BundleDamaged, match="wants weights from other files"):
        require_self_contained(path)


def test_every_message_that_may_hold_weights_is_looked_into() -> None:
    """Against the definitions themselves: what a later version of ONNX adds is not forgotten."""
    kinds = {
        "ModelProto": external_data._MODEL, "GraphProto": external_data._GRAPH,
        "NodeProto": external_data._NODE, "AttributeProto": external_data._ATTRIBUTE,
        "SparseTensorProto": external_data._SPARSE, "TensorProto": external_data._TENSOR,
        "FunctionProto": external_data._FUNCTION, "TrainingInfoProto": external_data._TRAINING,
    }  # fmt: skip
    for name, kind in kinds.items():
        fields = getattr(onnx, name).DESCRIPTOR.fields
        expected = {
            field.number: kinds[field.message_type.name]
            for field in fields
            if field.message_type is not None and field.message_type.name in kinds
        }
        assert external_data._INSIDE[kind] == expected, name
    numbers = {field.name: field.number for field in TensorProto.DESCRIPTOR.fields}
    assert numbers["external_data"] == external_data._EXTERNAL_DATA
    assert numbers["data_location"] == external_data._DATA_LOCATION


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89HDF\r\n\x1a\n" + bytes(2048),  # what Keras wrote before
        b"PK\x03\x04" + bytes(2048),  # what it writes now
        b"\x80\x04\x95" + bytes(64),  # a pickle
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x3a\x05ab",
        b"\x3a",
        b"\x0b",
        tiny_model()[:-7],
    ],
)
def test_what_is_no_onnx_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BundleDamaged, match=r"model.onnx is no ONNX file"):
        require_self_contained(path)


def test_messages_without_end(tmp_path: Path) -> None:
    content = b""
    for _ in range(2000):
        # a graph in an attribute in a node in a graph
        for field in (0x32, 0x2A, 0x0A):
            content = bytes([field]) + varint(len(content)) + content
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x3a" + varint(len(content)) + content)
    with pytest.raises(BundleDamaged, match="is no ONNX file"):
        require_self_contained(path)


def varint(number: int) -> bytes:
    content = bytearray()
    while number >= 0x80:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*content, number])
