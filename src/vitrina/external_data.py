"""Whether an ONNX file wants weights from files beside it, which no bundle has.

ONNX lets a weight name a path instead of holding its values. Whoever can exchange a model could
then have the server read any file, so such a model is refused before ONNX Runtime sees it. The file
is walked field by field as Protocol Buffers lay it out; nothing but lengths is interpreted, and the
`onnx` package, which could tell as well, is no part of the installation that serves.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from vitrina.errors import BundleDamaged

_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _SPARSE, _TENSOR, _FUNCTION, _TRAINING = range(8)

_INSIDE: dict[int, dict[int, int]] = {
    _MODEL: {7: _GRAPH, 20: _TRAINING, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
    _FUNCTION: {7: _NODE, 11: _ATTRIBUTE},
    _TRAINING: {1: _GRAPH, 2: _GRAPH},
}
"""Which fields of which message hold messages that may hold weights: numbers of onnx.proto."""

_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_DEEPEST = 64
"""Messages inside messages; a graph of ours has five."""


def require_self_contained(model: Path) -> None:
    """Lets only a model through that holds all its weights.

    Args:
        model: The ONNX file.

    Raises:
        BundleDamaged: a weight lies elsewhere, or the file is no ONNX file.
    """
    try:
        with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            external = _looks_outside(view, 0, len(view), _MODEL, _DEEPEST)
    except (OSError, ValueError, IndexError) as error:
        raise BundleDamaged(
            f"{model.name} is no ONNX file.", hint="Publish again: vitrina publish."
        ) from error
    if external:
        raise BundleDamaged(
            f"{model.name} wants weights from other files; expected one that holds all of them.",
            hint="Publish again: vitrina publish.",
        )


def _looks_outside(view: mmap.mmap, start: int, stop: int, kind: int, depth: int) -> bool:
    """Whether a message, or one inside it, names other files; `view` from `start` to `stop`."""
    if not depth:
        raise ValueError("messages lie too deep")
    inside = _INSIDE[kind]
    while start < stop:
        key, start = _number(view, start)
        field, wire = key >> 3, key & 7
        if not field:
            raise ValueError("no field has the number 0")
        if wire == 0:
            value, start = _number(view, start)
            if kind == _TENSOR and field == _DATA_LOCATION and value:
                return True
            continue
        if wire == 2:
            length, start = _number(view, start)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError("no field of this kind is known")
        end = start + length
        if end > stop:
            raise ValueError("a field is longer than its message")
        if wire == 2:
            if kind == _TENSOR and field == _EXTERNAL_DATA:
                return True
            if field in inside and _looks_outside(view, start, end, inside[field], depth - 1):
                return True
        start = end
    return False


def _number(view: mmap.mmap, start: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    value = shift = 0
    while True:
        byte = view[start]
        start += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, start
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
