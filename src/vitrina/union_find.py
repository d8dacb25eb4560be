"""Joining names in pairs, and asking which belong together."""

from __future__ import annotations

from collections import defaultdict


class UnionFind:
    """Disjoint sets of names; what was never joined stands alone."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, name: str) -> str:
        """The name that stands for all that it is joined to: the first of them in their order."""
        root = name
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while (parent := self._parents.get(name, name)) != root:
            self._parents[name], name = root, parent
        return root

    def join(self, one: str, other: str) -> None:
        """Makes both stand for the same from now on."""
        low, high = sorted((self.find(one), self.find(other)))
        self._parents[low], self._parents[high] = low, low

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Every set of two names or more; both orders are sorted."""
        members = defaultdict(list)
        for name in sorted(self._parents):
            members[self.find(name)].append(name)
        return tuple(tuple(group) for group in members.values() if len(group) > 1)
