"""Who is in which split, and why nothing leaks.

Photos are split in groups, never one by one: two pictures of one product, pictures with the same
bytes, near copies, and all products that these join always fall on the same side, whatever their
categories. Which side follows from a hash of the seed and the group, so goods added later do not
move the others about. A split that the catalogue gives is kept as it is; what leaks through it is
counted and told.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from vitrina import atomic
from vitrina.errors import DatasetError
from vitrina.notices import Notice, leaked, left_out, same_picture, untested
from vitrina.store.corrections import dropped_photos
from vitrina.store.products import list_photos
from vitrina.union_find import UnionFind

Split = Literal["train", "validation", "test"]
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


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
    notices: tuple[Notice, ...] = ()

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
        notices = [notice for notice in self.notices if notice.code != "untested"]
        notices += [left_out(slug) for slug in self.categories if slug not in learned]
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
                "notices": [asdict(notice) for notice in self.notices],
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
                tuple(Notice.from_json(notice) for notice in content["notices"]),
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


@dataclass(frozen=True)
class _Picture:
    """One photo before it is split.

    Attributes:
        file: Path relative to the shop's folder.
        product: Its sku.
        category: Slug.
        given: Side that the catalogue gives.
    """

    file: str
    product: str
    category: str
    given: str | None


@dataclass
class _Group:
    """Products that must be on one side.

    Attributes:
        name: The first of their articles.
        goods: How many of them show pictures in each category, by slug.
        given: Sides that the catalogue gives to some of their pictures.
    """

    name: str
    goods: Counter[str] = field(default_factory=Counter)
    given: set[str] = field(default_factory=set)


def build_dataset(
    connection: Connection,
    *,
    seed: int,
    copies: Iterable[Collection[str]] = (),
    given_split: bool = True,
) -> Dataset:
    """Splits the shop's photos: 80 % to learn from (a tenth of it to watch), 20 % to test on.

    Args:
        connection: The shop's database.
        seed: Decides who is on which side where the catalogue does not.
        copies: Groups of photos that are one picture, by SHA-256, as `near_copies` finds them.
        given_split: Whether a split that the catalogue gives is kept.

    Raises:
        DatasetError: fewer than two categories have photos to learn from, or nothing is left to
            test on.
    """
    notices: list[Notice] = []
    dropped = dropped_photos(connection)
    pictures: dict[str, _Picture] = {}
    joined = UnionFind()
    for photo in list_photos(connection):
        if (photo.sku, photo.sha256) in dropped:
            continue
        known = pictures.get(photo.sha256)
        given = photo.split if given_split else None
        if known is None:
            file = f"photos/{photo.sha256[:2]}/{photo.sha256}{photo.suffix}"
            known = _Picture(file, photo.sku, photo.category, given)
        elif known.given is None:
            known = replace(known, given=given)
        if known.category != photo.category:
            notices.append(same_picture(known.product, known.category, photo.sku, photo.category))
        pictures[photo.sha256] = known
        joined.join(known.product, photo.sku)
    alike = [[sha for sha in group if sha in pictures] for group in copies]
    for group in alike:
        for sha in group[1:]:
            joined.join(pictures[group[0]].product, pictures[sha].product)
    sides = _split(pictures, joined, seed)
    samples: list[Sample] = []
    for slug in sorted({picture.category for picture in pictures.values()}):
        members = [sha for sha, picture in pictures.items() if picture.category == slug]
        if all(sides[sha] != "train" for sha in members):
            notices.append(left_out(slug))
            continue
        samples.extend(
            Sample(sha, pictures[sha].file, pictures[sha].product, slug, sides[sha])
            for sha in members
        )
    notices += _leaks(samples, alike)
    return _checked(samples, seed, notices)


def _leaks(samples: Sequence[Sample], alike: Iterable[Sequence[str]]) -> list[Notice]:
    """What the catalogue's own split lets through: nothing else does."""
    sides = {sample.sha256: sample.split for sample in samples}
    count = 0
    for group in alike:
        tested = sum(sides.get(sha) == "test" for sha in group)
        if any(sides.get(sha) in ("train", "validation") for sha in group):
            count += tested
    return [leaked(count)] if count else []


def _checked(samples: Sequence[Sample], seed: int, notices: list[Notice]) -> Dataset:
    categories = tuple(sorted({sample.category for sample in samples}))
    sizes = Counter((sample.category, sample.split) for sample in samples)
    if len(categories) < 2:
        raise DatasetError(
            f"There {'is one category' if categories else 'are no categories'} with photos to "
            "learn from; at least two are needed.",
            hint="Import more goods: `vitrina check` shows what each category has.",
        )
    without = [slug for slug in categories if not sizes[slug, "test"]]
    if len(without) == len(categories):
        raise DatasetError(
            "No photo is left to test on.",
            hint="Give each category at least two products with photos.",
        )
    if without:
        notices.append(untested(without))
    return Dataset(categories, tuple(samples), seed, tuple(notices))


def _split(pictures: Mapping[str, _Picture], joined: UnionFind, seed: int) -> dict[str, Split]:
    """Side of each photo, by SHA-256."""
    groups: dict[str, _Group] = {}
    of_product: dict[str, str] = {}
    for product, category in sorted({(p.product, p.category) for p in pictures.values()}):
        name = joined.find(product)
        groups.setdefault(name, _Group(name)).goods[category] += 1
    for picture in pictures.values():
        if picture.given is not None:
            groups[joined.find(picture.product)].given.add(picture.given)
            of_product[picture.product] = picture.given
    ordered = sorted(groups.values(), key=lambda group: _rank(seed, group.name))
    # where the catalogue gives a split for part of the goods, only the rest is drawn
    tested = _draw([group for group in ordered if not group.given], TEST_SHARE, least=2)
    learned = [g for g in ordered if g.name not in tested and g.given != {"test"}]
    watched = _draw(learned, VALIDATION_SHARE, least=3)

    def side(picture: _Picture) -> Split:
        group = groups[joined.find(picture.product)]
        given = picture.given or of_product.get(picture.product)
        # a group of which something is learned has nothing more to test
        if (given or ("test" if group.given == {"test"} else "train")) == "test":
            return "test"
        if group.name in tested:
            return "test"
        return "validation" if group.name in watched else "train"

    return {sha: side(picture) for sha, picture in pictures.items()}


def _draw(groups: Sequence[_Group], share: float, *, least: int) -> set[str]:
    """Groups that make up a share of each category's goods, in the order in which they come.

    Args:
        groups: To draw from, in the order that the seed gives them.
        share: Of each category's goods.
        least: Goods below which nothing is drawn from a category.
    """
    goods: Counter[str] = Counter()
    for group in groups:
        goods.update(group.goods)
    wanted = {slug: _share(count, share) if count >= least else 0 for slug, count in goods.items()}
    drawn: Counter[str] = Counter()
    names = set()
    for group in groups:
        if all(drawn[slug] + count <= wanted[slug] for slug, count in group.goods.items()):
            names.add(group.name)
            drawn.update(group.goods)
    # where each group of a category is larger than its share, the smallest is taken
    for slug in sorted(slug for slug, count in wanted.items() if count and not drawn[slug]):
        for group in sorted(groups, key=lambda one: one.goods.total()):
            if slug in group.goods and all(
                wanted[other] and drawn[other] + count < goods[other]
                for other, count in group.goods.items()
            ):
                names.add(group.name)
                drawn.update(group.goods)
                break
    return names


def _share(count: int, share: float) -> int:
    """A share of `count`, at least one where something is left for the other side."""
    return max(1, round(count * share)) if count > 1 else 0


def _rank(seed: int, product: str) -> bytes:
    return hashlib.sha256(f"{seed}/{product}".encode()).digest()
