"""A trained network on the disk in the four formats that others can read.

model.keras    Keras 3
model.h5       HDF5, as older tools of Keras and TensorFlow read it
saved_model/   TensorFlow SavedModel, with the signature `serve`
model.onnx     ONNX, one photo a call: what a bundle serves

Of a network on an encoder of one's own there is the last alone, for Keras does not know the
encoder; head.keras beside it is what was learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np

from vitrina import atomic
from vitrina.encoder import INPUT, OUTPUTS
from vitrina.evaluation.metrics import Probabilities
from vitrina.photos import Pixels
from vitrina.training.batch_inference import run_in_batches
from vitrina.training.deployed import deployed_network
from vitrina.training.loading import LoadedBackbone, LoadedEncoder
from vitrina.training.onnx_conversion import to_onnx
from vitrina.training.onnx_encoder import deployed_onnx, frozen_trunk
from vitrina.training.onnx_file import encoder_path, load_encoder, read_model

KERAS, HDF5, SAVED_MODEL, ONNX = "model.keras", "model.h5", "saved_model", "model.onnx"
HEAD = "head.keras"


def save_network(loaded: LoadedBackbone | LoadedEncoder, head: keras.Model, folder: Path) -> int:
    """Writes what was trained into a run's folder.

    Args:
        loaded: The backbone, its last layers as they were learned.
        head: What stands on it.
        folder: Exists; nothing of those names is in it.

    Returns:
        How many numbers the deployed network holds.
    """
    if isinstance(loaded, LoadedBackbone):
        model = deployed_network(loaded.network, head)
        save_all_formats(model, folder)
        return int(model.count_params())
    head.save(folder / HEAD)
    save_onnx(loaded, head, folder)
    return loaded.description.parameters + int(head.count_params())


def save_onnx(loaded: LoadedBackbone | LoadedEncoder, head: keras.Model, folder: Path) -> None:
    """Writes what was trained as model.onnx alone, which is all that a server needs."""
    if isinstance(loaded, LoadedBackbone):
        deployed = deployed_network(loaded.network, head)
        converted = to_onnx(deployed, input_name=INPUT, output_names=OUTPUTS)
    else:
        converted = deployed_onnx(loaded.description, loaded.model, head)
    atomic.write_bytes(folder / ONNX, converted.SerializeToString())


def load_classifier(folder: Path, backbone: str) -> Callable[[Sequence[Pixels]], Probabilities]:
    """What a run learned, as Keras runs it: photos -> (N, C) float32.

    Args:
        folder: Of the run.
        backbone: What its plan names; an encoder of one's own must still be where it was.

    Raises:
        WeightsError: that encoder is gone or is another one.
    """
    if (folder / KERAS).exists():
        trained = keras.models.load_model(folder / KERAS)
        classifier = keras.Model(trained.input, trained.outputs[0])
        return lambda photos: run_in_batches(classifier, np.stack(photos))
    encoder = load_encoder(encoder_path(backbone))
    encode, head = (
        frozen_trunk(encoder, read_model(encoder)),
        keras.models.load_model(folder / HEAD),
    )
    return lambda photos: run_in_batches(head, np.stack([encode(photo) for photo in photos]))


def save_all_formats(model: keras.Model, folder: Path) -> None:
    """Writes a deployed network (`vitrina.training.deployed`) in all four formats.

    Args:
        model: (N, 224, 224, 3) uint8 -> probabilities and embedding.
        folder: Exists; nothing of those names is in it.
    """
    model.save(folder / KERAS)
    with _no_legacy_warning():
        model.save(folder / HDF5)
    model.export(folder / SAVED_MODEL, format="tf_saved_model", verbose=False)
    converted = to_onnx(model, input_name=INPUT, output_names=OUTPUTS)
    atomic.write_bytes(folder / ONNX, converted.SerializeToString())


@contextmanager
def _no_legacy_warning() -> Iterator[None]:
    """Keras advises against HDF5 each time; whoever needs it needs it all the same."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)
