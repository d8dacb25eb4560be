"""An append-only file of equal arrays, each under a name: what caches are made of.

A process killed while appending leaves at most one torn record at the end, which the next opening
cuts off. So a cache can be interrupted anywhere, is resumed where it stopped, and grows with the
shop instead of being made again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

NAME_LENGTH = 80
_FLUSH_EVERY = 256


class RecordFile:
    """Arrays of one shape and dtype, memory-mapped, found by name.

    Args:
        path: The file; whoever chooses it names in it all that the content depends on.
        shape: Of each array.
        dtype: Of each array.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._path = path
        self._record = np.dtype([("name", f"S{NAME_LENGTH}"), ("values", dtype, shape)])
        self._rows: dict[str, int] = {}
        self._values: npt.NDArray[Any] = np.empty((0, *shape), dtype=dtype)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._map()

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """The array of that name: a view into the mapped file, not a copy.

        Raises:
            KeyError: it has not been added.
        """
        values: npt.NDArray[Any] = self._values[self._rows[name]]
        return values

    @property
    def values(self) -> npt.NDArray[Any]:
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
        """Adds arrays under new names, flushing now and then; readable when this returns.

        Whatever was taken from `named` before an interruption is kept.
        """
        try:
            with self._path.open("ab") as file:
                for count, (name, values) in enumerate(named, start=1):
                    record = np.zeros((), dtype=self._record)
                    record["name"] = name.encode()
                    record["values"] = values
                    file.write(record.tobytes())
                    if count % _FLUSH_EVERY == 0:
                        file.flush()
                file.flush()
                os.fsync(file.fileno())
        finally:
            self._map()

    def _map(self) -> None:
        size = self._path.stat().st_size if self._path.exists() else 0
        whole = size // self._record.itemsize
        if size % self._record.itemsize:
            os.truncate(self._path, whole * self._record.itemsize)
        if whole:
            records = np.memmap(self._path, dtype=self._record, mode="r", shape=(whole,))
            self._values = records["values"]
            names = np.ascontiguousarray(records["name"])
            self._rows = {name.decode(): row for row, name in enumerate(names)}
