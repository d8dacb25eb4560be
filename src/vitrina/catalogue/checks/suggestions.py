"""What of the findings could be corrected, as rows of corrections.csv."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from vitrina.catalogue.checks.findings import Finding, ShownPhoto
from vitrina.catalogue.corrections import Correction
from vitrina.store.corrections import DROP, MOVE

SURE = 0.7
"""Probability of another category from which the table suggests to move the product there."""


def suggest(
    findings: Sequence[Finding],
    photos: Sequence[ShownPhoto],
    files: Mapping[str, str],
    paths: Mapping[str, str],
) -> list[Correction]:
    """Rows for everything that has a picture and may be wrong, the worst first.

    Args:
        findings: In that order.
        photos: All of the shop.
        files: Path of each picture, by SHA-256.
        paths: Path of each category, by slug.
    """
    rows: dict[tuple[str, str], Correction] = {}
    for finding, photo, action, other in _actions(findings, photos):
        rows.setdefault(
            (photo.product, photo.sha256),
            Correction(
                action=action,
                article=photo.product,
                photo=files.get(photo.sha256, photo.sha256),
                from_category=paths[photo.category],
                to_category=paths[other] if other else "",
                reason=f"{finding.kind}: {finding.detail}",
            ),
        )
    return list(rows.values())


def _actions(
    findings: Sequence[Finding], photos: Sequence[ShownPhoto]
) -> Iterator[tuple[Finding, ShownPhoto, str, str]]:
    own = Counter(photo.product for photo in photos)
    suspected: dict[tuple[str, str], int] = defaultdict(int)
    for finding in findings:
        if finding.kind == "suspected label":
            suspected[finding.product, finding.other] += 1
    moved = set()
    for finding in findings:
        match finding.kind:
            case "unreadable" | "blank":
                yield finding, finding.photos[0], DROP, ""
            case "suspected label":
                sure = (finding.share or 0) >= SURE
                # one picture of several that shows something else is no reason to move the product
                whole = 2 * suspected[finding.product, finding.other] > own[finding.product]
                action = (MOVE if whole else DROP) if sure else ""
                if action == MOVE and finding.product in moved:
                    continue
                if action == MOVE:
                    moved.add(finding.product)
                yield finding, finding.photos[0], action, finding.other if whole else ""
            case "copy in other category":
                # which of them is right, only people can see
                for photo in finding.photos:
                    yield finding, photo, "", ""
