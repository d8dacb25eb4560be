"""The network in ONNX Runtime: only the right interface, only answers that are numbers."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drawing import COLOURS, drawn_photo
from tiny_network import write_model

from vitrina.encoder import Encoder
from vitrina.errors import BundleDamaged
from vitrina.photos import decode


def test_encode(tmp_path: Path) -> None:
    encoder = Encoder(write_model(tmp_path / "model.onnx"), threads=1)
    assert encoder.classes == 3
    for number, colour in enumerate(COLOURS.values()):
        encoded = encoder.encode(decode(drawn_photo(colour)))
        assert encoded.probabilities.shape == (3,)
        assert encoded.probabilities.dtype == encoded.embedding.dtype == np.float32
        assert encoded.probabilities.argmax() == number
        assert encoded.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(encoded.embedding) == pytest.approx(1, abs=1e-5)


def test_classify_is_encode_of_each(tmp_path: Path) -> None:
    encoder = Encoder(write_model(tmp_path / "model.onnx"), threads=1)
    photos = np.stack([decode(drawn_photo(colour)) for colour in COLOURS.values()])
    expected = [encoder.encode(photo).probabilities for photo in photos]
    assert np.array_equal(encoder.classify(photos), expected)


def test_several_threads_at_once(tmp_path: Path) -> None:
    encoder = Encoder(write_model(tmp_path / "model.onnx"), threads=2)
    photos = [decode(drawn_photo(colour)) for colour in COLOURS.values()] * 8
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda photo: encoder.encode(photo).probabilities, photos))
    assert [int(answer.argmax()) for answer in answers] == [0, 1, 2] * 8


@pytest.mark.parametrize(
    "options",
    [
        {"side": 192},
        {"input_name": "image"},
        {"outputs": ("embedding", "probabilities")},
        {"outputs": ("probabilities", "features")},
    ],
)
def test_wrong_interface(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(BundleDamaged, match=r"model.onnx takes .*expected"):
        Encoder(write_model(tmp_path / "model.onnx", **options), threads=1)


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.98])
def test_truncated(tmp_path: Path, part: float) -> None:
    path = write_model(tmp_path / "model.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(BundleDamaged, match=r"model.onnx (cannot be loaded|takes)") as refusal:
        Encoder(path, threads=1)
    assert str(tmp_path) not in refusal.value.message


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(BundleDamaged, match="cannot be loaded"):
        Encoder(tmp_path / "model.onnx", threads=1)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_answers_that_are_no_numbers(tmp_path: Path, factor: float) -> None:
    encoder = Encoder(write_model(tmp_path / "model.onnx", factor=factor), threads=1)
    with pytest.raises(BundleDamaged, match="not a number"):
        encoder.encode(decode(drawn_photo()))
