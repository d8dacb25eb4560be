"""Feeds of every format, as small as they can be, that tests write for themselves."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

XML = '<?xml version="1.0" encoding="{encoding}"?>\n'
CATEGORIES = (("1", "", "Свет"), ("2", "1", "Лампы"), ("3", "", "Розетки"))


def yml_offer(number: str = "1", *, attributes: str = 'available="true"', **elements: str) -> str:
    """One offer; `elements` are inserted as they are, so that they may hold markup."""
    values = {"name": "Лампа", "price": "1290.50", "currencyId": "RUR", "categoryId": "2"}
    inside = "".join(
        f"<{name}>{text}</{name}>\n" for name, text in (values | elements).items() if text
    )
    return f'<offer id="{escape(number)}" {attributes}>\n{inside}</offer>\n'


def yml(
    *offers: str,
    categories: tuple[tuple[str, str, str], ...] = CATEGORIES,
    head: str = '<!DOCTYPE yml_catalog SYSTEM "shops.dtd">\n',
    encoding: str = "UTF-8",
) -> str:
    """A YML feed; categories are id, id of the parent, name."""
    named = "".join(
        f'<category id="{number}"{f" parentId={parent!r}" if parent else ""}>{escape(name)}'
        "</category>\n"
        for number, parent, name in categories
    )
    return (
        XML.format(encoding=encoding) + head + '<yml_catalog date="2026-01-01">\n<shop>\n'
        f"<name>Лавка</name>\n<categories>\n{named}</categories>\n<offers>\n{''.join(offers)}"
        "</offers>\n</shop>\n</yml_catalog>\n"
    )


def google_item(number: str = "1", **elements: str) -> str:
    """One item; `elements` are inserted as they are."""
    values = {
        "title": "Лампа", "price": "1290.50 RUB", "product_type": "Свет &gt; Лампы",
        "availability": "in_stock",
    }  # fmt: skip
    inside = "".join(
        f"<g:{name}>{text}</g:{name}>\n" for name, text in (values | elements).items() if text
    )
    return f"<item>\n<g:id>{escape(number)}</g:id>\n{inside}</item>\n"


def google(*items: str, head: str = "", encoding: str = "UTF-8") -> str:
    """A Google Merchant feed in RSS 2.0."""
    return (
        XML.format(encoding=encoding) + head + '<rss version="2.0" '
        f'xmlns:g="http://base.google.com/ns/1.0">\n<channel>\n<title>Лавка</title>\n'
        f"{''.join(items)}</channel>\n</rss>\n"
    )


def good(number: str = "1", *, group: str = "2", attributes: str = "", **elements: str) -> str:
    """One good of a CommerceML catalogue; `elements` are inserted as they are."""
    values = {"Артикул": f"A-{number}", "Наименование": "Лампа"} | elements
    inside = "".join(f"<{name}>{text}</{name}>\n" for name, text in values.items() if text)
    groups = f"<Группы><Ид>{group}</Ид></Группы>\n" if group else ""
    return f"<Товар {attributes}>\n<Ид>{escape(number)}</Ид>\n{inside}{groups}</Товар>\n"


GROUPS = (
    "<Группы><Группа><Ид>1</Ид><Наименование>Свет</Наименование><Группы><Группа><Ид>2</Ид>"
    "<Наименование>Лампы</Наименование></Группа></Группы></Группа></Группы>"
)


def catalogue_xml(
    *goods: str, groups: str = GROUPS, changes: str = "false", head: str = "",
    encoding: str = "UTF-8",
) -> str:  # fmt: skip
    """An import.xml of CommerceML 2."""
    return (
        XML.format(encoding=encoding) + head + '<КоммерческаяИнформация ВерсияСхемы="2.05">\n'
        f"<Классификатор><Ид>к</Ид>{groups}</Классификатор>\n"
        f'<Каталог СодержитТолькоИзменения="{changes}"><Ид>к</Ид><Товары>\n{"".join(goods)}'
        "</Товары></Каталог>\n</КоммерческаяИнформация>\n"
    )


def offer(number: str = "1", price: str = "1290.50", count: str = "3", kind: str = "р") -> str:
    """One offer of a CommerceML package."""
    return (
        f"<Предложение><Ид>{number}</Ид><Цены><Цена><ИдТипаЦены>{kind}</ИдТипаЦены>"
        f"<ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу><Валюта>руб</Валюта></Цена></Цены>"
        f"<Количество>{count}</Количество></Предложение>\n"
    )


def offers_xml(*offers: str, changes: str = "false") -> str:
    """An offers.xml of CommerceML 2, with a wholesale and a retail type of price."""
    return (
        XML.format(encoding="UTF-8") + "<КоммерческаяИнформация>\n"
        f'<ПакетПредложений СодержитТолькоИзменения="{changes}"><ТипыЦен>'
        "<ТипЦены><Ид>о</Ид><Наименование>Оптовая</Наименование><Валюта>руб</Валюта></ТипЦены>"
        "<ТипЦены><Ид>р</Ид><Наименование>Розничная</Наименование><Валюта>руб</Валюта></ТипЦены>"
        f"</ТипыЦен><Предложения>{''.join(offers)}</Предложения></ПакетПредложений>\n"
        "</КоммерческаяИнформация>\n"
    )


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Writes text as these bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def pack(path: Path, files: dict[str, bytes | str]) -> Path:
    """A ZIP archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
