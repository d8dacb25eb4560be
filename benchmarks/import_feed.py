"""How long an import of a large feed takes, and what it holds: the first, and the same again.

    python benchmarks/import_feed.py [--offers 100000] [--changed 0.01] [--folder DIR]

Writes a YML feed without pictures and a new shop, then runs `vitrina import` three times, each in a
process of its own: the new feed, the same file, and the file with a share of its prices changed and
as many offers left out. Printed: seconds from start to end, those that the processor computed
(other work does not stretch them), and the most resident memory, megabytes.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from vitrina import Shop

THINGS = ("Лампа", "Розетка", "Кабель", "Выключатель", "Щит", "Светильник", "Удлинитель", "Реле")
KINDS = ("светодиодная E27 9Вт", "двойная с заземлением IP44", "ВВГнг-LS 3х2,5", "ВА47-29 2P 16А")
MAKERS = ("Северный свет", "ЭлектроДом", "Lumen & Co", "Гранит")
GROUPS, KINDS_IN_A_GROUP = 40, 25


def main() -> None:
    """Prints one line an import."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--offers", type=int, default=100_000)
    parser.add_argument("--changed", type=float, default=0.01, help="share, from 0 to 1")
    parser.add_argument("--folder", type=Path, help="a new one, deleted afterwards, unless named")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        feed, shop = folder / "feed.xml", folder / "shop"
        write_feed(feed, asked.offers)
        print(f"{asked.offers} offers, {feed.stat().st_size / 1e6:.1f} MB")
        Shop.create(shop)
        first = measure("first import", shop, feed)
        again = measure("the same file", shop, feed)
        print(f"{first / again:.1f} times faster")
        write_feed(feed, asked.offers, changed=asked.changed)
        measure(f"{asked.changed:.1%} of prices changed, as many offers gone", shop, feed)


def write_feed(path: Path, offers: int, *, changed: float = 0.0) -> None:
    """Writes a feed that is the same for the same arguments."""
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE yml_catalog SYSTEM ')
        file.write('"shops.dtd">\n<yml_catalog date="2026-01-01 00:00"><shop><name>x</name>\n')
        file.write('<currencies><currency id="RUR" rate="1"/></currencies>\n<categories>\n')
        for group in range(1, GROUPS + 1):
            file.write(f'<category id="{group}">Раздел {group}</category>\n')
            for kind in range(KINDS_IN_A_GROUP):
                number = group * 1000 + kind
                file.write(f'<category id="{number}" parentId="{group}">Вид {number}</category>\n')
        file.write("</categories>\n<offers>\n")
        file.writelines(offers_of(offers, changed))
        file.write("</offers></shop></yml_catalog>\n")


def offers_of(count: int, changed: float) -> Iterator[str]:
    """One offer after the other."""
    chance, choice = random.Random(1), random.Random(2)
    for number in range(count):
        price, kind, maker = chance.randint(10, 99_999), chance.choice(KINDS), chance.choice(MAKERS)
        thing, code = chance.choice(THINGS), f"{chance.choice('АБВГ')}{number % 9973}-{number % 7}"
        category = chance.randint(1, GROUPS) * 1000 + chance.randrange(KINDS_IN_A_GROUP)
        fate = choice.random()
        if fate < changed:
            continue
        if fate < 2 * changed:
            price += 1
        yield (
            f'<offer id="{number}" available="{"true" if number % 9 else "false"}">'
            f"<url>https://shop.test/{number}</url><price>{price}.50</price>"
            f"<currencyId>RUR</currencyId><categoryId>{category}</categoryId>\n"
            f"<name>{thing} {kind} {code}</name><vendor>{escape(maker)}</vendor>"
            f"<vendorCode>{code}</vendorCode>\n<description><![CDATA[<p>{thing} {kind}, "
            f"производитель {maker}.</p><ul><li>Гарантия {number % 5 + 1} г.</li>"
            "<li>Для дома и дачи</li></ul>]]></description></offer>\n"
        )


def measure(label: str, shop: Path, feed: Path) -> float:
    """Imports in a process of its own; returns seconds."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "vitrina", "import", str(feed), "--shop", str(shop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{label}: the import failed")
    busy = used.ru_utime + used.ru_stime
    print(f"{label}: {seconds:.2f} s ({busy:.2f} s of it computing), {used.ru_maxrss / 1e3:.0f} MB")
    print(f"    {said.splitlines()[0]}")
    return seconds


if __name__ == "__main__":
    main()
