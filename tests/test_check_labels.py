"""Wrong labels and categories alike are found by models that did not learn from the photo."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from vitrina.catalogue.checks.findings import ShownPhoto
from vitrina.catalogue.checks.labels import (
    LEAST_PHOTOS,
    Judged,
    alike_findings,
    can_judge,
    judge,
    label_findings,
)

pytestmark = pytest.mark.train

SIZE = 32
Embeddings = dict[str, npt.NDArray[np.float32]]


def photo(category: str, number: int) -> ShownPhoto:
    return ShownPhoto(category, f"{category}-{number}", f"{category}{number}".rjust(64, "0"))


def clusters(
    categories: str, count: int = 30, spread: float = 0.35
) -> tuple[list[ShownPhoto], Embeddings]:
    """Photos whose embeddings lie around a direction of their category's own."""
    random = np.random.default_rng(0)
    photos, embeddings = [], {}
    for category in categories:
        middle = random.normal(size=SIZE)
        middle /= np.linalg.norm(middle)
        for number in range(count):
            one = photo(category, number)
            vector = middle + spread * random.normal(size=SIZE) / np.sqrt(SIZE)
            photos.append(one)
            embeddings[one.sha256] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return photos, embeddings


def alone(photos: list[ShownPhoto]) -> dict[str, str]:
    return {one.sha256: one.sha256 for one in photos}


def relabelled(one: ShownPhoto, category: str) -> ShownPhoto:
    return ShownPhoto(category, one.product, one.sha256)


def judged(photos: list[ShownPhoto], embeddings: Embeddings) -> Judged:
    assert can_judge(photos, alone(photos))
    return judge(photos, embeddings, alone(photos))


def test_planted_wrong_labels_are_found_and_named() -> None:
    photos, embeddings = clusters("abcdef")
    wrong = {3: "b", 40: "e", 77: "a", 130: "d", 170: "c"}
    right = {photos[place].product: photos[place].category for place in wrong}
    for place, category in wrong.items():
        photos[place] = relabelled(photos[place], category)
    found = list(label_findings(judged(photos, embeddings)))
    assert {finding.product: finding.other for finding in found} == right
    assert [finding.share for finding in found] == sorted(
        (finding.share for finding in found), reverse=True
    )
    for finding in found:
        asked, *typical = finding.photos
        assert asked.product == finding.product
        assert typical
        assert {one.category for one in typical} == {finding.other}


def test_right_labels_are_left_alone() -> None:
    photos, embeddings = clusters("abcd")
    result = judged(photos, embeddings)
    assert list(label_findings(result)) == []
    assert list(alike_findings(result)) == []
    assert result.probabilities.shape == (120, 4)
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_categories_of_the_same_things_are_alike() -> None:
    photos, embeddings = clusters("abc", count=40)
    # half of what looks like a is called d
    photos = [
        relabelled(one, "d") if one.category == "a" and place % 2 else one
        for place, one in enumerate(photos)
    ]
    (finding,) = alike_findings(judged(photos, embeddings))
    assert {finding.category, finding.other} == {"a", "d"}
    assert {one.category for one in finding.photos} <= {"a", "d"}
    assert finding.photos


def test_a_copy_does_not_vouch_for_a_wrong_label() -> None:
    photos, embeddings = clusters("abc", count=20)
    groups = alone(photos)
    first = photos[0]
    copies = []
    for number in range(100, 104):
        copy = photo("b", number)
        embeddings[copy.sha256] = embeddings[first.sha256]
        groups[copy.sha256] = groups[first.sha256]
        copies.append(copy)
    photos = [relabelled(first, "b"), *photos[1:], *copies]
    found = {finding.product for finding in label_findings(judge(photos, embeddings, groups))}
    assert {first.product, *(copy.product for copy in copies)} <= found


def test_too_little_to_judge() -> None:
    photos, _ = clusters("ab", count=LEAST_PHOTOS)
    assert can_judge(photos, alone(photos))
    assert not can_judge(photos[1:], alone(photos))
    # many pictures of one product are one thing
    assert not can_judge(photos, dict.fromkeys(alone(photos), "one"))


def test_small_categories_are_not_judged() -> None:
    photos, embeddings = clusters("ab", count=20)
    few = [photo("c", number) for number in range(LEAST_PHOTOS - 1)]
    for one in few:
        embeddings[one.sha256] = embeddings[photos[0].sha256]
    result = judged([*photos, *few], embeddings)
    assert result.categories == ["a", "b"]
    assert len(result.photos) == 40
