"""Files of TensorFlow.js: a model.json that lists arrays, and shards that hold their bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vitrina.errors import WeightsDamaged
from vitrina.training.conversion import Array

MODEL = "model.json"
ITEM_BYTES = 4
"""Of float32 and of int32, the only kinds that the files in question hold."""


def read_arrays(members: Mapping[str, bytes]) -> dict[str, Array]:
    """The float32 arrays of a model by name; int32 ones, which only shape tensors, are left out.

    Args:
        members: model.json and its shards, by their path in the archive.

    Raises:
        WeightsDamaged: A file is missing, or the bytes are more or fewer than model.json lists.
    """
    arrays: dict[str, Array] = {}
    for group in _manifest(members):
        stream = b"".join(_shard(members, path) for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            name, dtype, shape = entry["name"], entry["dtype"], entry["shape"]
            if dtype not in {"float32", "int32"} or "quantization" in entry:
                raise WeightsDamaged(f"{name}: expected plain float32 or int32, found {dtype}.")
            size = math.prod(shape)
            end = at + size * ITEM_BYTES
            if end > len(stream):
                raise WeightsDamaged(
                    f"{name}: expected bytes {at} to {end}, but the shards hold {len(stream)}."
                )
            if dtype == "float32":
                flat = np.frombuffer(stream, "<f4", size, at)
                arrays[name] = flat.reshape(shape).astype(np.float32)
            at = end
        if at != len(stream):
            raise WeightsDamaged(f"Expected {at} bytes in the shards, found {len(stream)}.")
    return arrays


def _manifest(members: Mapping[str, bytes]) -> list[dict[str, Any]]:
    try:
        manifest: list[dict[str, Any]] = json.loads(_shard(members, MODEL))["weightsManifest"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsDamaged(f"{MODEL} lists no weights: {error!r}.") from error
    return manifest


def _shard(members: Mapping[str, bytes], name: str) -> bytes:
    for path, content in members.items():
        if path.rpartition("/")[2] == name:
            return content
    raise WeightsDamaged(f"Expected a file {name} in the package, found none.")
