"""The side file of an ONNX encoder: what its graph does not say.

`encoder.json` beside `encoder.onnx`, in the words below or in those of `preprocessor_config.json`;
or a file of that name itself.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrina.errors import WeightsDamaged
from vitrina.training.descriptions import IMAGENET_STANDARDISED, Channels, Scaling, standardised

PUBLISHED = "preprocessor_config.json"
EXAMPLE = '{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "size": 224}'


@dataclass(frozen=True, kw_only=True)
class SideFile:
    """What is known of an encoder beside its graph.

    Attributes:
        scaling: What it wants in place of RGB 0..255.
        size: Height and width of the photo, pixels; 0 where nothing says it.
        output: Name of the output to use; empty leaves the choice to Vitrina.
        licence: Of the weights; empty where nothing says it.
        notice: What had to be guessed, for people; empty where nothing had to.
    """

    scaling: Scaling
    size: int = 0
    output: str = ""
    licence: str = ""
    notice: str = ""


def read_side_file(path: Path) -> SideFile:
    """Reads the side file of the encoder at `path`; without one, ImageNet's figures are taken.

    Raises:
        WeightsDamaged: It is there and cannot be understood.
    """
    for file in (path.with_suffix(".json"), path.with_name(PUBLISHED)):
        if file.is_file():
            return _read(file)
    return SideFile(
        scaling=IMAGENET_STANDARDISED,
        notice=f"{path.name} has no {path.stem}.json beside it that says how pixels are scaled: "
        "mean and deviation of ImageNet are taken. A CLIP or a SigLIP has its own; with these its "
        "features are worse.",
    )


def _read(file: Path) -> SideFile:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("expected an object")
        scaling, guessed = _scaling(content)
        return SideFile(
            scaling=scaling,
            size=_size(content),
            output=_text(content, "output"),
            licence=_text(content, "licence") or _text(content, "license"),
            notice=f"{file.name} names no mean and deviation: those of ImageNet are taken."
            if guessed
            else "",
        )
    except (OSError, ValueError, TypeError) as error:
        raise WeightsDamaged(
            f"{file} cannot be understood: {error}.", hint=f"Expected such as {EXAMPLE}."
        ) from error


def _scaling(content: dict[str, Any]) -> tuple[Scaling, bool]:
    """The scaling, and whether it had to be guessed."""
    if content.get("do_rescale", True) is not True:
        raise ValueError("do_rescale must be true; a graph that takes 0..255 cannot be described")
    factor = content.get("rescale_factor", 1 / 255)
    if not math.isclose(factor, 1 / 255, rel_tol=1e-3):
        raise ValueError(f"rescale_factor is {factor}, expected 1/255")
    if content.get("do_normalize", True) is False:
        return standardised((0.0,) * 3, (1.0,) * 3), False
    mean = content.get("mean", content.get("image_mean"))
    deviation = content.get("std", content.get("image_std"))
    if mean is None and deviation is None:
        return IMAGENET_STANDARDISED, True
    spread = _channels(deviation, "std")
    if min(spread) <= 0:
        raise ValueError("std must be above 0")
    return standardised(_channels(mean, "mean"), spread), False


def _channels(values: object, name: str) -> Channels:
    if not isinstance(values, list) or len(values) != 3:
        raise ValueError(f"{name} must be three numbers, for red, green and blue")
    red, green, blue = (float(value) for value in values)
    if not all(0 <= value <= 1 for value in (red, green, blue)):
        raise ValueError(f"{name} must be between 0 and 1")
    return red, green, blue


def _size(content: dict[str, Any]) -> int:
    """The photo's side: of the crop, where a larger photo is cropped."""
    size = content.get("crop_size") if content.get("do_center_crop", True) else None
    size = size or content.get("size") or 0
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or 0
    if not isinstance(size, int) or not (size == 0 or 16 <= size <= 1024):
        raise ValueError("size must be a whole number between 16 and 1024")
    return size


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")
    return value
