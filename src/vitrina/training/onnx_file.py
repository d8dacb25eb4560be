"""Reads somebody's ONNX file, finds out how it is to be run, and refuses what cannot be.

Size, layout and outputs come from the graph; how pixels are scaled is in no graph, so it comes
from a side file: `encoder.json` beside `encoder.onnx`, or the `preprocessor_config.json` that many
models are published with.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto

from vitrina.encoder import INPUT
from vitrina.errors import WeightsDamaged, WeightsNotFound
from vitrina.photos import SIZE
from vitrina.training.onnx_encoder import (
    FEATURES,
    OWN,
    OnnxEncoder,
    Pooling,
    feature_graph,
    prepared_graph,
    start_session,
)
from vitrina.training.onnx_side_file import SideFile, read_side_file

PREFIX = "onnx:"
OLDEST_OPSET = 11
MOST_BYTES = 2_000_000_000
"""One ONNX file holds 2 GiB at most, and what is deployed is one file."""

KNOWN_OUTPUTS = ("image_embeds", "pooler_output", "last_hidden_state")
"""What exporters call the embedding, the pooled class token and the tokens, best first."""

POOLINGS: dict[int, Pooling] = {2: "none", 3: "first token", 4: "average"}
"""How an output of so many axes becomes one row, best first."""

NUMBERS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.UINT8}
IMAGE_ALONE = "Export the image encoder alone: of a CLIP that is the vision model with projection."


def is_onnx(name: str) -> bool:
    """Whether a backbone's name means a file: `onnx:/path/encoder.onnx`."""
    return name.startswith(PREFIX)


def encoder_path(name: str) -> Path:
    """The file that such a name means."""
    return Path(name.removeprefix(PREFIX)).expanduser()


def load_encoder(path: Path) -> OnnxEncoder:
    """Finds out how an encoder is to be run, and runs it once.

    Args:
        path: The ONNX file; its numbers may lie in files beside it.

    Raises:
        WeightsNotFound: There is no such file.
        WeightsDamaged: It is no image encoder that can be run; or its side file cannot be read.
    """
    model = _read(path)
    side = read_side_file(path)
    entry = _only_input(model, path)
    layout, size = _shape(entry, side, path)
    sha256 = _checksum(path, model)
    encoder = OnnxEncoder(
        name=PREFIX + path.name,
        slug=f"onnx-{_plain(path.stem)}-{sha256[:8]}",
        path=path,
        sha256=sha256,
        input_name=entry.name,
        input_size=size,
        layout=layout,
        half=entry.type.tensor_type.elem_type == TensorProto.FLOAT16,
        scaling=side.scaling,
        output="",
        pooling="none",
        feature_dim=0,
        parameters=_parameters(model),
        licence=side.licence,
        notice=side.notice,
    )
    _load_numbers(model, path)
    output, pooling = _choose(_answers(encoder, model), side.output, path)
    encoder = dataclasses.replace(encoder, output=output, pooling=pooling)
    [[row]] = _run(feature_graph(encoder, model), [FEATURES], path)
    if not np.isfinite(row).all():
        raise WeightsDamaged(
            f"{path.name} answers to a photo with values that are no numbers.",
            hint="Its weights are damaged, or float16 is too small for them: export as float32.",
        )
    return dataclasses.replace(encoder, feature_dim=len(row))


def read_model(encoder: OnnxEncoder) -> onnx.ModelProto:
    """The whole file of an encoder, for `frozen_trunk` and `deployed_onnx`.

    Raises:
        WeightsNotFound: It is gone.
        WeightsDamaged: It is not the one that was loaded.
    """
    model = _read(encoder.path)
    if _checksum(encoder.path, model) != encoder.sha256:
        raise WeightsDamaged(
            f"{encoder.path} has changed since it was first read.", hint="Start again."
        )
    _load_numbers(model, encoder.path)
    return model


def _read(path: Path) -> onnx.ModelProto:
    """The graph, its numbers still in the files beside it."""
    if not path.is_file():
        raise WeightsNotFound(
            f"There is no image encoder {path}.", hint="Write onnx: and the file's path."
        )
    _require_size(path, [path])
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf has errors of its own
        raise WeightsDamaged(f"{path} is no ONNX file: {error}.") from error
    if not model.graph.node:
        raise WeightsDamaged(f"{path} is no ONNX file, or an empty one.")
    opset = {each.domain or "ai.onnx": each.version for each in model.opset_import}
    if opset.get("ai.onnx", OLDEST_OPSET) < OLDEST_OPSET:
        raise WeightsDamaged(
            f"{path.name} has opset {opset['ai.onnx']}, expected {OLDEST_OPSET} or newer.",
            hint=f"Export it again with opset {OLDEST_OPSET} or newer, such as 17.",
        )
    beside = _external_files(model, path)
    if missing := [file.name for file in beside if not file.is_file()]:
        raise WeightsNotFound(
            f"{path.name} keeps its numbers in {', '.join(missing[:3])}, which is missing.",
            hint=f"Put it into {path.parent}, under that very name.",
        )
    _require_size(path, [path, *beside])
    return model


def _external_files(model: onnx.ModelProto, path: Path) -> list[Path]:
    """Files beside `path` that hold the numbers of its graph."""
    locations = {
        onnx.external_data_helper.ExternalDataInfo(tensor).location
        for tensor in model.graph.initializer
        if onnx.external_data_helper.uses_external_data(tensor)
    }
    return [path.parent / location for location in sorted(locations)]


def _require_size(path: Path, files: Sequence[Path]) -> None:
    size = sum(file.stat().st_size for file in files)
    if size > MOST_BYTES:
        raise WeightsDamaged(
            f"{path.name} holds {size / 1e9:.1f} GB; what is deployed is one ONNX file, which can "
            f"hold {MOST_BYTES / 1e9:.0f} GB.",
            hint="Export it as float16, or choose a smaller encoder.",
        )


def _load_numbers(model: onnx.ModelProto, path: Path) -> None:
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # errors of several libraries
        raise WeightsDamaged(f"The numbers of {path.name} cannot be read: {error}.") from error


def _checksum(path: Path, model: onnx.ModelProto) -> str:
    checksum = hashlib.sha256()
    for file in (path, *_external_files(model, path)):
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                checksum.update(block)
    return checksum.hexdigest()


def _parameters(model: onnx.ModelProto) -> int:
    return sum(
        math.prod(tensor.dims) for tensor in model.graph.initializer if tensor.data_type in NUMBERS
    )


def _only_input(model: onnx.ModelProto, path: Path) -> onnx.ValueInfoProto:
    constants = {tensor.name for tensor in model.graph.initializer}
    entries = [entry for entry in model.graph.input if entry.name not in constants]
    if len(entries) != 1:
        names = ", ".join(entry.name for entry in entries) or "none"
        raise WeightsDamaged(
            f"{path.name} has {len(entries)} inputs ({names}), expected one for the image.",
            hint=IMAGE_ALONE,
        )
    tensor = entries[0].type.tensor_type
    if (
        tensor.elem_type not in {TensorProto.FLOAT, TensorProto.FLOAT16}
        or len(tensor.shape.dim) != 4
    ):
        kind = TensorProto.DataType.Name(tensor.elem_type).lower()
        raise WeightsDamaged(
            f"{path.name} has no input for an image: {entries[0].name} takes {kind} with "
            f"{len(tensor.shape.dim)} axes, expected float or float16 with 4.",
            hint=IMAGE_ALONE,
        )
    return entries[0]


def _shape(
    entry: onnx.ValueInfoProto, side: SideFile, path: Path
) -> tuple[Literal["NCHW", "NHWC"], int]:
    """Order of the input's axes, and the height and width of the photo."""
    batch, *axes = [axis.dim_value for axis in entry.type.tensor_type.shape.dim]
    layout: Literal["NCHW", "NHWC"] = "NHWC" if axes[2] == 3 and axes[0] != 3 else "NCHW"
    channels, height, width = axes if layout == "NCHW" else (axes[2], axes[0], axes[1])
    fixed = height or width
    if batch not in {0, 1} or channels not in {0, 3} or (height and width and height != width):
        raise WeightsDamaged(
            f"{path.name} takes images of shape {[batch, *axes]}, expected one square image of "
            "three channels, such as [1, 3, 224, 224].",
            hint="Export it for one image, or with an open first axis.",
        )
    if fixed and side.size and fixed != side.size:
        raise WeightsDamaged(
            f"{path.name} takes images of {fixed} pixels, its side file says {side.size}.",
            hint="Leave the size out of the side file.",
        )
    return layout, fixed or side.size or SIZE


def _run(model: onnx.ModelProto, outputs: list[str] | None, path: Path) -> list[npt.NDArray[Any]]:
    """Answers to one photo of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    session = start_session(model, path)
    try:
        answers: list[npt.NDArray[Any]] = session.run(outputs, {INPUT: noise})
    except Exception as error:  # ONNX Runtime has no common base for its errors
        raise WeightsDamaged(
            f"{path.name} cannot be run on one photo: {str(error)[:300]}.",
            hint='If it is made for another size, put {"size": 384} or so into its side file.',
        ) from error
    return answers


def _answers(encoder: OnnxEncoder, model: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    """What each of the file's outputs says to one photo, where that could be features."""
    graph = prepared_graph(encoder, model)
    names = [output.name.removeprefix(OWN) for output in graph.graph.output]
    return {
        name: answer
        for name, answer in zip(names, _run(graph, None, encoder.path), strict=True)
        if isinstance(answer, np.ndarray)
        and answer.dtype in (np.float32, np.float16)
        and answer.ndim in POOLINGS
        and answer.shape[0] == 1
        and answer.size > 1
    }


def _choose(answers: dict[str, npt.NDArray[Any]], wanted: str, path: Path) -> tuple[str, Pooling]:
    """The output to use: the wanted one, else a row, else tokens, else a map."""
    if wanted:
        if wanted not in answers:
            raise WeightsDamaged(
                f"The side file of {path.name} names the output {wanted!r}; usable are "
                f"{', '.join(answers) or 'none'}.",
            )
        return wanted, POOLINGS[answers[wanted].ndim]
    for axes, pooling in POOLINGS.items():
        fitting = [name for name, answer in answers.items() if answer.ndim == axes]
        known = [name for name in KNOWN_OUTPUTS if name in fitting]
        if known or len(fitting) == 1:
            return (known or fitting)[0], pooling
        if fitting:
            raise WeightsDamaged(
                f"{path.name} has several outputs that could be the features: "
                f"{', '.join(fitting)}.",
                hint=f'Name one in {path.stem}.json beside it: {{"output": "{fitting[0]}"}}.',
            )
    raise WeightsDamaged(
        f"{path.name} has no output that could be features: expected floats of shape (1, D), "
        "(1, tokens, D), or a map of 4 axes.",
        hint=IMAGE_ALONE,
    )


def _plain(stem: str) -> str:
    """The stem with nothing in it that a file system or an address could stumble over."""
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "encoder"
