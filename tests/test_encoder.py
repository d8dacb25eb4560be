"""The network in ONNX Runtime: only the right interface, only answers that are numbers."""

from __future__ import annotations

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drawing import COLOURS, drawn_photo
from tiny_network import write_model

from vitrina import encoder as encoder_module
from vitrina.encoder import SERVER_MEMORY, SERVING, Encoder, SessionChoices
from vitrina.errors import BundleDamaged, MissingExtra, TooLittleMemory
from vitrina.photos import decode
from vitrina.settings import Settings


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


@pytest.mark.parametrize(
    "choices",
    [
        SERVING,
        SessionChoices(arena=False),
        SessionChoices(spinning=True),
        *(SessionChoices(optimisation=level) for level in ("none", "basic", "extended")),
    ],
)
def test_choices_change_no_answer(tmp_path: Path, choices: SessionChoices) -> None:
    model = write_model(tmp_path / "model.onnx")
    photo = decode(drawn_photo())
    expected = Encoder(model, threads=1).encode(photo)
    received = Encoder(model, threads=2, choices=choices).encode(photo)
    assert np.allclose(received.probabilities, expected.probabilities, atol=1e-5)
    assert np.allclose(received.embedding, expected.embedding, atol=1e-5)


def test_no_more_threads_than_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for none, ONNX Runtime would start one for each processor of the machine."""
    asked: list[int] = []

    class Watched(encoder_module.ort.SessionOptions):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            if name == "intra_op_num_threads":
                asked.append(int(str(value)))
            super().__setattr__(name, value)

    monkeypatch.setattr(encoder_module.ort, "SessionOptions", Watched)
    for threads in (0, 1, 3):
        Encoder(write_model(tmp_path / "model.onnx"), threads=threads)
    assert asked == [1, 1, 3]


@pytest.mark.parametrize(
    ("cores", "slots", "threads", "expected"),
    [
        (1, 2, 0, 1),
        (2, 2, 0, 2),
        (2, 1, 0, 2),
        (4, 4, 0, 2),
        (8, 2, 0, 4),
        (2, 2, 2, 2),
        (1, 1, 3, 3),
    ],
)
def test_threads_follow_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, slots: int, threads: int, expected: int
) -> None:
    monkeypatch.setattr("vitrina.settings.usable_cores", lambda: cores)
    assert Settings(slots=slots, threads=threads).inference_threads == expected


def test_too_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_model(tmp_path / "model.onnx")
    monkeypatch.setattr(encoder_module, "memory_limit", lambda: SERVER_MEMORY)
    with pytest.raises(TooLittleMemory, match=r"may have 150 MB of memory; model.onnx"):
        Encoder(model, threads=1)
    for enough in (0, 512 * 2**20):
        monkeypatch.setattr(encoder_module, "memory_limit", lambda limit=enough: limit)
        assert Encoder(model, threads=1).classes == 3


def test_openvino_answers_the_same(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx")
    plain, other = (Encoder(model, threads=1, engine=one) for one in ("auto", "openvino"))
    assert other.classes == 3
    photos = [decode(drawn_photo(colour)) for colour in COLOURS.values()]
    with ThreadPoolExecutor(3) as pool:  # each thread has a request of its own
        received = list(pool.map(other.encode, photos * 4))
    for photo, answer in zip(photos * 4, received, strict=True):
        expected = plain.encode(photo)
        assert np.allclose(answer.probabilities, expected.probabilities, atol=1e-4)
        assert np.allclose(answer.embedding, expected.embedding, atol=1e-4)
        assert answer.embedding.dtype == np.float32


def test_openvino_is_held_to_the_same_interface(tmp_path: Path) -> None:
    with pytest.raises(BundleDamaged, match=r"model.onnx takes .*expected"):
        Encoder(write_model(tmp_path / "model.onnx", side=192), threads=1, engine="openvino")
    broken = Encoder(
        write_model(tmp_path / "model.onnx", factor=math.nan), threads=1, engine="openvino"
    )
    with pytest.raises(BundleDamaged, match="not a number"):
        broken.encode(decode(drawn_photo()))
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(BundleDamaged, match="cannot be loaded") as refusal:
        Encoder(tmp_path / "model.onnx", threads=1, engine="openvino")
    assert str(tmp_path) not in refusal.value.message


def test_openvino_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_module, "openvino_installed", lambda: False)
    with pytest.raises(MissingExtra, match="openvino is not installed"):
        Encoder(write_model(tmp_path / "model.onnx"), threads=1, engine="openvino")


def test_only_the_engine_that_is_used_is_imported(tmp_path: Path) -> None:
    """Importing OpenVINO costs a third of a second; asked for, it opens no connection."""
    model = write_model(tmp_path / "model.onnx")
    code = (
        "import socket, sys; from pathlib import Path\n"
        "def refuse(*_): raise SystemExit('a connection')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from vitrina.encoder import Encoder\n"
        "Encoder(Path(sys.argv[1]), threads=1, engine=sys.argv[2])\n"
        "print('openvino' in sys.modules, 'onnx' in sys.modules)"
    )
    for engine, expected in (("auto", "False False"), ("openvino", "True False")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(model), engine],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert done.stdout.strip() == expected
