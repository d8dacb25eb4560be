"""One picture under several products: where they are of different categories, one is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from vitrina.catalogue.checks.findings import Finding, ShownPhoto
from vitrina.near_copies import CopyGroups


def copy_findings(photos: Sequence[ShownPhoto], copies: CopyGroups) -> Iterator[Finding]:
    """A finding for each picture that several products have, in the same bytes or nearly.

    Args:
        photos: All that can be read.
        copies: Of those.
    """
    shown: dict[str, list[ShownPhoto]] = defaultdict(list)
    for photo in sorted(photos):
        shown[photo.sha256].append(photo)
    grouped = {sha for group in copies.groups for sha in group}
    alone = [(sha,) for sha in shown if sha not in grouped]
    for group in (*copies.groups, *alone):
        members = sorted(photo for sha in group for photo in shown[sha])
        products = {photo.product for photo in members}
        if len(products) < 2:
            continue
        first = members[0]
        others = [photo for photo in members if photo.category != first.category]
        exact = len({photo.sha256 for photo in members}) == 1
        alike = "the same picture" if exact else "nearly the same picture"
        other = others[0] if others else next(p for p in members if p.product != first.product)
        yield Finding(
            kind="copy in other category" if others else "copy in other product",
            category=first.category,
            product=first.product,
            detail=f"{alike} as {other.product} ({other.category})"
            + (f" and {len(products) - 2} more" if len(products) > 2 else ""),
            photos=tuple(members),
            other=other.category if others else "",
        )
