"""CommerceML 2: groups, goods, offers, in one file, in several, in 1C's archive."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing import drawn_photo
from feed_writing import GROUPS, catalogue_xml, good, offer, offers_xml, pack, write
from stored import find_any

from vitrina import Shop
from vitrina.catalogue.feeds import open_feed
from vitrina.catalogue.rows import FeedRow, Refusal, RefusedRow
from vitrina.errors import FeedError
from vitrina.store.database import open_database
from vitrina.store.shown import find_product


def export(folder: Path, *goods: str, offers: str = "", **options: str) -> Path:
    write(folder / "import.xml", catalogue_xml(*goods, **options))
    if offers:
        write(folder / "offers.xml", offers)
    return folder


def rows_of(source: Path) -> list[FeedRow | Refusal]:
    return list(open_feed(source).rows)


def one(source: Path) -> FeedRow:
    (row,) = rows_of(source)
    assert isinstance(row, FeedRow), row
    return row


def test_good_with_its_offer(tmp_path: Path) -> None:
    lamp = good(
        "a-1",
        Описание="&lt;p&gt;Тёплый&lt;/p&gt;",
        Картинка="import_files/a.jpg</Картинка><Картинка>import_files\\b.jpg",
        Изготовитель="<Ид>7</Ид><Наименование>Свет</Наименование>",
    )
    row = one(export(tmp_path, lamp, offers=offers_xml(offer("a-1"))))
    assert (row.sku, row.vendor_code, row.name) == ("a-1", "A-a-1", "Лампа")
    assert row.category == ("Свет", "Лампы")
    assert row.images == ("import_files/a.jpg", "import_files/b.jpg")
    assert (row.vendor, row.description) == ("Свет", "Тёплый")
    assert (row.price_minor, row.currency, row.in_stock) == (129_050, "RUB", True)
    assert row.line.startswith("import.xml:")
    assert not {"price", "currency", "in_stock"} & row.absent


def test_retail_price_counts_and_the_lowest_of_variants(tmp_path: Path) -> None:
    row = one(export(tmp_path, good(), offers=offers_xml(offer("1#a", "500", "0"))))
    assert (row.price_minor, row.in_stock) == (50_000, False)
    both = "<Цена><ИдТипаЦены>о</ИдТипаЦены><ЦенаЗаЕдиницу>1</ЦенаЗаЕдиницу></Цена><Цена><ИдТипа"
    offers = offers_xml(offer("1#a", "500", "0"), offer("1#b", "400", "2"))
    row = one(export(tmp_path, good(), offers=offers.replace("<Цена><ИдТипа", both)))
    assert (row.price_minor, row.in_stock) == (40_000, True)


@pytest.mark.parametrize(
    ("stock", "in_stock"),
    [
        ('<Склад ИдСклада="1" КоличествоНаСкладе="2"/>', True),
        ('<Склад ИдСклада="1" КоличествоНаСкладе="0"/>', False),
        ("<Остатки><Остаток><Склад><Количество>0</Количество></Склад></Остаток></Остатки>", False),
        ("<Остатки><Остаток><Количество>3,5</Количество></Остаток></Остатки>", True),
    ],
)
def test_stock_as_other_versions_say_it(tmp_path: Path, stock: str, in_stock: bool) -> None:
    offers = offers_xml(offer().replace("<Количество>3</Количество>", stock))
    assert one(export(tmp_path, good(), offers=offers)).in_stock is in_stock


def test_without_offers_prices_stay_as_they_are(tmp_path: Path) -> None:
    assert one(export(tmp_path, good())).absent >= {"price", "currency", "in_stock"}
    partial = offers_xml(offer("2"), changes="true")
    assert one(export(tmp_path, good(), offers=partial)).absent >= {"price", "in_stock"}
    row = one(export(tmp_path, good(), offers=offers_xml(offer("2"))))
    assert (row.price_minor, row.in_stock) == (None, False)
    assert not {"price", "in_stock"} & row.absent


def test_one_file_and_another_namespace(tmp_path: Path) -> None:
    offers = offers_xml(offer())
    package = offers[offers.index("<ПакетПредложений") : offers.index("</Коммерческая")]
    whole = catalogue_xml(good()).replace("</Коммерческая", package + "</Коммерческая")
    whole = whole.replace("ВерсияСхемы", 'xmlns="urn:1C.ru:commerceml_2" ВерсияСхемы')
    row = one(write(tmp_path / "1c.xml", whole))
    assert (row.price_minor, row.category) == (129_050, ("Свет", "Лампы"))


def test_numbered_files(tmp_path: Path) -> None:
    write(tmp_path / "import0_1.xml", catalogue_xml(good("1")))
    write(tmp_path / "import0_2.xml", catalogue_xml(good("2"), groups=""))
    write(tmp_path / "import0_10.xml", catalogue_xml(good("3"), groups=""))
    write(tmp_path / "offers0_1.xml", offers_xml(*(offer(n) for n in "123")))
    rows = rows_of(tmp_path)
    assert [row.sku for row in rows] == ["1", "2", "3"]
    assert all(isinstance(row, FeedRow) and row.price_minor for row in rows)


@pytest.mark.parametrize("place", ["", "webdata/"])
def test_archive_with_pictures(empty_shop: Shop, tmp_path: Path, place: str) -> None:
    photo = drawn_photo()
    goods = good(Картинка="import_files/a.png"), good("2", Картинка="../outside.png")
    archive = pack(
        tmp_path / "1c.zip",
        {
            f"{place}import.xml": catalogue_xml(*goods),
            f"{place}offers.xml": offers_xml(offer()),
            f"{place}import_files/a.png": photo,
        },
    )
    report = empty_shop.import_catalogue(archive)
    assert (report.products, report.photos) == (2, 1)
    assert [(one.value, one.reason) for one in report.refusals] == [
        ("../outside.png", "there is no such file")
    ]
    with open_database(empty_shop.folder.database).reading() as connection:
        lamp = find_any(connection, "1")
    stored = empty_shop.folder.photo(lamp.photos[0].sha256, ".png")
    assert stored.read_bytes() == photo


def test_damaged_archive(tmp_path: Path) -> None:
    archive = pack(tmp_path / "1c.zip", {"import.xml": catalogue_xml(good())})
    whole = archive.read_bytes()
    (tmp_path / "torn.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FeedError, match=r"torn\.zip"):
        rows_of(tmp_path / "torn.zip")
    place = whole.index(b"import.xml") + 40
    flipped = bytearray(whole)
    flipped[place] ^= 0xFF
    (tmp_path / "flipped.zip").write_bytes(flipped)
    with pytest.raises(FeedError):
        rows_of(tmp_path / "flipped.zip")


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (good(group=""), "Группы", "missing or empty"),
        (good(group="77"), "Группы", "no such group"),
        (good(Наименование=""), "Наименование", "missing or empty"),
        (good(Наименование="x" * 1_000_000), "Наименование", "longer than 1000"),
    ],
)
def test_refused_good(tmp_path: Path, row: str, field: str, reason: str) -> None:
    refusal, other = rows_of(export(tmp_path, row, good("2")))
    assert isinstance(refusal, RefusedRow)
    assert (refusal.field, refusal.sku) == (field, "1")
    assert reason in refusal.reason
    assert isinstance(other, FeedRow)


@pytest.mark.parametrize("price", ["по запросу", "-1", "NaN", "1e400"])
def test_wrong_price_refuses_the_good(tmp_path: Path, price: str) -> None:
    offers = offers_xml(offer("1", price), offer("2"))
    refusal, other = rows_of(export(tmp_path, good("1"), good("2"), offers=offers))
    assert isinstance(refusal, RefusedRow)
    assert (refusal.field, refusal.value, refusal.sku) == ("ЦенаЗаЕдиницу", price, "1")
    assert refusal.line.startswith("offers.xml:")
    assert isinstance(other, FeedRow)


def test_good_that_is_marked_as_deleted(tmp_path: Path) -> None:
    goods = good(ПометкаУдаления="true"), good("2", attributes='Статус="Удален"'), good("3")
    rows = rows_of(export(tmp_path, *goods))
    assert [row.gone for row in rows if isinstance(row, FeedRow)] == [True, True, False]


def test_changes_only_leave_the_others_alone(empty_shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "1c"
    empty_shop.import_catalogue(export(folder, *(good(n) for n in "123")))
    changed = good("1", Наименование="Новая"), good("2", ПометкаУдаления="true")
    report = empty_shop.import_catalogue(export(folder, *changed, changes="true"))
    assert (report.products, report.changed, report.gone) == (1, 1, 1)
    with open_database(empty_shop.folder.database).asking() as connection:
        names = [getattr(find_product(connection, number), "name", None) for number in "123"]
    assert names == ["Новая", None, "Лампа"]
    report = empty_shop.import_catalogue(export(folder, good("3"), changes="false"))
    assert report.gone == 1


def test_groups_nested_deeper_than_any_shop_has(tmp_path: Path) -> None:
    def nested(levels: int) -> str:
        opened = "".join(
            f"<Группы><Группа><Ид>г{n}</Ид><Наименование>г{n}</Наименование>" for n in range(levels)
        )
        return opened + "</Группа></Группы>" * levels

    row, refusal = rows_of(
        export(tmp_path, good(group="г9"), good("2", group="г99"), groups=nested(100))
    )
    assert isinstance(row, FeedRow)
    assert len(row.category) == 10
    assert isinstance(refusal, Refusal)
    with pytest.raises(FeedError, match="damaged or breaks off: Excessive depth"):
        rows_of(export(tmp_path, good(), groups=nested(1000)))


def test_damaged_file_beside_others_is_not_passed_over(tmp_path: Path) -> None:
    export(tmp_path, good())
    write(tmp_path / "import0_2.xml", "")
    with pytest.raises(FeedError, match=r"import0_2\.xml is damaged"):
        open_feed(tmp_path)


def test_groups_are_told_from_a_goods_groups(tmp_path: Path) -> None:
    assert one(export(tmp_path, good(group="1"), groups=GROUPS)).category == ("Свет",)
