"""Whole numbers: the same answers nearly, and served only where they are as good and faster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from convolutional import convolutional_model, drawn_photos

from vitrina import precision
from vitrina.encoder import Encoder
from vitrina.errors import BundleDamaged, QuantisationFailed
from vitrina.precision import Asked, Figures, HeldOut, choose_precision, judge, recall
from vitrina.progress import SILENT
from vitrina.quantize import quantise

pytestmark = pytest.mark.train

FP32 = Figures(top1=0.95, recall_8=0.8, cosine=1.0, ms=9.0, megabytes=9.0)
INT8 = Figures(top1=0.95, recall_8=0.8, cosine=0.99, ms=6.0, megabytes=2.5, kept=1)


@pytest.fixture(scope="module")
def model() -> bytes:
    return convolutional_model(layers=8)


@pytest.fixture(scope="module")
def smaller(model: bytes) -> bytes:
    return quantise(model, drawn_photos(12), kept=1)


def encoder(folder: Path, content: bytes) -> Encoder:
    file = folder / "model.onnx"
    file.write_bytes(content)
    return Encoder(file, threads=1)


def held_out(number: int = 12) -> HeldOut:
    labels = np.arange(number) % 3
    return HeldOut(drawn_photos(number, seed=1), labels, labels)


def test_whole_numbers_answer_nearly_the_same(tmp_path: Path, model: bytes, smaller: bytes) -> None:
    answers = []
    for name, content in (("a", model), ("b", smaller)):
        (tmp_path / name).mkdir()
        one = encoder(tmp_path / name, content)
        answers.append([one.encode(photo) for photo in drawn_photos(8, seed=2)])
    for plain, whole in zip(*answers, strict=True):
        assert float(plain.embedding @ whole.embedding) > 0.99
        assert np.abs(plain.probabilities - whole.probabilities).max() < 0.05
        assert np.linalg.norm(whole.embedding) == pytest.approx(1, abs=1e-5)
        assert whole.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kept", [0, 1, 6])
def test_what_stays_in_floating_point(model: bytes, kept: int) -> None:
    graph = onnx.load_from_string(quantise(model, drawn_photos(4), kept=kept)).graph
    whole = {
        name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output
    }
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert [node.input[1] in whole for node in convolutions] == [
        number >= kept for number in range(8)
    ]
    last = [node for node in graph.node if node.op_type in ("MatMul", "Gemm", "Softmax", "Div")]
    assert len(last) == 3
    assert not any(name in whole for node in last for name in node.input)


def test_weights_have_seven_bits(smaller: bytes) -> None:
    """With eight, processors without VNNI overflow."""
    graph = onnx.load_from_string(smaller).graph
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert len(weights) == 7
    assert all(np.abs(one.astype(int)).max() <= 64 for one in weights)
    assert max(np.abs(one.astype(int)).max() for one in weights) > 60


def test_a_network_that_cannot_be_quantised() -> None:
    from tiny_network import tiny_model

    with pytest.raises(QuantisationFailed, match="no convolution"):
        quantise(tiny_model(), drawn_photos(2), kept=1)


@pytest.mark.parametrize(
    ("change", "accepted", "said"),
    [
        ({}, True, "0.67 of the time"),
        ({"top1": 0.9471}, True, "94.71%"),
        ({"top1": 0.947}, False, "top-1 may fall by less than 0.3 points"),
        ({"top1": 0.96, "recall_8": 0.9}, True, "96.00%"),
        ({"recall_8": 0.79}, False, "recall may fall by less than 0.3 points"),
        ({"ms": 8.2}, False, "at most 0.9 of the time"),
        ({"ms": 12.0}, False, "1.33 of the time"),
        ({"top1": float("nan")}, False, "top-1 may fall"),
    ],
)
def test_judging(change: dict[str, float], accepted: bool, said: str) -> None:
    answer, why = judge(FP32, replace(INT8, **change))
    assert answer is accepted
    assert said in why


@pytest.mark.parametrize(
    ("asked", "tried", "served", "said", "attempts"),
    [
        ("auto", [{}], "int8", "0.67 of the time", 1),
        ("auto", [{"ms": 9.5}], "fp32", "1.06 of the time", 1),
        ("auto", [{"top1": 0.9}, {}], "int8", "0.67 of the time", 2),
        ("auto", [{"top1": 0.9}, {"top1": 0.9}], "fp32", "may fall", 2),
        ("int8", [{}], "int8", "It was asked for.", 1),
        ("int8", [{"top1": 0.5, "ms": 20.0}] * 2, "int8", "may fall", 2),
        ("fp32", [], "fp32", "It was asked for.", 0),
    ],
)
def test_choosing(
    monkeypatch: pytest.MonkeyPatch,
    model: bytes,
    asked: Asked,
    tried: list[dict[str, float]],
    served: str,
    said: str,
    attempts: int,
) -> None:
    made: list[int] = []

    def made_up(plain: bytes, whole: bytes, photos: HeldOut, kept: int) -> tuple[Figures, Figures]:
        assert plain == model
        assert whole == f"int8 {kept}".encode()
        return FP32, replace(INT8, kept=kept, **tried[len(made) - 1])

    def quantised(content: bytes, photos: object, *, kept: int) -> bytes:
        made.append(kept)
        return f"int8 {kept}".encode()

    monkeypatch.setattr(precision, "ENOUGH_HELD_OUT", 12)
    monkeypatch.setattr(precision, "measure_both", made_up)
    monkeypatch.setattr(precision, "quantise", quantised)
    content, choice = choose_precision(model, drawn_photos(2), held_out(), asked, SILENT)
    assert choice.served == served
    assert choice.asked == asked
    assert said in choice.why
    assert len(made) == attempts
    assert content == (model if served == "fp32" else f"int8 {made[-1]}".encode())
    told = choice.as_json()
    if attempts:
        assert told["fp32"]["ms"] == 9.0
        assert told["int8"]["kept"] == made[-1]
        assert told["processor"]
    else:
        assert told["fp32"] is told["int8"] is None


def test_measured_for_real(model: bytes) -> None:
    photos = held_out()
    content, choice = choose_precision(model, drawn_photos(6), photos, "int8", SILENT)
    assert choice.served == "int8"
    assert content != model
    assert choice.photos == 12
    assert choice.fp32 is not None
    assert choice.int8 is not None
    assert choice.fp32.cosine == 1.0
    assert 0.98 < choice.int8.cosine <= 1.0
    assert choice.fp32.ms > 0 < choice.int8.ms


def test_too_few_photos_to_judge_by(model: bytes) -> None:
    content, choice = choose_precision(model, drawn_photos(2), held_out(), "auto", SILENT)
    assert content == model
    assert choice.served == "fp32"
    assert "Only 12 photos" in choice.why


def test_a_network_without_convolutions_is_served_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tiny_network import tiny_model

    monkeypatch.setattr(precision, "ENOUGH_HELD_OUT", 12)
    content, choice = choose_precision(tiny_model(), drawn_photos(2), held_out(), "auto", SILENT)
    assert content == tiny_model()
    assert choice.served == "fp32"
    assert "cannot be quantised" in choice.why
    with pytest.raises(QuantisationFailed):
        choose_precision(tiny_model(), drawn_photos(2), held_out(), "int8", SILENT)


def test_no_numbers_are_guarded_in_both(tmp_path: Path) -> None:
    broken = encoder(tmp_path, convolutional_model(weight=float("nan")))
    with pytest.raises(BundleDamaged, match="not a number"):
        broken.encode(drawn_photos(1)[0])


def test_recall() -> None:
    directions = np.eye(4, dtype=np.float32)
    near = (directions + 0.1 * directions[[1, 0, 3, 2]]).astype(np.float32)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    assert recall(near, np.array([0, 0, 1, 1]), 1) == 1.0
    assert recall(near, np.array([0, 1, 0, 1]), 1) == 0.0
    assert recall(near, np.array([0, 0, 0, 1]), 1) == pytest.approx(2 / 3)  # the last is alone
    assert recall(near, np.arange(4), 8) == 1.0
