"""Weights converted from a package's archive, kept so that each archive is converted once."""

from __future__ import annotations

import importlib
import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina import atomic
from vitrina.errors import WeightsDamaged
from vitrina.progress import Progress
from vitrina.training import archives
from vitrina.training.descriptions import Backbone, Package

if TYPE_CHECKING:
    import keras

CONVERSION_VERSION = 1
"""To be raised whenever a conversion gives other numbers; older converted files are then unused."""

FILE_NAME = re.compile(r"(?P<backbone>\w+)-(?P<archive>[0-9a-f]{12})-v\d+\.weights\.h5")


def converted_path(backbone: Backbone, package: Package, cache: Path) -> Path:
    """The file in `cache` that holds the backbone's converted weights; its checksum is beside."""
    return cache / f"{backbone.name}-{package.sha256[:12]}-v{CONVERSION_VERSION}.weights.h5"


def load_kept(
    backbone: Backbone, package: Package, cache: Path, progress: Progress
) -> keras.Model | None:
    """The network from its converted file; None if that must be made (again)."""
    path = converted_path(backbone, package, cache)
    if not path.exists():
        return None
    from vitrina.training import network as networks

    if not checksum_holds(path):
        progress.say(f"{path} is damaged (its checksum is another one); it is made again.")
        return None
    try:
        return networks.load_converted(backbone, package, path)
    except WeightsDamaged as error:
        progress.say(f"{error.message} It is made again.")
        return None


def convert_archive(
    backbone: Backbone, package: Package, archive: Path, cache: Path, progress: Progress
) -> keras.Model:
    """Converts a verified archive, and keeps the result if the cache can be written."""
    from vitrina.training import network as networks
    from vitrina.training.conversion import fill

    module, _, function = package.conversion.partition(":")
    convert = getattr(importlib.import_module(module), function)
    network = networks.build_network(backbone, package)
    fill(network, convert(archives.read_members(archive, package), network))
    try:
        _keep(network, backbone, package, cache)
    except OSError as error:
        progress.say(f"Converted weights cannot be kept in {cache}: {error}.")
    networks.take_rgb(network, package)
    return network


def checksum_holds(path: Path) -> bool:
    """Whether a converted file is there, and is the one whose record lies beside it."""
    try:
        record = json.loads(_record_path(path).read_text(encoding="utf-8"))
        return bool(record["sha256"] == archives.sha256_of(path))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _keep(network: keras.Model, backbone: Backbone, package: Package, cache: Path) -> None:
    path = converted_path(backbone, package, cache)
    with tempfile.TemporaryDirectory(prefix="vitrina-") as folder:
        saved = Path(folder) / path.name
        network.save_weights(saved)
        atomic.write_bytes(path, saved.read_bytes())
        sha256 = archives.sha256_of(saved)
    record = {
        "backbone": backbone.name,
        "package": str(package),
        "archive_sha256": package.sha256,
        "conversion": CONVERSION_VERSION,
        "sha256": sha256,
    }
    atomic.write_json(_record_path(path), record)


def _record_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".weights.h5") + ".json")
