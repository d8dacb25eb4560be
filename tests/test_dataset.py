"""Who is in which split, and that nothing leaks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from vitrina.dataset import Dataset, build_dataset
from vitrina.errors import DatasetError
from vitrina.store.products import PhotoRecord, ProductRecord, save_category, save_product
from vitrina.store.schema import Base

Photos = Sequence[tuple[str, str | None]]
"""Letters that stand for a picture's bytes, each with its given split."""


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def sha(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def add(session: Session, category: str, sku: str, photos: Photos) -> None:
    entry = save_category(session, slug=category, name=category, name_en=None, search_text=None)
    records = tuple(PhotoRecord(sha(name), ".jpg", 50, 50, split) for name, split in photos)
    save_product(session, entry, ProductRecord(sku, sku, None, "RUB", photos=records))


def fill(session: Session, products: int = 20, categories: Sequence[str] = ("a", "b")) -> None:
    for category in categories:
        for number in range(products):
            sku = f"{category}{number}"
            add(session, category, sku, [(f"{sku}.1", None), (f"{sku}.2", None)])


def sides(dataset: Dataset) -> dict[str, str]:
    return {bytes.fromhex(s.sha256).rstrip(b"\0").decode(): s.split for s in dataset.samples}


def test_shares(session: Session) -> None:
    fill(session, products=50)
    dataset = build_dataset(session, seed=0)
    assert dataset.categories == ("a", "b")
    for category in dataset.categories:
        sizes = {
            split: sum(s.category == category for s in dataset.part(split))
            for split in ("train", "validation", "test")
        }
        assert sizes == {"test": 20, "validation": 8, "train": 72}
    assert dataset.labels(dataset.samples) == [0] * 100 + [1] * 100
    assert dataset.notices == ()


def test_seed_decides(session: Session) -> None:
    fill(session)
    one, same, other = (build_dataset(session, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.fingerprint == same.fingerprint
    assert sides(one) != sides(other)
    assert one.fingerprint != other.fingerprint


def test_order_of_import_does_not_matter() -> None:
    fingerprints = []
    for categories in (("a", "b", "c"), ("c", "b", "a")):
        engine = create_engine("sqlite://")
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            fill(session, categories=categories)
            fingerprints.append(build_dataset(session, seed=0).fingerprint)
        engine.dispose()
    assert fingerprints[0] == fingerprints[1]


def test_later_goods_do_not_stir_the_others(session: Session) -> None:
    fill(session, products=40)
    before = sides(build_dataset(session, seed=0))
    add(session, "a", "late", [("late", None)])
    after = sides(build_dataset(session, seed=0))
    moved = [name for name, side in before.items() if (side == "test") != (after[name] == "test")]
    # the border between the sides may move by one product of two photos
    assert len(moved) <= 2


def test_pictures_of_one_product_stay_together(session: Session) -> None:
    fill(session)
    for seed in range(5):
        by_product = defaultdict(set)
        for sample in build_dataset(session, seed=seed).samples:
            by_product[sample.product].add(sample.split)
        assert all(len(splits) == 1 for splits in by_product.values())


def test_products_that_share_a_picture_stay_together(session: Session) -> None:
    fill(session, products=10)
    # a chain: one shares with two, two with three
    add(session, "a", "one", [("x", None), ("1", None)])
    add(session, "a", "two", [("x", None), ("y", None), ("2", None)])
    add(session, "a", "three", [("y", None), ("3", None)])
    for seed in range(12):
        dataset = build_dataset(session, seed=seed)
        assert len({sides(dataset)[name] for name in ("x", "y", "1", "2", "3")}) == 1
        assert len(dataset.samples) == len({s.sha256 for s in dataset.samples})


def test_same_picture_in_two_categories_is_told(session: Session) -> None:
    fill(session, products=5)
    add(session, "b", "wrong", [("a0.1", None)])
    dataset = build_dataset(session, seed=0)
    (notice,) = dataset.notices
    assert "a0 (a)" in notice
    assert "wrong (b)" in notice
    (sample,) = (s for s in dataset.samples if s.sha256 == sha("a0.1"))
    assert sample.category == "a"


def test_given_split_is_kept(session: Session) -> None:
    fill(session, products=10)
    add(session, "a", "kept-test", [("t1", "test"), ("t2", "test"), ("t3", None)])
    add(session, "a", "kept-train", [("l1", "train"), ("l2", None)])
    for seed in range(8):
        given = sides(build_dataset(session, seed=seed))
        assert {given[name] for name in ("t1", "t2", "t3")} == {"test"}
        assert {given[name] for name in ("l1", "l2")} <= {"train", "validation"}
        assert given["l1"] == given["l2"]


def test_given_split_of_a_copy_is_kept(session: Session) -> None:
    fill(session, products=10)
    add(session, "a", "first", [("copy", None), ("first", None)])
    add(session, "a", "second", [("copy", "test")])
    for seed in range(8):
        assert sides(build_dataset(session, seed=seed))["copy"] == "test"


def test_split_given_for_everything(session: Session) -> None:
    for category in "ab":
        for number in range(6):
            split = "test" if number < 2 else "train"
            add(session, category, f"{category}{number}", [(f"{category}{number}", split)])
    dataset = build_dataset(session, seed=0)
    tested = {name for name, side in sides(dataset).items() if side == "test"}
    assert tested == {"a0", "a1", "b0", "b1"}


def test_category_without_photos_to_learn_from(session: Session) -> None:
    fill(session, products=5)
    add(session, "c", "c0", [("c0", "test")])
    add(session, "d", "d0", [])
    dataset = build_dataset(session, seed=0)
    assert dataset.categories == ("a", "b")
    assert dataset.notices == ("c is left out: it has no photo to learn from.",)


def test_category_without_photos_to_test_on(session: Session) -> None:
    fill(session, products=5)
    add(session, "c", "c0", [("c0", None)])
    dataset = build_dataset(session, seed=0)
    assert sides(dataset)["c0"] == "train"
    assert dataset.notices == ("Not tested, for want of photos: c.",)


def test_too_little(session: Session) -> None:
    with pytest.raises(DatasetError, match="no categories"):
        build_dataset(session, seed=0)
    fill(session, products=5, categories=("a",))
    with pytest.raises(DatasetError, match="one category"):
        build_dataset(session, seed=0)


def test_nothing_to_test_on(session: Session) -> None:
    fill(session, products=1)
    with pytest.raises(DatasetError, match="No photo is left to test on"):
        build_dataset(session, seed=0)


def test_without(session: Session) -> None:
    fill(session)
    dataset = build_dataset(session, seed=0)
    less = dataset.without([sha("a0.1"), "unknown"])
    assert len(less.samples) == len(dataset.samples) - 1
    assert less.categories == dataset.categories
    assert less.fingerprint != dataset.fingerprint


def test_without_nothing_is_the_same(session: Session) -> None:
    fill(session)
    dataset = build_dataset(session, seed=0)
    assert dataset.without(["unknown"]) is dataset


def of(dataset: Dataset, category: str, *splits: str) -> list[str]:
    return [s.sha256 for s in dataset.samples if s.category == category and s.split in splits]


def test_without_holds_to_the_rules(session: Session) -> None:
    fill(session, categories=("a", "b", "c"))
    dataset = build_dataset(session, seed=0)
    less = dataset.without(of(dataset, "c", "train"))
    assert less.categories == ("a", "b")
    assert {sample.category for sample in less.samples} == {"a", "b"}
    assert less.notices == ("c is left out: it has no photo to learn from.",)
    untested = dataset.without(of(dataset, "a", "test"))
    assert untested.notices == ("Not tested, for want of photos: a.",)
    more = untested.without(of(dataset, "b", "test"))
    assert more.notices == ("Not tested, for want of photos: a, b.",)
    every = [sample.sha256 for sample in dataset.part("test")]
    with pytest.raises(DatasetError, match="No photo is left to test on"):
        dataset.without(every)
    with pytest.raises(DatasetError, match="one category"):
        dataset.without(of(dataset, "b", "train") + of(dataset, "c", "train"))
    with pytest.raises(DatasetError, match="no categories"):
        dataset.without([sample.sha256 for sample in dataset.part("train")])


def test_a_trained_network_keeps_its_categories(session: Session) -> None:
    fill(session, categories=("a", "b", "c"))
    dataset = build_dataset(session, seed=0)
    less = dataset.measured_without(of(dataset, "c", "train", "validation", "test"))
    assert less.categories == ("a", "b", "c")
    assert {sample.category for sample in less.samples} == {"a", "b"}
    with pytest.raises(DatasetError, match="can be read"):
        dataset.measured_without(sample.sha256 for sample in dataset.part("test"))


def test_written_and_read(session: Session, tmp_path: Path) -> None:
    fill(session)
    dataset = build_dataset(session, seed=3)
    dataset.write(tmp_path / "dataset.json")
    assert Dataset.read(tmp_path / "dataset.json") == dataset


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"samples": [{}]}'])
def test_unreadable(tmp_path: Path, content: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.read(tmp_path / "dataset.json")
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.read(tmp_path / "missing.json")


def test_changed_by_hand(session: Session, tmp_path: Path) -> None:
    fill(session)
    path = tmp_path / "dataset.json"
    build_dataset(session, seed=0).write(path)
    content = json.loads(path.read_text())
    content["samples"][0]["split"] = "test" if content["samples"][0]["split"] != "test" else "train"
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="fingerprint differs"):
        Dataset.read(path)


goods = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.lists(
            st.tuples(st.integers(0, 25), st.sampled_from([None, None, None, "train", "test"])),
            max_size=4,
        ),
    ),
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(goods, st.integers(0, 10))
@example([("a", [(0, None), (1, None)]), ("a", [(0, None), (2, None)])] * 3, 0)
def test_nothing_leaks(drawn: list[tuple[str, list[tuple[int, str | None]]]], seed: int) -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    shown: dict[str, set[str]] = defaultdict(set)
    with Session(engine) as session:
        for number, (category, photos) in enumerate(drawn):
            # the catalogue's split is the merchant's; here it is one for a whole product
            split = photos[0][1] if photos else None
            names = [(str(picture), split) for picture, _ in photos]
            add(session, category, f"p{number}", names)
            shown[f"{category}/p{number}"] = {sha(name) for name, _ in names}
        try:
            dataset = build_dataset(session, seed=seed)
        except DatasetError:
            return
    engine.dispose()
    split_of = {sample.sha256: sample.split for sample in dataset.samples}
    assert len(split_of) == len(dataset.samples)
    category_of = {sample.sha256: sample.category for sample in dataset.samples}
    given = {sha(str(p)) for _, photos in drawn for p, _ in photos if photos[0][1]}
    for name, pictures in shown.items():
        own = {p for p in pictures if category_of.get(p) == name[0]}
        if not own & given:
            learned = {split_of[p] == "test" for p in own}
            assert len(learned) <= 1, name
    for category in dataset.categories:
        assert any(s.category == category and s.split == "train" for s in dataset.samples)
