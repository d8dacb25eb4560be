"""A bundle: everything that serving needs of a trained model, in one folder.

bundles/<version>/bundle.json   what it is, thresholds, figures, checksums
bundles/<version>/model.onnx    uint8 photo in; probabilities and embedding out
bundles/<version>/goods.npy     embeddings of the shop's photos, by SHA-256
bundles/<version>/decisions.npz when the search box is filled; where enough photos were watched
bundles/active                  the version that is served
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

GUESSED_THRESHOLD = 0.6


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
    def size_bytes(self) -> int:
        """All that is deployed."""
        return sum(file.stat().st_size for file in self.folder.iterdir())

    def goods(self) -> npt.NDArray[np.void]:
        """Embeddings of the shop's photos, mapped: fields sha256 (S64), embedding ((D,) float16).

        The embeddings have unit length.
        """
        goods: npt.NDArray[np.void] = np.load(self.folder / GOODS, mmap_mode="r")
        return goods

    def decisions(self) -> bytes | None:
        """decisions.npz, as `vitrina.evaluation.decisions` reads it; None where there is none."""
        return (self.folder / DECISIONS).read_bytes() if DECISIONS in self.info.checksums else None


def goods_array(sha256: Sequence[str], embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.void]:
    """What `Bundle.goods` reads, from names and (N, D) float32 of unit length."""
    fields = np.dtype([("sha256", "S64"), ("embedding", np.float16, (embeddings.shape[1],))])
    goods = np.zeros(len(sha256), dtype=fields)
    goods["sha256"] = [name.encode() for name in sha256]
    goods["embedding"] = embeddings
    return goods


def write_bundle(
    bundles: Path,
    info: BundleInfo,
    model: bytes,
    goods: npt.NDArray[np.void],
    decisions: bytes | None = None,
) -> Bundle:
    """Puts a complete bundle into `bundles`; it is not active yet."""
    with atomic.new_folder(bundles / info.version) as folder:
        (folder / MODEL).write_bytes(model)
        np.save(folder / GOODS, goods)
        if decisions is not None:
            (folder / DECISIONS).write_bytes(decisions)
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
        raise _damaged(folder, f"bundle.json cannot be read ({error})") from error
    if decoder != DECODER_VERSION:
        raise _damaged(folder, "it was made with another version of the photo decoder")
    if not {MODEL, GOODS} <= set(info.checksums) <= {MODEL, GOODS, DECISIONS}:
        raise _damaged(folder, f"bundle.json must have the checksums of {MODEL} and {GOODS}")
    for name, expected in checked if verify else ():
        if not (folder / name).is_file():
            raise _damaged(folder, f"{name} is missing")
        if _checksum(folder / name) != expected:
            raise _damaged(folder, f"the SHA-256 of {name} is not the one in bundle.json")
    return Bundle(folder, info)


def activate(bundles: Path, version: str) -> None:
    """Makes a bundle the one that is served, in one step; the old one stays for going back."""
    atomic.write_text(bundles / "active", version + "\n")


def active_version(bundles: Path) -> str | None:
    """The version that is served; None before the first publishing."""
    try:
        return (bundles / "active").read_text(encoding="utf-8", errors="replace").strip() or None
    except FileNotFoundError:
        return None


def named_bundle(bundles: Path, version: str) -> Bundle:
    """The bundle of that version, active or not.

    Raises:
        NoBundle: there is none.
        BundleDamaged: it is not what was written.
    """
    if not version or Path(version).name != version or not (bundles / version).is_dir():
        known = sorted(path.parent.name for path in bundles.glob("[!.]*/bundle.json"))
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
        raise _damaged(bundles / "active", f"it names {version[:60]!r}, which is no bundle")
    return read_bundle(bundles / version)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(folder: Path, reason: str) -> BundleDamaged:
    return BundleDamaged(
        f"The bundle {folder.name} cannot be used: {reason}.",
        hint="Publish again: vitrina publish.",
    )
