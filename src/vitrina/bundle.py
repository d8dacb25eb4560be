"""A bundle: everything that serving needs of a trained model, in one folder.

bundles/<version>/bundle.json   what it is, thresholds, figures, checksums
bundles/<version>/model.onnx    uint8 photo in; probabilities and embedding out
bundles/<version>/goods.npy     embeddings of the shop's photos, by SHA-256
bundles/<version>/decisions.npz when the search box is filled; where enough photos were watched
bundles/<version>/golden.npz    a photo and what the network makes of it (`vitrina.golden`)
bundles/active                  the version that is served; below it, those that were before

`active` is one file, so that it changes in one step: no crash leaves a version that is served and
another idea of what came before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina import atomic
from vitrina.errors import BundleDamaged, NoBundle
from vitrina.photos import DECODER_VERSION, SIZE

FORMAT = 1
MODEL = "model.onnx"
GOODS = "goods.npy"
DECISIONS = "decisions.npz"
GOLDEN = "golden.npz"

_ACTIVE = "active"
_REMEMBERED = 20
"""Versions that were served before and that `active` keeps the names of."""

GUESSED_THRESHOLD = 0.6
_LENGTH_TOLERANCE = 0.01


@dataclass(frozen=True, kw_only=True)
class BundleInfo:
    """What bundle.json says.

    Attributes:
        version: Name of the folder.
        backbone: What the network is built on.
        run: The training run that it comes from.
        created: When it was published, UTC, ISO 8601.
        categories: Slugs in the order of the probabilities.
        embedding_size: Length of the embedding.
        fill_threshold: Confidence from which the search box is filled where there is no
            decisions.npz.
        preprocessing: What the network takes: size, layout, version of the decoder.
        metrics: Figures measured on this very file.
        provenance: Data fingerprint, seed, weights and versions of the run.
        checksums: SHA-256 of the other files, by name.
        format: Version of this description.
    """

    version: str
    backbone: str
    run: str
    created: str
    categories: tuple[str, ...]
    embedding_size: int
    metrics: dict[str, Any]
    provenance: dict[str, Any]
    preprocessing: dict[str, Any] = field(
        default_factory=lambda: {
            "size": SIZE,
            "layout": "NHWC",
            "colour": "RGB",
            "dtype": "uint8",
            "decoder": DECODER_VERSION,
        }
    )
    fill_threshold: float = GUESSED_THRESHOLD
    checksums: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on the disk.

    Attributes:
        folder: Where it lies.
        info: What it says about itself.
    """

    folder: Path
    info: BundleInfo

    @property
    def model(self) -> Path:
        """The network."""
        return self.folder / MODEL

    @property
    def made_by(self) -> str:
        """SHA-256 of the network, which tells its embeddings from those of every other."""
        return self.info.checksums[MODEL]

    @property
    def size_bytes(self) -> int:
        """All that is deployed."""
        return sum(file.stat().st_size for file in self.folder.iterdir())

    def goods(self) -> npt.NDArray[np.void]:
        """Embeddings of the shop's photos, mapped: fields sha256 (S64), embedding ((D,) float16).

        The embeddings have unit length.

        Raises:
            BundleDamaged: the file is none of that kind.
        """
        try:
            goods: npt.NDArray[np.void] = np.load(
                self.folder / GOODS, mmap_mode="r", allow_pickle=False
            )
        except (OSError, ValueError, EOFError) as error:
            raise _damaged(self.folder, f"{GOODS} cannot be read ({_plain(error)})") from error
        if goods.ndim != 1 or goods.dtype != goods_dtype(self.info.embedding_size):
            raise _damaged(
                self.folder,
                f"{GOODS} does not hold embeddings of the length {self.info.embedding_size}",
            )
        return goods

    def decisions(self) -> bytes | None:
        """decisions.npz, as `vitrina.evaluation.decisions` reads it; None where there is none."""
        return self._optional(DECISIONS)

    def golden(self) -> bytes | None:
        """golden.npz, as `vitrina.golden` reads it; None in bundles of before it was written."""
        return self._optional(GOLDEN)

    def _optional(self, name: str) -> bytes | None:
        return (self.folder / name).read_bytes() if name in self.info.checksums else None


def goods_dtype(embedding_size: int) -> np.dtype[np.void]:
    """Of the records that goods.npy holds."""
    return np.dtype([("sha256", "S64"), ("embedding", np.float16, (embedding_size,))])


def goods_array(sha256: Sequence[str], embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    """What `Bundle.goods` reads, from names and (N, D) float32 of unit length.

    Raises:
        BundleDamaged: an embedding has not that length: it would be near everything or nothing.
    """
    lengths = np.linalg.norm(embeddings.astype(np.float32), axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) < _LENGTH_TOLERANCE))  # also what is no number
    if len(wrong):
        raise BundleDamaged(
            f"The embedding of the photo {sha256[int(wrong[0])][:16]} has the length "
            f"{lengths[wrong[0]]:.3g}, expected 1; so have {len(wrong)} of {len(sha256)}.",
            hint="The network answers what cannot be compared: train again, then publish.",
        )
    goods = np.zeros(len(sha256), dtype=goods_dtype(embeddings.shape[1]))
    goods["sha256"] = [name.encode() for name in sha256]
    goods["embedding"] = embeddings
    return goods


def write_bundle(
    bundles: Path,
    info: BundleInfo,
    model: bytes,
    goods: npt.NDArray[np.void],
    decisions: bytes | None = None,
    golden: bytes | None = None,
) -> Bundle:
    """Puts a complete bundle into `bundles`; it is not active yet.

    Args:
        bundles: The shop's.
        info: What it says of itself; its checksums are filled in.
        model: The ONNX file.
        goods: As `goods_array` makes them.
        decisions: As `DecisionModel.to_bytes` makes it.
        golden: As `vitrina.golden.make_golden` makes it.
    """
    with atomic.new_folder(bundles / info.version) as folder:
        (folder / MODEL).write_bytes(model)
        np.save(folder / GOODS, goods)
        if decisions is not None:
            (folder / DECISIONS).write_bytes(decisions)
        if golden is not None:
            (folder / GOLDEN).write_bytes(golden)
        checksums = {file.name: _checksum(file) for file in sorted(folder.iterdir())}
        atomic.write_json(folder / "bundle.json", asdict(info) | {"checksums": checksums})
    return read_bundle(bundles / info.version)


def read_bundle(folder: Path, *, verify: bool = True) -> Bundle:
    """Reads a bundle.

    Args:
        folder: Of one version.
        verify: Whether checksums are compared: once a start, and whenever it is published.

    Raises:
        BundleDamaged: a file is missing or is not the one that was written, or the description
            cannot be used by this version of Vitrina.
    """
    try:
        content = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            raise _damaged(folder, f"its format is {content.get('format')!r}, expected {FORMAT}")
        info = BundleInfo(**{**content, "categories": tuple(content["categories"])})
        decoder, checked = info.preprocessing.get("decoder"), info.checksums.items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"bundle.json cannot be read ({_plain(error)})") from error
    if decoder != DECODER_VERSION:
        raise _damaged(folder, "it was made with another version of the photo decoder")
    if not {MODEL, GOODS} <= set(info.checksums) <= {MODEL, GOODS, DECISIONS, GOLDEN}:
        raise _damaged(folder, f"bundle.json must have the checksums of {MODEL} and {GOODS}")
    for name, expected in checked if verify else ():
        if not (folder / name).is_file():
            raise _damaged(folder, f"{name} is missing")
        if _checksum(folder / name) != expected:
            raise _damaged(folder, f"the SHA-256 of {name} is not the one in bundle.json")
    return Bundle(folder, info)


def activate(bundles: Path, version: str) -> None:
    """Makes a bundle the one that is served, in one step; the one before it is remembered."""
    served = [version, *(before for before in _served(bundles) if before != version)]
    _write_served(bundles, served)


def step_back(bundles: Path, version: str) -> None:
    """Serves one of the versions that were served before; what came after it is forgotten."""
    served = _served(bundles)
    _write_served(bundles, served[served.index(version) :] if version in served else [version])


def active_version(bundles: Path) -> str | None:
    """The version that is served; None before the first publishing."""
    served = _served(bundles)
    return served[0] if served else None


def earlier_versions(bundles: Path) -> list[str]:
    """What was served before the active version and is still there, the latest first."""
    return [name for name in _served(bundles)[1:] if _is_bundle(bundles, name)]


def kept_versions(bundles: Path) -> list[str]:
    """All bundles that are there, by name, so the oldest first."""
    return sorted(path.parent.name for path in bundles.glob("[!.]*/bundle.json"))


def kept_bundles(bundles: Path) -> dict[str, int]:
    """Bytes of each bundle that is there."""
    return {
        version: sum(file.stat().st_size for file in (bundles / version).iterdir())
        for version in kept_versions(bundles)
    }


def active_stamp(bundles: Path) -> tuple[int, int, int] | None:
    """What differs whenever a bundle was activated; None before the first publishing. Cheap."""
    try:
        found = (bundles / _ACTIVE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _served(bundles: Path) -> list[str]:
    """The version that is served and those that were before, the latest first."""
    try:
        content = (bundles / _ACTIVE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line.strip() for line in content.splitlines() if line.strip()]


def _write_served(bundles: Path, versions: Sequence[str]) -> None:
    atomic.write_text(bundles / _ACTIVE, "".join(f"{one}\n" for one in versions[:_REMEMBERED]))


def _is_bundle(bundles: Path, version: str) -> bool:
    return Path(version).name == version and (bundles / version / "bundle.json").is_file()


def named_bundle(bundles: Path, version: str) -> Bundle:
    """The bundle of that version, active or not.

    Raises:
        NoBundle: there is none.
        BundleDamaged: it is not what was written.
    """
    if not version or Path(version).name != version or not (bundles / version).is_dir():
        known = kept_versions(bundles)
        raise NoBundle(
            f"There is no bundle {version[:60]!r}.",
            hint=f"There are {', '.join(known)}." if known else "`vitrina publish` makes one.",
        )
    return read_bundle(bundles / version)


def active_bundle(bundles: Path) -> Bundle:
    """The bundle that is served.

    Raises:
        NoBundle: nothing is published.
        BundleDamaged: it is not what was written.
    """
    version = active_version(bundles)
    if version is None:
        raise NoBundle(
            "Nothing is published yet, so photos cannot be searched.",
            hint="Run `vitrina train`, then `vitrina publish`.",
        )
    if Path(version).name != version:
        raise _damaged(bundles / _ACTIVE, f"it names {version[:60]!r}, which is no bundle")
    return read_bundle(bundles / version)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(error: Exception) -> str:
    """An error without the paths of this machine: it may reach a shopper."""
    return error.strerror or "cannot be read" if isinstance(error, OSError) else str(error)


def _damaged(folder: Path, reason: str) -> BundleDamaged:
    return BundleDamaged(
        f"The bundle {folder.name} cannot be used: {reason}.",
        hint="Publish again: vitrina publish.",
    )
