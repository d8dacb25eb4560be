"""Who is in which split, and that nothing leaks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine
from stored import add_product, photo

from vitrina.dataset import Dataset, build_dataset
from vitrina.errors import DatasetError
from vitrina.notices import Notice, leaked, left_out, same_picture, untested
from vitrina.store.categories import add_category, named_categories
from vitrina.store.corrections import DROP, KEEP, decide, take_back
from vitrina.store.schema import METADATA
from vitrina.union_find import UnionFind

Photos = Sequence[tuple[str, str | None]]
"""Letters that stand for a picture's bytes, each with its given split."""


@pytest.fixture
def connection() -> Iterator[Connection]:
    with in_memory() as opened:
        yield opened


@contextmanager
def in_memory() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        METADATA.create_all(opened)
        yield opened
    engine.dispose()


def sha(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


def add(connection: Connection, category: str, sku: str, photos: Photos) -> None:
    entry = named_categories(connection, [category]).get(category)
    if entry is None:
        entry = add_category(connection, slug=category, path=category, name=category)
    records = [photo(sha(name), split=split) for name, split in photos]
    add_product(connection, entry.id, sku, records)


def fill(
    connection: Connection, products: int = 20, categories: Sequence[str] = ("a", "b")
) -> None:
    for category in categories:
        for number in range(products):
            sku = f"{category}{number}"
            add(connection, category, sku, [(f"{sku}.1", None), (f"{sku}.2", None)])


def sides(dataset: Dataset) -> dict[str, str]:
    return {bytes.fromhex(s.sha256).rstrip(b"\0").decode(): s.split for s in dataset.samples}


def test_shares(connection: Connection) -> None:
    fill(connection, products=50)
    dataset = build_dataset(connection, seed=0)
    assert dataset.categories == ("a", "b")
    for category in dataset.categories:
        sizes = {
            split: sum(s.category == category for s in dataset.part(split))
            for split in ("train", "validation", "test")
        }
        assert sizes == {"test": 20, "validation": 8, "train": 72}
    assert dataset.labels(dataset.samples) == [0] * 100 + [1] * 100
    assert dataset.notices == ()


def test_seed_decides(connection: Connection) -> None:
    fill(connection)
    one, same, other = (build_dataset(connection, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.fingerprint == same.fingerprint
    assert sides(one) != sides(other)
    assert one.fingerprint != other.fingerprint


def test_order_of_import_does_not_matter() -> None:
    fingerprints = []
    for categories in (("a", "b", "c"), ("c", "b", "a")):
        with in_memory() as connection:
            fill(connection, categories=categories)
            fingerprints.append(build_dataset(connection, seed=0).fingerprint)
    assert fingerprints[0] == fingerprints[1]


def test_later_goods_do_not_stir_the_others(connection: Connection) -> None:
    fill(connection, products=40)
    before = sides(build_dataset(connection, seed=0))
    add(connection, "a", "late", [("late", None)])
    after = sides(build_dataset(connection, seed=0))
    moved = [name for name, side in before.items() if (side == "test") != (after[name] == "test")]
    # the border between the sides may move by one product of two photos
    assert len(moved) <= 2


def test_pictures_of_one_product_stay_together(connection: Connection) -> None:
    fill(connection)
    for seed in range(5):
        by_product = defaultdict(set)
        for sample in build_dataset(connection, seed=seed).samples:
            by_product[sample.product].add(sample.split)
        assert all(len(splits) == 1 for splits in by_product.values())


def test_products_that_share_a_picture_stay_together(connection: Connection) -> None:
    fill(connection, products=10)
    # a chain: one shares with two, two with three
    add(connection, "a", "one", [("x", None), ("1", None)])
    add(connection, "a", "two", [("x", None), ("y", None), ("2", None)])
    add(connection, "a", "three", [("y", None), ("3", None)])
    for seed in range(12):
        dataset = build_dataset(connection, seed=seed)
        assert len({sides(dataset)[name] for name in ("x", "y", "1", "2", "3")}) == 1
        assert len(dataset.samples) == len({s.sha256 for s in dataset.samples})


def test_same_picture_in_two_categories_is_told(connection: Connection) -> None:
    fill(connection, products=5)
    add(connection, "b", "wrong", [("a0.1", None)])
    dataset = build_dataset(connection, seed=0)
    (notice,) = dataset.notices
    assert "a0 (a)" in notice.message
    assert "wrong (b)" in notice.message
    assert notice == same_picture("a0", "a", "wrong", "b")
    (sample,) = (s for s in dataset.samples if s.sha256 == sha("a0.1"))
    assert sample.category == "a"


def test_given_split_is_kept(connection: Connection) -> None:
    fill(connection, products=10)
    add(connection, "a", "kept-test", [("t1", "test"), ("t2", "test"), ("t3", None)])
    add(connection, "a", "kept-train", [("l1", "train"), ("l2", None)])
    for seed in range(8):
        given = sides(build_dataset(connection, seed=seed))
        assert {given[name] for name in ("t1", "t2", "t3")} == {"test"}
        assert {given[name] for name in ("l1", "l2")} <= {"train", "validation"}
        assert given["l1"] == given["l2"]


def test_given_split_of_a_copy_is_kept(connection: Connection) -> None:
    fill(connection, products=10)
    add(connection, "a", "first", [("copy", None), ("first", None)])
    add(connection, "a", "second", [("copy", "test")])
    for seed in range(8):
        assert sides(build_dataset(connection, seed=seed))["copy"] == "test"


def test_split_given_for_everything(connection: Connection) -> None:
    for category in "ab":
        for number in range(6):
            split = "test" if number < 2 else "train"
            add(connection, category, f"{category}{number}", [(f"{category}{number}", split)])
    dataset = build_dataset(connection, seed=0)
    tested = {name for name, side in sides(dataset).items() if side == "test"}
    assert tested == {"a0", "a1", "b0", "b1"}


def test_category_without_photos_to_learn_from(connection: Connection) -> None:
    fill(connection, products=5)
    add(connection, "c", "c0", [("c0", "test")])
    add(connection, "d", "d0", [])
    dataset = build_dataset(connection, seed=0)
    assert dataset.categories == ("a", "b")
    assert dataset.notices == (left_out("c"),)


def test_category_without_photos_to_test_on(connection: Connection) -> None:
    fill(connection, products=5)
    add(connection, "c", "c0", [("c0", None)])
    dataset = build_dataset(connection, seed=0)
    assert sides(dataset)["c0"] == "train"
    assert dataset.notices == (untested(["c"]),)


def test_too_little(connection: Connection) -> None:
    with pytest.raises(DatasetError, match="no categories"):
        build_dataset(connection, seed=0)
    fill(connection, products=5, categories=("a",))
    with pytest.raises(DatasetError, match="one category"):
        build_dataset(connection, seed=0)


def test_nothing_to_test_on(connection: Connection) -> None:
    fill(connection, products=1)
    with pytest.raises(DatasetError, match="No photo is left to test on"):
        build_dataset(connection, seed=0)


def test_without(connection: Connection) -> None:
    fill(connection)
    dataset = build_dataset(connection, seed=0)
    less = dataset.without([sha("a0.1"), "unknown"])
    assert len(less.samples) == len(dataset.samples) - 1
    assert less.categories == dataset.categories
    assert less.fingerprint != dataset.fingerprint


def test_without_nothing_is_the_same(connection: Connection) -> None:
    fill(connection)
    dataset = build_dataset(connection, seed=0)
    assert dataset.without(["unknown"]) is dataset


def of(dataset: Dataset, category: str, *splits: str) -> list[str]:
    return [s.sha256 for s in dataset.samples if s.category == category and s.split in splits]


def test_without_holds_to_the_rules(connection: Connection) -> None:
    fill(connection, categories=("a", "b", "c"))
    dataset = build_dataset(connection, seed=0)
    less = dataset.without(of(dataset, "c", "train"))
    assert less.categories == ("a", "b")
    assert {sample.category for sample in less.samples} == {"a", "b"}
    assert less.notices == (left_out("c"),)
    less = dataset.without(of(dataset, "a", "test"))
    assert less.notices == (untested(["a"]),)
    more = less.without(of(dataset, "b", "test"))
    assert more.notices == (untested(["a", "b"]),)
    every = [sample.sha256 for sample in dataset.part("test")]
    with pytest.raises(DatasetError, match="No photo is left to test on"):
        dataset.without(every)
    with pytest.raises(DatasetError, match="one category"):
        dataset.without(of(dataset, "b", "train") + of(dataset, "c", "train"))
    with pytest.raises(DatasetError, match="no categories"):
        dataset.without([sample.sha256 for sample in dataset.part("train")])


def test_a_trained_network_keeps_its_categories(connection: Connection) -> None:
    fill(connection, categories=("a", "b", "c"))
    dataset = build_dataset(connection, seed=0)
    less = dataset.measured_without(of(dataset, "c", "train", "validation", "test"))
    assert less.categories == ("a", "b", "c")
    assert {sample.category for sample in less.samples} == {"a", "b"}
    with pytest.raises(DatasetError, match="can be read"):
        dataset.measured_without(sample.sha256 for sample in dataset.part("test"))


def test_written_and_read(connection: Connection, tmp_path: Path) -> None:
    fill(connection)
    dataset = build_dataset(connection, seed=3)
    dataset.write(tmp_path / "dataset.json")
    assert Dataset.read(tmp_path / "dataset.json") == dataset


def test_notices_are_read_back_and_those_of_older_versions_too(
    connection: Connection, tmp_path: Path
) -> None:
    fill(connection, products=5)
    add(connection, "b", "wrong", [("a0.1", None)])
    add(connection, "c", "c0", [("c0", None)])
    dataset = build_dataset(connection, seed=0)
    assert [notice.code for notice in dataset.notices] == ["same_picture", "untested"]
    file = tmp_path / "dataset.json"
    dataset.write(file)
    assert Dataset.read(file) == dataset
    content = json.loads(file.read_text())
    content["notices"] = ["c is left out."]
    file.write_text(json.dumps(content))
    assert Dataset.read(file).notices == (Notice("", "c is left out."),)
    content["notices"] = [{"code": "untested"}]
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.read(file)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"samples": [{}]}'])
def test_unreadable(tmp_path: Path, content: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.read(tmp_path / "dataset.json")
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.read(tmp_path / "missing.json")


def test_changed_by_hand(connection: Connection, tmp_path: Path) -> None:
    fill(connection)
    path = tmp_path / "dataset.json"
    build_dataset(connection, seed=0).write(path)
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
    shown: dict[str, set[str]] = defaultdict(set)
    with in_memory() as connection:
        for number, (category, photos) in enumerate(drawn):
            # the catalogue's split is the merchant's; here it is one for a whole product
            split = photos[0][1] if photos else None
            names = [(str(picture), split) for picture, _ in photos]
            add(connection, category, f"p{number}", names)
            shown[f"{category}/p{number}"] = {sha(name) for name, _ in names}
        try:
            dataset = build_dataset(connection, seed=seed)
        except DatasetError:
            return
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


def copies(*groups: Sequence[str]) -> list[list[str]]:
    return [[sha(name) for name in group] for group in groups]


def test_near_copies_stay_together_across_products_and_categories(connection: Connection) -> None:
    fill(connection, products=12)
    pairs = [(f"a{number}.1", f"a{number + 4}.2") for number in range(4)]
    across = [("a9.1", "b9.1"), ("a10.2", "b2.1", "b3.1")]
    for seed in range(12):
        dataset = build_dataset(connection, seed=seed, copies=copies(*pairs, *across))
        side = sides(dataset)
        for group in (*pairs, *across):
            # whole products are: both pictures of each
            members = [f"{name[:-2]}.{picture}" for name in group for picture in (1, 2)]
            assert len({side[name] for name in members}) == 1
        assert dataset.notices == ()
        for category in "ab":
            tested = {s.product for s in dataset.part("test") if s.category == category}
            assert 1 <= len(tested) <= 2  # 20 % of 12 goods, in whole groups


def test_without_copies_the_split_is_what_it_was(connection: Connection) -> None:
    fill(connection)
    assert build_dataset(connection, seed=4) == build_dataset(connection, seed=4, copies=[])
    unknown = copies(("elsewhere", "gone"), ("a0.1", "unreadable"))
    assert build_dataset(connection, seed=4) == build_dataset(connection, seed=4, copies=unknown)


def test_order_of_copies_does_not_matter(connection: Connection) -> None:
    fill(connection)
    groups = [("a0.1", "a1.1"), ("a1.2", "b3.1"), ("b7.1", "b8.1", "b9.1")]
    forth = build_dataset(connection, seed=2, copies=copies(*groups))
    back = build_dataset(
        connection, seed=2, copies=copies(*(group[::-1] for group in groups[::-1]))
    )
    assert forth == back


def test_a_large_group_does_not_fill_the_test_part(connection: Connection) -> None:
    fill(connection, products=20)
    burst = [f"a{number}.1" for number in range(14)]
    for seed in range(10):
        dataset = build_dataset(connection, seed=seed, copies=copies(burst))
        tested = {s.product for s in dataset.part("test") if s.category == "a"}
        assert len(tested) == 4
        assert not tested & {name[:-2] for name in burst}


def test_a_category_of_one_picture_is_not_tested(connection: Connection) -> None:
    fill(connection, products=6)
    for number in range(4):
        add(connection, "c", f"c{number}", [(f"c{number}", None)])
    dataset = build_dataset(
        connection, seed=0, copies=copies([f"c{number}" for number in range(4)])
    )
    assert {sides(dataset)[f"c{number}"] for number in range(4)} == {"train"}
    assert dataset.notices == (untested(["c"]),)


def test_what_leaks_through_a_given_split_is_told(connection: Connection) -> None:
    for category in "ab":
        for number in range(10):
            split = "test" if number < 2 else "train"
            add(connection, category, f"{category}{number}", [(f"{category}{number}", split)])
    leaking = copies(("a0", "a5"), ("b1", "b6", "b7"), ("a1", "b0"), ("a8", "a9"))
    dataset = build_dataset(connection, seed=0, copies=leaking)
    tested = {name for name, side in sides(dataset).items() if side == "test"}
    assert tested == {"a0", "a1", "b0", "b1"}  # as the catalogue says
    (notice,) = dataset.notices
    assert notice == leaked(2)
    assert notice.message.startswith("2 test photos have a near copy among the training photos")


def test_a_copy_of_a_given_photo_goes_to_its_side(connection: Connection) -> None:
    fill(connection, products=10)
    add(connection, "a", "tested", [("tested", "test")])
    add(connection, "a", "learned", [("learned", "train")])
    for seed in range(8):
        found = copies(("tested", "a1.1"), ("learned", "a2.1"))
        dataset = build_dataset(connection, seed=seed, copies=found)
        side = sides(dataset)
        assert side["a1.1"] == side["a1.2"] == "test"
        assert side["a2.1"] == side["a2.2"] == side["learned"] != "test"
        assert dataset.notices == ()


def test_dropped_photos_are_left_out(connection: Connection) -> None:
    fill(connection)
    decide(connection, DROP, "a3", sha("a3.1"))
    decide(connection, KEEP, "a4", sha("a4.1"))
    dataset = build_dataset(connection, seed=0)
    assert "a3.1" not in sides(dataset)
    assert {"a3.2", "a4.1"} <= set(sides(dataset))
    take_back(connection, DROP, "a3", sha("a3.1"))
    assert "a3.1" in sides(build_dataset(connection, seed=0))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), min_size=8, max_size=30),
    st.lists(st.lists(st.integers(0, 60), min_size=2, max_size=4, unique=True), max_size=12),
    st.integers(0, 5),
)
def test_no_group_of_copies_is_on_two_sides(
    drawn: list[tuple[str, int]], alike: list[list[int]], seed: int
) -> None:
    names: list[str] = []
    with in_memory() as connection:
        for number, (category, pictures) in enumerate(drawn):
            own = [f"{number}.{picture}" for picture in range(pictures)]
            add(connection, category, f"p{number}", [(name, None) for name in own])
            names += own
        found = [[names[place % len(names)] for place in group] for group in alike]
        try:
            dataset = build_dataset(connection, seed=seed, copies=copies(*found))
        except DatasetError:
            return
    side = sides(dataset)
    joined = UnionFind()
    for name in names:
        joined.join(f"p{name.split('.')[0]}", name)
    for group in found:
        for name in group:
            joined.join(group[0], name)
    for group in joined.groups():
        assert len({side[name] for name in group if name in side}) <= 1
