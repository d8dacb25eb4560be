"""An append-only file of equal arrays, each under a name: what caches are made of.

A process killed while appending leaves at most one torn record at the end, which the next opening
cuts off. So a cache can be interrupted anywhere, is resumed where it stopped, and grows with the
shop instead of being made again. Every record carries a checksum: what a failing disk has changed
is dropped by `verify`, and made again by whoever asks for it.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

NAME_LENGTH = 80
_KEPT_BYTES = 256 * 2**20


class RecordFile:
    """Arrays of one shape and dtype, memory-mapped, found by name.

    Args:
        path: The file; whoever chooses it names in it all that the content depends on.
        shape: Of each array.
        dtype: Of each array.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._path = path
        self._record = np.dtype(
            [("name", f"S{NAME_LENGTH}"), ("checksum", np.uint32), ("values", dtype, shape)]
        )
        self._verified = 0
        self._bad: set[int] = set()
        self._rows: dict[str, int] = {}
        self._values = MappedValues(np.empty((0, *shape), dtype=dtype))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._map()

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def __bool__(self) -> bool:
        return True  # an empty file is a file

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """The array of that name: a view into the mapped file, not a copy.

        Raises:
            KeyError: it has not been added.
        """
        return self._values[self._rows[name]]

    @property
    def values(self) -> MappedValues:
        """All arrays, (rows, *shape), mapped; `rows_of` says which row is whose."""
        return self._values

    @property
    def record_bytes(self) -> int:
        """What one array takes on the disk, its name included."""
        return self._record.itemsize

    def rows_of(self, names: Iterable[str]) -> npt.NDArray[np.int64]:
        """Rows of `values` that hold the arrays of those names.

        Raises:
            KeyError: one of them has not been added.
        """
        return np.array([self._rows[name] for name in names], dtype=np.int64)

    def append(self, named: Iterable[tuple[str, npt.NDArray[Any]]]) -> None:
        """Adds arrays under new names; readable when this returns.

        Whatever was taken from `named` before an interruption is kept.
        """
        RecordFile.append_together([self], ((name, (values,)) for name, values in named))

    @staticmethod
    def append_together(
        files: Sequence[RecordFile], named: Iterable[tuple[str, Sequence[npt.NDArray[Any]]]]
    ) -> None:
        """Adds to several files at once: each name with one array a file.

        After an interruption a name may be in some of the files only; adding it again is harmless.
        """
        try:
            with ExitStack() as stack:
                opened = [stack.enter_context(each._path.open("ab", buffering=0)) for each in files]
                for name, arrays in named:
                    for each, place, values in zip(files, opened, arrays, strict=True):
                        record = np.zeros((), dtype=each._record)
                        record["name"] = name.encode()
                        record["values"] = values
                        record["checksum"] = _checksum(name.encode(), record["values"])
                        place.write(record.tobytes())
                for place in opened:
                    os.fsync(place.fileno())
        finally:
            for each in files:
                each._map()

    def verify(self) -> int:
        """Forgets records whose checksum is not theirs, so that they are made again.

        What this object has verified before is not read again.

        Returns:
            How many were dropped.
        """
        wrong = []
        size = self._record.itemsize
        total = len(self._values)
        if self._verified < total:
            # read, not mapped: a mapped file would count as this process's memory
            with self._path.open("rb") as file:
                file.seek(self._verified * size)
                for row in range(self._verified, total):
                    record = np.frombuffer(file.read(size), dtype=self._record)[0]
                    if record["checksum"] != _checksum(record["name"], record["values"]):
                        wrong.append(row)
        self._bad.update(wrong)
        self._verified = total
        self._rows = {name: row for name, row in self._rows.items() if row not in self._bad}
        return len(wrong)

    def _map(self) -> None:
        size = self._path.stat().st_size if self._path.exists() else 0
        whole = size // self._record.itemsize
        if size % self._record.itemsize:
            os.truncate(self._path, whole * self._record.itemsize)
        if whole:
            records = np.memmap(self._path, dtype=self._record, mode="r", shape=(whole,))
            self._values = MappedValues(records["values"], records)
            names = np.ascontiguousarray(records["name"])
            self._rows = {
                name.decode(errors="replace"): row
                for row, name in enumerate(names)
                if row not in self._bad
            }


class MappedValues:
    """Arrays in a mapped file, read by row; what was read does not stay in the process's memory.

    Pages of a mapped file count as resident until the system wants them back. They are given back
    now and then, so that a process that walks through a large cache keeps its size; the system
    itself may keep them in its page cache.

    Args:
        array: (rows, *shape), the mapped field of the records.
        mapped: What it is a view of.
    """

    def __init__(self, array: npt.NDArray[Any], mapped: npt.NDArray[Any] | None = None) -> None:
        self._array = array
        self._mapped = getattr(mapped, "_mmap", None)
        self._row_bytes = max(1, array[:1].nbytes)
        self._read_bytes = 0

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        """One row as a view, or the rows of an index array as a copy."""
        values: npt.NDArray[Any] = self._array[index]
        self._read_bytes += np.size(index) * self._row_bytes
        if self._read_bytes > _KEPT_BYTES and self._mapped is not None:
            self._read_bytes = 0
            if hasattr(self._mapped, "madvise"):
                self._mapped.madvise(mmap.MADV_DONTNEED)
        return values


def _checksum(name: bytes, values: npt.NDArray[Any]) -> int:
    """CRC-32 of a record's name and values."""
    return zlib.crc32(np.ascontiguousarray(values).data, zlib.crc32(name))
