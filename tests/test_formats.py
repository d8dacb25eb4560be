"""A run can be read by Keras, by older tools, by TensorFlow and by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from figures import SHAPES, draw_shape

from vitrina import Shop
from vitrina.encoder import Encoder
from vitrina.photos import Pixels, decode
from vitrina.training.run import Run

pytestmark = pytest.mark.train

Answers = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def by_keras(file: str) -> Callable[[Path, Pixels], Answers]:
    def ask(place: Path, photos: Pixels) -> Answers:
        import keras

        model = keras.models.load_model(place / file, compile=False)
        probabilities, embedding = model.predict(photos, verbose=0)
        return probabilities, embedding

    return ask


def by_tensorflow(place: Path, photos: Pixels) -> Answers:
    import tensorflow

    served = tensorflow.saved_model.load(str(place / "saved_model"))
    probabilities, embedding = served.serve(photos)
    return np.asarray(probabilities), np.asarray(embedding)


def by_onnx(place: Path, photos: Pixels) -> Answers:
    encoder = Encoder(place / "model.onnx", threads=1)
    answers = [encoder.encode(photo) for photo in photos]
    return (
        np.stack([answer.probabilities for answer in answers]),
        np.stack([answer.embedding for answer in answers]),
    )


@pytest.mark.parametrize(
    "ask",
    [by_keras("model.h5"), by_tensorflow, by_onnx],
    ids=["HDF5", "SavedModel", "ONNX"],
)
def test_every_format_gives_the_same_answers(
    trained: tuple[Shop, Run], ask: Callable[[Path, Pixels], Answers]
) -> None:
    shop, run = trained
    place = shop.folder.runs / run.id
    photos = np.stack([decode(draw_shape(shape, 77)) for shape in SHAPES])
    expected = by_keras("model.keras")(place, photos)
    for own, other in zip(expected, ask(place, photos), strict=True):
        assert np.abs(own - other).max() < 1e-4
    assert expected[0].sum(axis=1) == pytest.approx(1, abs=1e-4)
