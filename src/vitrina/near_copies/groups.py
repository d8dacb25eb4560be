"""Finding all near copies of a shop and joining them into groups."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from vitrina import atomic
from vitrina.near_copies.alignment import align, cut, shrink
from vitrina.near_copies.candidates import Candidates, find_candidates
from vitrina.near_copies.details import compare, edge_correlation
from vitrina.near_copies.perceptual_hash import SIDE, SmallPictures
from vitrina.photos import DECODER_VERSION, SIZE, Pixels
from vitrina.pixels import PixelCache
from vitrina.progress import SILENT, Progress
from vitrina.records import RecordFile
from vitrina.union_find import UnionFind

VERSION = 1
"""Changes whenever other pairs would be found among the same photos."""

_STAGES = ((14, 3, 0.85, 0.0), (28, 3, 0.85, 0.7), (56, 3, 0.9, 0.7))
"""Side of the pictures, steps of alignment; least correlation after them, and that of edges."""

_BATCH = 512

Embeddings = Mapping[str, npt.NDArray[np.float32]]
"""Vectors of unit length by SHA-256 of the photo."""


@dataclass(frozen=True)
class CopyPair:
    """Two photos that are one picture.

    Attributes:
        first: SHA-256 of the one whose part shows what the other shows.
        second: Of the other.
        likeness: Correlation of their edges, 0 to 1.
        mirrored: Whether one of them is turned left to right.
    """

    first: str
    second: str
    likeness: float
    mirrored: bool


@dataclass(frozen=True)
class CopyGroups:
    """The near copies of a shop.

    Attributes:
        pairs: As many as join each group, the likest first; not every pair of a group.
    """

    pairs: tuple[CopyPair, ...] = ()

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Photos that are one picture, two or more, by SHA-256; both orders are sorted."""
        joined = UnionFind()
        for pair in self.pairs:
            joined.join(pair.first, pair.second)
        return joined.groups()


def near_copies(
    names: Iterable[str],
    pixels: PixelCache,
    cache: Path,
    *,
    embeddings: Embeddings | None = None,
    progress: Progress = SILENT,
) -> CopyGroups:
    """Near copies among photos; asked again for the same photos, it only reads what it found.

    Args:
        names: SHA-256 of the photos; their order does not matter.
        pixels: All of them.
        cache: The shop's cache folder.
        embeddings: Where some are at hand, photos that they find alike are compared as well:
            copies that were cropped a lot, or turned a little, come out so.
        progress: Where the work reports to.
    """
    ordered = sorted(set(names))
    if len(ordered) < 2:
        return CopyGroups()
    key = _key(ordered, embeddings)
    kept = cache / ("near-copies-embeddings.json" if embeddings else "near-copies.json")
    known = _read(kept, key)
    if known is None:
        known = CopyGroups(tuple(_find(ordered, pixels, cache, embeddings, progress)))
        atomic.write_json(kept, {"key": key, "pairs": [astuple(pair) for pair in known.pairs]})
    return known


def _key(names: Sequence[str], embeddings: Embeddings | None) -> str:
    digest = hashlib.sha256(f"{VERSION}/{DECODER_VERSION}".encode())
    for name in names:
        digest.update(name.encode())
        if embeddings and name in embeddings:
            digest.update(np.ascontiguousarray(embeddings[name], dtype=np.float32).tobytes())
    return digest.hexdigest()


def _read(path: Path, key: str) -> CopyGroups | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["key"] != key:
            return None
        return CopyGroups(tuple(CopyPair(*pair) for pair in content["pairs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is only a cache


def _find(
    names: Sequence[str],
    pixels: PixelCache,
    cache: Path,
    embeddings: Embeddings | None,
    progress: Progress,
) -> Iterator[CopyPair]:
    pictures = small_pictures(names, pixels, cache, progress)
    candidates = find_candidates(pictures, names, embeddings)
    joined = UnionFind()
    batches = range(0, len(candidates), _BATCH)
    for begin in progress.track(batches, "Comparing alike photos", len(batches)):
        batch = candidates.pick(np.arange(begin, min(begin + _BATCH, len(candidates))))
        # copies of copies are joined already: a hundred copies cost a hundred comparisons
        apart = [
            joined.find(names[one]) != joined.find(names[other])
            for one, other in zip(batch.first, batch.second, strict=True)
        ]
        for pair in _confirmed(batch.pick(np.array(apart)), pictures, names, pixels):
            joined.join(pair.first, pair.second)
            yield pair


def _confirmed(
    candidates: Candidates, pictures: SmallPictures, names: Sequence[str], pixels: PixelCache
) -> Iterator[CopyPair]:
    parts = candidates.parts
    for side, steps, least, least_edges in _STAGES:
        first, second = (
            shrink(pictures[rows].astype(np.float32), side)
            for rows in (candidates.first, candidates.second)
        )
        first[candidates.mirrored] = first[candidates.mirrored][:, :, ::-1]
        aligned = align(first, second, parts, steps=steps)
        good = aligned.correlation >= least
        good &= edge_correlation(cut(first, aligned.parts), second) >= least_edges
        candidates, parts = candidates.pick(good), aligned.parts[good]
    for row, part in enumerate(parts):
        one, other = names[candidates.first[row]], names[candidates.second[row]]
        mirrored = bool(candidates.mirrored[row])
        seen: Pixels = pixels[one][:, ::-1] if mirrored else pixels[one]
        compared = compare(seen, pixels[other], part)
        if compared.same:
            yield CopyPair(one, other, round(compared.edges, 4), mirrored)


def small_pictures(
    names: Sequence[str], pixels: PixelCache, cache: Path, progress: Progress = SILENT
) -> SmallPictures:
    """Small grey pictures of photos, (N, 56, 56) uint8; kept for the next time.

    Args are those of `near_copies`, the names in any order.
    """
    records = RecordFile(
        cache / f"thumbnails-{SIDE}-v{DECODER_VERSION}.records", (SIDE, SIDE), np.uint8
    )
    records.verify()
    missing = [name for name in names if name not in records]
    small = (
        (name, np.asarray(Image.fromarray(pixels[name]).reduce(SIZE // SIDE).convert("L")))
        for name in progress.track(missing, "Making small pictures", len(missing))
    )
    if missing:
        records.append(small)
    pictures: SmallPictures = records.values[records.rows_of(names)]
    return pictures
