"""What would spoil training is found before anybody trains."""

from __future__ import annotations

from pathlib import Path

from drawing import drawn_photo, write_table

from vitrina import Shop
from vitrina.catalogue.check import FEW_PHOTOS


def test_findings(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category", "image")]
    for number in range(FEW_PHOTOS):
        photo = drawn_photo(size=(160, 120), seed=number)
        (tmp_path / f"{number}.png").write_bytes(photo)
        rows.append((f"a{number}", "x", "Много", f"{number}.png"))
    (tmp_path / "small.png").write_bytes(drawn_photo(size=(99, 300)))
    rows += [("b1", "x", "Мало", "small.png"), ("b2", "x", "Мало", ""), ("c1", "x", "Пусто", "")]
    (tmp_path / "torn.png").write_bytes(drawn_photo(size=(300, 200))[:-300])
    rows.append(("d1", "x", "Порвано", "torn.png"))
    empty_shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))

    report = empty_shop.check()
    assert (report.products, report.photos) == (14, 12)
    assert report.categories == {"malo": 1, "mnogo": 10, "porvano": 0, "pusto": 0}
    assert [(f.kind, f.category, f.product) for f in report.findings] == [
        ("unreadable", "porvano", "d1"),
        ("empty category", "porvano", ""),
        ("empty category", "pusto", ""),
        ("few photos", "malo", ""),
        ("no photo", "malo", ""),
        ("tiny", "malo", "b1"),
    ]
    assert report.kinds["empty category"] == 2
    details = {finding.kind: finding.detail for finding in report.findings}
    assert details["tiny"] == "99 x 300"
    assert details["no photo"] == "1 of 2 products"
    assert "damaged or breaks off" in details["unreadable"]


def test_nothing_is_wrong(empty_shop: Shop, tmp_path: Path) -> None:
    rows = [("sku", "name", "category", "image")]
    for number in range(FEW_PHOTOS):
        (tmp_path / f"{number}.png").write_bytes(drawn_photo(size=(160, 120), seed=number))
        rows.append((f"a{number}", "x", "Лампы", f"{number}.png"))
    empty_shop.import_catalogue(write_table(tmp_path / "goods.csv", rows))
    assert empty_shop.check().findings == []


def test_lost_picture_file(shop: Shop) -> None:
    for path in shop.folder.photos.rglob("*.jpg"):
        path.unlink()
        break
    assert shop.check().kinds["unreadable"] == 1
