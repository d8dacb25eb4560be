"""A real bundle without training: a network that knows categories by their mean colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from drawing import COLOURS, Colour
from onnx import TensorProto, helper, numpy_helper

from vitrina.bundle import Bundle, BundleInfo, activate, goods_array, write_bundle
from vitrina.encoder import Encoder
from vitrina.folder import ShopFolder
from vitrina.golden import make_golden
from vitrina.photos import decode
from vitrina.store.database import open_database
from vitrina.store.products import list_photos

SLUGS = ("kabeli", "lamps", "sockets")
"""Slugs that the categories of `draw_catalogue` get: English ones where it names them."""

EMBEDDING_SIZE = 4
SPREAD = 1500.0
"""Squared distance of colours that makes a category e times less probable."""


def tiny_model(
    colours: Sequence[Colour] = tuple(COLOURS.values()),
    *,
    side: int = 224,
    input_name: str = "photo",
    outputs: Sequence[str] = ("probabilities", "embedding"),
    factor: float = 1.0,
    embedding_size: int = EMBEDDING_SIZE,
    mirrored: bool = False,
    bias: float = 0.1,
) -> bytes:
    """ONNX: (1, 224, 224, 3) uint8 -> softmax over distances of colours, unit embedding.

    Args:
        colours: Mean colour of each category.
        side: Of the photo that it takes; any other than 224 is a wrong network.
        input_name: Of the photo.
        outputs: Names of both answers.
        factor: Everything is multiplied by it: NaN gives a network that answers no numbers.
        embedding_size: 4, or more for a network that does not fit its goods.
        mirrored: Another network, whose embeddings say how dark each colour is.
        bias: The last numbers of every embedding; with 0, that of a black photo is no number.
    """

    def constant(name: str, values: object, kind: type = np.float32) -> object:
        return numpy_helper.from_array(np.asarray(values, dtype=kind), name)

    probabilities, embedding = outputs
    nodes = [
        helper.make_node("Cast", [input_name], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "factor"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Sub", ["colours", "mean"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["squared"]),
        helper.make_node("ReduceSum", ["squared", "last"], ["distance"], keepdims=0),
        helper.make_node("Div", ["distance", "spread"], ["logits"]),
        helper.make_node("Reshape", ["logits", "one_row"], ["row"]),
        helper.make_node("Softmax", ["row"], [probabilities], axis=1),
        helper.make_node("Sub", ["dark", "mean"], ["level"]),
        helper.make_node("Div", ["level", "white"], ["light"]),
        helper.make_node("Concat", ["light", "bias"], ["joined"], axis=1),
        helper.make_node("ReduceL2", ["joined"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Div", ["joined", "length"], [embedding]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.UINT8, [1, side, side, 3])],
        [
            helper.make_tensor_value_info(probabilities, TensorProto.FLOAT, [1, len(colours)]),
            helper.make_tensor_value_info(embedding, TensorProto.FLOAT, [1, embedding_size]),
        ],
        [
            constant("factor", factor),
            constant("colours", colours),
            constant("last", [1], np.int64),
            constant("spread", -SPREAD),
            constant("one_row", [1, -1], np.int64),
            constant("dark", 255.0 if mirrored else 0.0),
            constant("white", 255.0 if mirrored else -255.0),
            constant("bias", np.full((1, embedding_size - 3), bias)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return bytes(model.SerializeToString())


def tiny_info(version: str = "tiny-1", **changes: object) -> BundleInfo:
    """A description that fits `tiny_model`."""
    values: dict[str, object] = {
        "version": version,
        "backbone": "tiny",
        "run": "run-1",
        "created": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "categories": SLUGS,
        "embedding_size": EMBEDDING_SIZE,
        "fill_threshold": 0.9,
        "metrics": {},
        "provenance": {},
    }
    return BundleInfo(**(values | changes))  # type: ignore[arg-type]


def publish_tiny(
    folder: ShopFolder,
    *,
    version: str = "tiny-1",
    model: bytes | None = None,
    changes: Mapping[str, object] | None = None,
    decisions: bytes | None = None,
) -> Bundle:
    """Publishes a network for a shop, with the tiny one's embeddings of all its photos.

    Args:
        folder: The shop.
        version: Of the bundle.
        model: Another network than the tiny one.
        changes: Of what bundle.json says.
        decisions: decisions.npz.
    """
    bundle = write_tiny(folder, version=version, model=model, changes=changes, decisions=decisions)
    activate(folder.bundles, version)
    return bundle


def write_tiny(
    folder: ShopFolder,
    *,
    version: str = "tiny-1",
    model: bytes | None = None,
    encoding: bytes | None = None,
    changes: Mapping[str, object] | None = None,
    decisions: bytes | None = None,
) -> Bundle:
    """The same without making it the one that is served.

    Args:
        folder: The shop.
        version: Of the bundle.
        model: Another network than the tiny one.
        encoding: The network that embeds the goods; the tiny one where None.
        changes: Of what bundle.json says.
        decisions: decisions.npz.
    """
    place = folder.cache / f"{version}.onnx"
    place.write_bytes(encoding or tiny_model())
    encoder = Encoder(place, threads=1)
    place.unlink()
    with open_database(folder.database).reading() as connection:
        files = {photo.sha256: photo.suffix for photo in list_photos(connection)}
    embeddings = [
        encoder.encode(decode(folder.photo(sha, suffix).read_bytes())).embedding
        for sha, suffix in files.items()
    ]
    return write_bundle(
        folder.bundles,
        tiny_info(version, **(changes or {})),
        model or encoding or tiny_model(),
        goods_array(list(files), np.stack(embeddings)),
        decisions,
        golden=make_golden(encoder) if model is None else None,
    )


def write_model(place: Path, **options: object) -> Path:
    """Puts a tiny network at `place`."""
    place.write_bytes(tiny_model(**options))  # type: ignore[arg-type]
    return place
