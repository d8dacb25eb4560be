"""Typicality: what two normal distributions say of a photo, in a world that has them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from vitrina.evaluation import discriminants
from vitrina.evaluation.discriminants import MOST_DIRECTIONS, find_discriminants
from vitrina.evaluation.evidence import Floats, Labels

CATEGORIES, SIZE = 6, 20


def goods(photos: int, seed: int = 0) -> tuple[Floats, Labels]:
    """Around a middle for each category, spread more in some directions than in others."""
    middles = np.random.default_rng(1).normal(0, 0.4, (CATEGORIES, SIZE))
    random = np.random.default_rng(seed)
    labels = random.integers(0, CATEGORIES, photos)
    spread = np.linspace(0.05, 0.4, SIZE)
    found = middles[labels] + random.normal(0, 1, (photos, SIZE)) * spread
    return found.astype(np.float32), labels.astype(np.int64)


def test_it_is_the_ratio_of_two_densities() -> None:
    photos, labels = goods(60_000)
    found = find_discriminants(photos, labels, CATEGORIES)
    asked, _ = goods(50, seed=2)
    centres = np.stack([photos[labels == c].mean(axis=0) for c in range(CATEGORIES)])
    within = np.cov((photos - centres[labels]).T, bias=True)
    between = np.cov(photos.T, bias=True) - within
    share = discriminants._EVEN_PHOTOS / (len(photos) + discriminants._EVEN_PHOTOS)
    even = np.eye(SIZE) * np.trace(within) / SIZE
    within = (1 - share) * within + share * even
    at_large = within + between
    of_all = multivariate_normal(photos.mean(axis=0), at_large).logpdf(asked)
    expected = np.stack(
        [multivariate_normal(centre, within).logpdf(asked) - of_all for centre in centres], axis=1
    )
    offset = (expected - found.typicality(asked)).mean()
    assert found.typicality(asked) + offset == pytest.approx(expected, abs=0.5)


def test_own_category_is_the_most_typical_one() -> None:
    photos, labels = goods(3000)
    found = find_discriminants(photos, labels, CATEGORIES)
    fresh, own = goods(1000, seed=3)
    typicality = found.typicality(fresh)
    assert typicality.shape == (1000, CATEGORIES)
    assert typicality.dtype == np.float32
    assert (typicality.argmax(axis=1) == own).mean() > 0.95
    strangers = fresh + np.random.default_rng(4).normal(0, 0.6, fresh.shape).astype(np.float32)
    assert np.median(found.typicality(strangers).max(axis=1)) < np.quantile(
        typicality.max(axis=1), 0.1
    )


def test_few_directions_are_kept() -> None:
    photos, labels = goods(500)
    found = find_discriminants(photos, labels, CATEGORIES)
    assert found.directions.shape == (SIZE, CATEGORIES - 1)
    assert found.directions.shape[1] <= MOST_DIRECTIONS


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_photos_and_missing_categories(count: int) -> None:
    photos = np.eye(count, SIZE, dtype=np.float32)
    labels = np.arange(count, dtype=np.int64)
    found = find_discriminants(photos, labels, CATEGORIES)
    typicality = found.typicality(photos)
    assert np.isfinite(typicality).all()
    missing = typicality[:, count:]
    assert (missing == typicality[:, :count].min(axis=1, keepdims=True)).all()


def test_the_same_photo_over_and_over() -> None:
    photos = np.tile(np.eye(1, SIZE, dtype=np.float32), (40, 1))
    found = find_discriminants(photos, np.zeros(40, dtype=np.int64), 2)
    assert np.isfinite(found.typicality(photos)).all()
