"""Embeddings of the shop's photos on the disk: those of the bundle, and those that came later.

bundles/<version>/goods.npy       made when the bundle was published
vectors/<version>/000001.npy, ..  segments that imports since have added

A segment has the records of goods.npy and a CRC-32 in each, of the network that made it too. So
vectors of one network never meet those of another, even where a folder was copied or renamed: what
is damaged and what is foreign alike counts as missing, and is made again.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrina import atomic
from vitrina.bundle import Bundle, goods_array

Half = npt.NDArray[np.float16]
Rows = npt.NDArray[np.int64]

_CHECKED_AT_ONCE = 4096


@dataclass(frozen=True)
class Segment:
    """One file of embeddings, mapped.

    Attributes:
        name: Of the file.
        names: (N,) S64, SHA-256 of each photo; empty where a record is damaged.
        embeddings: (N, D) float16 of unit length, a strided view into the map.
    """

    name: str
    names: npt.NDArray[np.bytes_]
    embeddings: Half

    def __len__(self) -> int:
        return len(self.names)


class VectorStore:
    """All embeddings of one bundle's network as they are on the disk now; never changes.

    Rows are numbered through all segments, those of goods.npy first, so a row keeps its number
    when others are added.

    Args:
        segments: The first is goods.npy.
        made_by: SHA-256 of the network.
    """

    def __init__(self, segments: Sequence[Segment], made_by: str = "") -> None:
        self.segments = tuple(segments)
        self._made_by = made_by
        self._starts = np.cumsum([0, *map(len, self.segments)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def dimensions(self) -> int:
        """D, length of each embedding."""
        return int(self.segments[0].embeddings.shape[1])

    @property
    def fingerprint(self) -> str:
        """Tells this list of segments from every other one, and this network's from another's."""
        return self.fingerprint_of(len(self.segments))

    def fingerprint_of(self, segments: int) -> str:
        """`fingerprint` of the store as it was when it had only the first `segments`."""
        listed = ",".join(f"{one.name}:{len(one)}" for one in self.segments[:segments])
        if self._made_by:
            listed = f"{self._made_by},{listed}"
        return sha256(listed.encode()).hexdigest()[:16]

    def names(self) -> npt.NDArray[np.bytes_]:
        """(N,) S64, a copy: SHA-256 of the photo in each row, empty where it is damaged."""
        return np.concatenate([segment.names for segment in self.segments])

    def take(self, rows: Rows) -> Half:
        """The embeddings of those rows, (len(rows), D), read from the map."""
        if len(self.segments) == 1:
            return self.segments[0].embeddings[rows]
        taken = np.empty((len(rows), self.dimensions), dtype=np.float16)
        owners = np.searchsorted(self._starts, rows, side="right") - 1
        for owner in np.unique(owners):
            mine = owners == owner
            taken[mine] = self.segments[owner].embeddings[rows[mine] - self._starts[owner]]
        return taken

    def part(self, start: int, stop: int) -> Half:
        """The embeddings of rows `start` to `stop`, (stop - start, D)."""
        return self.take(np.arange(start, stop, dtype=np.int64))


def vectors_folder(bundle: Bundle) -> Path:
    """Where the segments of a bundle lie: in the shop, so that bundles stay as published."""
    return bundle.folder.parent.parent / "vectors" / bundle.info.version


def segment_files(bundle: Bundle) -> list[Path]:
    """The segments that were added to a bundle's goods, the oldest first."""
    return sorted(vectors_folder(bundle).glob("[0-9]*.npy"))


def open_vectors(bundle: Bundle) -> VectorStore:
    """Maps a bundle's embeddings and those that were added since.

    A record whose checksum is not its own counts as missing, and so does a whole file that is no
    segment of this network: `embed_new_goods` makes them again.

    Raises:
        BundleDamaged: the bundle's own embeddings cannot be read.
    """
    goods = bundle.goods()
    segments = [Segment("goods.npy", np.ascontiguousarray(goods["sha256"]), goods["embedding"])]
    return VectorStore([*segments, *_added(bundle)], bundle.made_by)


def _added(bundle: Bundle) -> list[Segment]:
    """The segments that were added, all of one moment."""
    while True:
        files = segment_files(bundle)
        found = [_read_segment(file, bundle) for file in files]
        # a merge may have taken files away meanwhile; what it put in their place is read then
        if all(file.exists() for file in files):
            return [segment for segment in found if segment is not None]


def append_segment(bundle: Bundle, names: Sequence[str], embeddings: npt.NDArray[Any]) -> Path:
    """Adds embeddings to a bundle's; whoever opens its vectors afterwards has them.

    Args:
        bundle: Whose network made them.
        names: SHA-256 of each photo, hexadecimal.
        embeddings: (N, D) of unit length.

    Returns:
        The new file, which is there whole or not at all.
    """
    plain = goods_array(names, np.asarray(embeddings, dtype=np.float32))
    records = np.zeros(len(names), dtype=_segment_dtype(embeddings.shape[1]))
    for name in ("sha256", "embedding"):
        records[name] = plain[name]
    records["checksum"] = _checksums(records["sha256"], records["embedding"], bundle)
    content = io.BytesIO()
    np.save(content, records)
    existing = segment_files(bundle)
    number = int(existing[-1].stem) + 1 if existing else 1
    file = vectors_folder(bundle) / f"{number:06}.npy"
    atomic.write_bytes(file, content.getvalue())
    return file


def merge_segments(bundle: Bundle) -> None:
    """Makes one segment of all that were added, so that many small imports leave no crowd.

    Readers that have the old files mapped keep them; whoever opens both sees the same photo
    twice, which changes no answer.
    """
    files = segment_files(bundle)
    added = open_vectors(bundle).segments[1:]
    names = np.concatenate([segment.names for segment in added] or [np.empty(0, dtype="S64")])
    if len(files) < 2 or not len(names):
        return
    embeddings = np.concatenate([segment.embeddings for segment in added])
    _, first = np.unique(names, return_index=True)
    kept = np.sort(first[names[first] != b""])
    append_segment(bundle, [name.decode() for name in names[kept]], embeddings[kept])
    for file in files:
        file.unlink()


def _read_segment(file: Path, bundle: Bundle) -> Segment | None:
    try:
        records = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if records.dtype != _segment_dtype(bundle.info.embedding_size) or records.ndim != 1:
        return None
    names = np.array(records["sha256"])  # a copy, to leave the damaged ones out
    for start in range(0, len(records), _CHECKED_AT_ONCE):
        part = slice(start, start + _CHECKED_AT_ONCE)
        made = _checksums(names[part], records["embedding"][part], bundle)
        whole = records["checksum"][part] == made
        names[part][~whole] = b""
    return Segment(file.name, names, records["embedding"])


def _segment_dtype(dimensions: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("sha256", "S64"),
            ("embedding", np.float16, (dimensions,)),
            ("checksum", np.uint32),
        ]
    )


def _checksums(
    names: npt.NDArray[np.bytes_], embeddings: npt.NDArray[Any], bundle: Bundle
) -> npt.NDArray[np.uint32]:
    """CRC-32 of the network that made each record, of the record's name and its embedding."""
    network = zlib.crc32(bundle.made_by.encode())
    return np.array(
        [
            zlib.crc32(np.ascontiguousarray(values).tobytes(), zlib.crc32(name, network))
            for name, values in zip(names.tolist(), embeddings, strict=True)
        ],
        dtype=np.uint32,
    )
