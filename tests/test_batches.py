"""What an epoch shows, and in which order."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vitrina.training.batches import Batches, LabelledRows

pytestmark = pytest.mark.train


def rows(photos: int = 12, views: int = 3, classes: int = 4) -> LabelledRows:
    """Value = 10 * photo + view."""
    numbers = np.arange(photos * views).reshape(photos, views)
    values = np.array([[10 * photo + view] for photo in range(photos) for view in range(views)])
    labels = np.arange(photos) % classes
    return LabelledRows(values.astype(np.float16), numbers, labels, classes)


def shown(batches: Batches) -> list[int]:
    parts = [batches[index] for index in range(len(batches))]
    return [int(value) for part in parts for value in part[0][:, 0]]


def test_an_epoch_shows_every_photo_once() -> None:
    batches = Batches(rows(), 5, seed=0)
    assert sorted(value // 10 for value in shown(batches)) == list(range(12))


def test_each_photo_walks_through_all_its_views() -> None:
    batches = Batches(rows(), 5, seed=0)
    seen: Counter[int] = Counter()
    for _ in range(3):
        seen.update(shown(batches))
        batches.on_epoch_end()
    assert set(seen.values()) == {1}
    assert len(seen) == 36


def test_order_follows_from_seed_and_epoch_alone() -> None:
    walked = Batches(rows(), 5, seed=3)
    walked.on_epoch_end()
    walked.on_epoch_end()
    assert shown(Batches(rows(), 5, seed=3, first_epoch=2)) == shown(walked)
    assert shown(Batches(rows(), 5, seed=4, first_epoch=2)) != shown(walked)


def test_without_a_seed_the_plain_photos_in_their_order() -> None:
    assert shown(Batches(rows(), 5, None)) == [10 * photo for photo in range(12)]


def test_labels_stand_with_their_photos() -> None:
    batches = Batches(rows(), 5, seed=0)
    for index in range(len(batches)):
        values, labels = batches[index]
        assert np.array_equal(values[:, 0] // 10 % 4, labels.argmax(axis=1))


def test_balance_makes_categories_count_alike() -> None:
    labels = np.array([0] * 8 + [1] * 2)
    data = LabelledRows(np.zeros((10, 1)), np.arange(10)[:, None], labels, 2)
    assert data.weights(0.0) == pytest.approx(1)
    whole = data.weights(1.0)
    assert whole[labels == 0].sum() == pytest.approx(whole[labels == 1].sum())
    assert whole.mean() == pytest.approx(1)
    half = data.weights(0.5)
    assert 1 < half[-1] / half[0] < whole[-1] / whole[0]


@pytest.mark.parametrize("most", [4, 7, 11])
def test_fewer_photos_keep_the_shares_of_categories(most: int) -> None:
    few = rows(40).few(most, seed=1)
    assert len(few) == most
    counts = np.bincount(few.labels, minlength=4)
    assert counts.max() - counts.min() <= 2
    assert len(np.unique(few.rows)) == few.rows.size
