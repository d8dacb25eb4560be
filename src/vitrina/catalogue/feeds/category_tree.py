"""Categories that name their parent -> the names from the root down to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vitrina.catalogue.feeds.row_values import TOO_DEEP, category_name
from vitrina.catalogue.rows import Refusal

_NO_PARENT = ("", "0")
"""What feeds write of a category at the root."""


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    parent: str
    line: str


class CategoryTree:
    """What a feed says of its categories, in whichever order.

    A parent that is not there, and parents that form a ring, leave a category at the root: its
    goods must not suffer from it. `faults` tells of them.

    Args:
        parent_field: What the feed calls the reference to the parent, for refusals.
    """

    def __init__(self, parent_field: str) -> None:
        self._entries: dict[str, _Entry] = {}
        self._paths: dict[str, tuple[str, ...]] = {}
        self._faults: list[Refusal] = []
        self._parent_field = parent_field

    def add(self, key: str, name: str, parent: str, line: str) -> None:
        """One category; `parent` is empty at the root. The first of two with one key stays."""
        name = category_name(name)
        if not key or not name:
            self._faults.append(Refusal(line, "category", key[:60], "it has no id or no name"))
        elif key in self._entries:
            self._faults.append(
                Refusal(line, "category", key[:60], "stands already in line "
                        f"{self._entries[key].line}")
            )  # fmt: skip
        else:
            self._entries[key] = _Entry(name, parent, line)

    def path(self, key: str) -> tuple[str, ...]:
        """Names from the root down, `TOO_DEEP` at most; empty where there is no such category."""
        way: dict[str, _Entry] = {}  # from the category upwards
        at = key
        while at in self._entries and at not in self._paths:
            if at in way:
                self._break_ring(list(way)[list(way).index(at) :])
                break
            way[at] = entry = self._entries[at]
            at = entry.parent
            if at not in self._entries and at not in _NO_PARENT:
                self._fault(entry, "there is no such category; its child stands at the root")
        above = self._paths.get(at, ())
        for child, entry in reversed(way.items()):
            if child not in self._paths:
                self._paths[child] = (*above, entry.name)[:TOO_DEEP]
            above = self._paths[child]
        return self._paths.get(key, ())

    def faults(self) -> Iterator[Refusal]:
        """What was wrong and has not been told yet."""
        told, self._faults = self._faults, []
        yield from told

    def _break_ring(self, ring: list[str]) -> None:
        for key in ring:
            entry = self._entries[key]
            self._fault(entry, "the category is among its own parents; it stands at the root")
            self._paths[key] = (entry.name,)

    def _fault(self, entry: _Entry, reason: str) -> None:
        self._faults.append(Refusal(entry.line, self._parent_field, entry.parent[:60], reason))
