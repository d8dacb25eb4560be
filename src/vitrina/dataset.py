"""Who is in which split, and why nothing leaks.

Photos are split by product, never one by one: two pictures of one product, pictures with the same
bytes, and products of a category that share a picture always fall on the same side. Which side
follows from a hash of the seed and the product, so goods added later do not move the others about.
A split that the catalogue gives is kept as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from vitrina import atomic
from vitrina.errors import DatasetError
from vitrina.store.products import list_photos

Split = Literal["train", "validation", "test"]
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1
_UNTESTED = "Not tested, for want of photos:"


@dataclass(frozen=True)
class Sample:
    """One photo to learn from or to be tested on.

    Attributes:
        sha256: Of the photo's bytes.
        file: Path relative to the shop's folder.
        product: Its sku.
        category: Slug.
        split: Side that it is on.
    """

    sha256: str
    file: str
    product: str
    category: str
    split: Split


@dataclass(frozen=True)
class Dataset:
    """Every photo of the shop, its category and its split.

    Attributes:
        categories: Slugs in the order of the network's outputs.
        samples: Sorted by category, product and picture.
        seed: Decides the split where the catalogue does not.
        notices: What was left out, for people.
    """

    categories: tuple[str, ...]
    samples: tuple[Sample, ...]
    seed: int
    notices: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes when any photo, category or split does; the order of import does not matter."""
        content = [(s.sha256, s.product, s.category, s.split) for s in self.samples]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def part(self, split: Split) -> list[Sample]:
        """The samples of one split, in their order."""
        return [sample for sample in self.samples if sample.split == split]

    def labels(self, samples: Iterable[Sample]) -> list[int]:
        """Index into `categories` of each sample."""
        index = {slug: number for number, slug in enumerate(self.categories)}
        return [index[sample.category] for sample in samples]

    def without(self, refused: Iterable[str]) -> Dataset:
        """The same without the photos of those SHA-256 values, for a network yet to be trained.

        A category that has nothing left to learn from is left out, as in `build_dataset`.

        Raises:
            DatasetError: what is left is too little to learn from or to test on.
        """
        kept = self._kept(refused)
        if len(kept) == len(self.samples):
            return self
        learned = {sample.category for sample in kept if sample.split == "train"}
        notices = [notice for notice in self.notices if not notice.startswith(_UNTESTED)]
        notices += [_left_out(slug) for slug in self.categories if slug not in learned]
        return _checked([s for s in kept if s.category in learned], self.seed, notices)

    def measured_without(self, refused: Iterable[str]) -> Dataset:
        """The same without those photos, for a trained network: its categories stay.

        Raises:
            DatasetError: no photo is left to test on.
        """
        less = replace(self, samples=tuple(self._kept(refused)))
        if not less.part("test"):
            raise DatasetError(
                "None of the photos that the run was to be tested on can be read.",
                hint="Import the goods again, then run `vitrina train` again.",
            )
        return less

    def _kept(self, refused: Iterable[str]) -> list[Sample]:
        gone = set(refused)
        return [sample for sample in self.samples if sample.sha256 not in gone]

    def write(self, path: Path) -> None:
        """Puts dataset.json at `path`."""
        atomic.write_json(
            path,
            {
                "fingerprint": self.fingerprint,
                "seed": self.seed,
                "categories": self.categories,
                "notices": self.notices,
                "samples": [asdict(sample) for sample in self.samples],
            },
        )

    @classmethod
    def read(cls, path: Path) -> Dataset:
        """Reads dataset.json back.

        Raises:
            DatasetError: it is missing, damaged or was changed by hand.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            dataset = cls(
                tuple(content["categories"]),
                tuple(Sample(**sample) for sample in content["samples"]),
                content["seed"],
                tuple(content["notices"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{path} cannot be read: {error}.", hint="Run `vitrina train` again."
            ) from error
        if dataset.fingerprint != content["fingerprint"]:
            raise DatasetError(
                f"{path} is not what was written: its fingerprint differs.",
                hint="Run `vitrina train` again.",
            )
        return dataset


def build_dataset(session: Session, *, seed: int) -> Dataset:
    """Splits the shop's photos: 80 % to learn from (a tenth of it to watch), 20 % to test on.

    Raises:
        DatasetError: fewer than two categories have photos to learn from, or nothing is left to
            test on.
    """
    notices: list[str] = []
    photos: dict[str, tuple[str, str, str, str | None]] = {}
    groups: dict[str, str] = {}
    for photo, product, category in list_photos(session):
        known = photos.get(photo.sha256)
        if known is not None and known[2] != category.slug:
            notices.append(
                f"The same picture shows {known[1]} ({known[2]}) and {product.sku} "
                f"({category.slug}): taken as {known[2]}."
            )
        elif known is not None:
            groups[_group(groups, product.sku)] = _group(groups, known[1])
        if known is None:
            file = f"photos/{photo.sha256[:2]}/{photo.sha256}{photo.suffix}"
            photos[photo.sha256] = (file, product.sku, category.slug, photo.split)
        elif known[3] is None:
            photos[photo.sha256] = (*known[:3], photo.split)
    samples: list[Sample] = []
    for slug, members in sorted(_by_category(photos, groups).items()):
        sides = _split_category(members, seed)
        if "train" not in sides.values():
            notices.append(_left_out(slug))
            continue
        samples.extend(
            Sample(sha, photos[sha][0], photos[sha][1], slug, sides[sha]) for sha in members
        )
    return _checked(samples, seed, notices)


def _checked(samples: Sequence[Sample], seed: int, notices: list[str]) -> Dataset:
    categories = tuple(sorted({sample.category for sample in samples}))
    sizes = Counter((sample.category, sample.split) for sample in samples)
    if len(categories) < 2:
        raise DatasetError(
            f"There {'is one category' if categories else 'are no categories'} with photos to "
            "learn from; at least two are needed.",
            hint="Import more goods: `vitrina check` shows what each category has.",
        )
    untested = [slug for slug in categories if not sizes[slug, "test"]]
    if len(untested) == len(categories):
        raise DatasetError(
            "No photo is left to test on.",
            hint="Give each category at least two products with photos.",
        )
    if untested:
        notices.append(f"{_UNTESTED} {', '.join(untested)}.")
    return Dataset(categories, tuple(samples), seed, tuple(notices))


def _left_out(slug: str) -> str:
    return f"{slug} is left out: it has no photo to learn from."


def _by_category(
    photos: dict[str, tuple[str, str, str, str | None]], groups: dict[str, str]
) -> dict[str, dict[str, tuple[str, str | None]]]:
    members: dict[str, dict[str, tuple[str, str | None]]] = defaultdict(dict)
    for sha, (_, product, slug, given) in photos.items():
        members[slug][sha] = (_group(groups, product), given)
    return members


def _group(groups: dict[str, str], product: str) -> str:
    """The product that stands for all those that are joined to it by a shared picture."""
    while groups.get(product, product) != product:
        product = groups[product]
    return product


def _split_category(members: dict[str, tuple[str, str | None]], seed: int) -> dict[str, Split]:
    """Side of each photo of one category, by SHA-256."""
    given = {product: side for product, side in members.values() if side is not None}
    products = sorted({product for product, _ in members.values()}, key=lambda p: _rank(seed, p))
    free = [product for product in products if product not in given]
    # where the catalogue gives a split for part of the goods, only the rest is drawn
    tested = set(free[: _share(len(free), TEST_SHARE)])
    learned = [p for p in products if p not in tested and given.get(p) != "test"]
    watched = set(learned[: _share(len(learned), VALIDATION_SHARE)]) if len(learned) > 2 else set()

    def side(product: str, of_photo: str | None) -> Split:
        if (of_photo or given.get(product)) == "test" or product in tested:
            return "test"
        return "validation" if product in watched else "train"

    return {sha: side(product, own) for sha, (product, own) in members.items()}


def _share(count: int, share: float) -> int:
    """A share of `count`, at least one where something is left for the other side."""
    return max(1, round(count * share)) if count > 1 else 0


def _rank(seed: int, product: str) -> bytes:
    return hashlib.sha256(f"{seed}/{product}".encode()).digest()
