"""Pictures that nothing can be learned from, and categories that have too few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from vitrina.catalogue.checks.findings import Finding, ShownPhoto
from vitrina.near_copies.perceptual_hash import SmallPictures

TINY_SIDE = 100
"""Short side, pixels, below which a photo is too coarse for a network that takes 224."""

FEW_PHOTOS = 10
"""Photos below which a category is learned badly."""

BLANK_SPREAD = 12
"""Difference of the lightest and the darkest, of 255, below which a picture shows nothing."""

_OUTLIERS = 0.5
"""Per cent of the pixels at either end that do not count: dust, a stamp's corner."""


def blank_findings(
    photos: Sequence[ShownPhoto], names: Sequence[str], pictures: SmallPictures
) -> Iterator[Finding]:
    """Pictures of almost one colour.

    Args:
        photos: All that can be read.
        names: SHA-256 of the pictures.
        pictures: (N, 56, 56) uint8, grey, one for each name.
    """
    dark, light = np.percentile(
        pictures.reshape(len(names), -1), (_OUTLIERS, 100 - _OUTLIERS), axis=1
    )
    blank = {
        name for name, spread in zip(names, light - dark, strict=True) if spread < BLANK_SPREAD
    }
    for photo in photos:
        if photo.sha256 in blank:
            yield Finding(
                "blank", photo.category, photo.product, "almost one colour", photos=(photo,)
            )


def count_findings(
    photos: Sequence[ShownPhoto], products: Mapping[str, int], pictured: Mapping[str, int]
) -> Iterator[Finding]:
    """Categories without photos or with few, and goods without any.

    Args:
        photos: All that can be read.
        products: How many each category has, by slug.
        pictured: How many of those have a picture, readable or not.
    """
    usable: dict[str, set[str]] = defaultdict(set)
    for photo in photos:
        usable[photo.category].add(photo.sha256)
    for slug in sorted(products):
        count, goods = len(usable[slug]), products[slug]
        if goods and not count:
            yield Finding("empty category", slug, "", f"{goods} products, no usable photo")
        elif goods and count < FEW_PHOTOS:
            detail = f"{count}; {FEW_PHOTOS} or more are learned well"
            yield Finding("few photos", slug, "", detail)
        if 0 < pictured.get(slug, 0) < goods:
            yield Finding(
                "no photo", slug, "", f"{goods - pictured.get(slug, 0)} of {goods} products"
            )
