"""How long a search by words takes in a large made-up shop.

    python benchmarks/text_search.py [--goods 100000] [--rounds 200] [--shop DIR]

Makes the goods up (always the same ones), indexes them, and asks for them as shoppers do: an
article, whole words, the beginning of a word, a slip, words with filters. Prints seconds of
indexing, megabytes of the database, and of each kind of question p50 and p95 in milliseconds, by
the clock and of the processor's time alone, which other work on the machine does not lengthen.
With `--shop` the database is kept there and used again.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import insert, text

from vitrina.search.answers import TextAnswer
from vitrina.search.text import TextSearch
from vitrina.store.database import Database, migrate
from vitrina.store.fulltext import rebuild
from vitrina.store.product_search import Filters
from vitrina.store.reading import open_for_reading
from vitrina.store.schema import CATEGORIES, PRODUCTS

KINDS = (
    "лампа", "розетка", "выключатель", "кабель", "автомат", "удлинитель", "светильник", "датчик",
    "прожектор", "щиток", "клемма", "реле", "вентилятор", "звонок", "паяльник", "фонарь",
    "батарейка", "зарядка", "трансформатор", "двигатель", "конденсатор", "предохранитель",
)  # fmt: skip
"""What is sold; the first are sold most often."""
TRAITS = (
    "светодиодная", "накаливания", "уличный", "потолочный", "настенный", "белый", "чёрный",
    "красный", "двойной", "тройной", "герметичный", "с датчиком движения", "тёплый свет",
    "матовый", "бытовой", "промышленный", "силовой", "гибкий", "влагозащищённый", "на солнечной",
)  # fmt: skip
SYLLABLES = ("ва", "ро", "ми", "ста", "ле", "ко", "тор", "ни", "зе", "лю", "бра", "гон", "фе")
LETTERS = "АВЕКМНОРСТУХ"


def main() -> None:
    """Prints one line a kind of question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--goods", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--shop", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = (asked.shop or Path(scratch)) / "vitrina.db"
        place.parent.mkdir(parents=True, exist_ok=True)
        made = not place.exists()
        database = migrate(place)
        if made:
            seconds = make_shop(database, asked.goods)
            print(f"indexing {asked.goods} goods, s of the processor: {seconds:.1f}")
        size = sum(file.stat().st_size for file in place.parent.glob("vitrina.db*"))
        print(f"{platform.machine()}, {os.cpu_count()} cores; database, MB: {size / 1e6:.0f}")
        search = TextSearch(open_for_reading(place))  # as a server does
        print(f"{'ms':28}    p50    p95    cpu    p95  first    found")
        for name, question in questions(search, database).items():
            print(f"{name:28} {measure(question, asked.rounds)}")


def make_shop(database: Database, count: int) -> float:
    """Fills the database; seconds of the processor for indexing."""
    draw = random.Random(0)
    vendors = ["".join(draw.choices(SYLLABLES, k=3)).capitalize() for _ in range(60)]
    weights = [1 / (place + 1) for place in range(len(KINDS))]
    with database.writing() as connection:
        connection.execute(
            insert(CATEGORIES),
            [
                {"id": place + 1, "slug": f"c{place}", "path": kind, "name": kind,
                 "search_text": kind, "search_text_edited": False}
                for place, kind in enumerate(KINDS)
            ],
        )  # fmt: skip
        goods = made_up_goods(draw, vendors, weights, count)
        while batch := [good for good, _ in zip(goods, range(1000), strict=False)]:
            connection.execute(insert(PRODUCTS), batch)
    with database.writing() as connection:
        start = time.process_time()
        rebuild(connection)
    return time.process_time() - start


def made_up_goods(
    draw: random.Random, vendors: list[str], weights: list[float], count: int
) -> Iterator[dict[str, object]]:
    """Rows of the table of products."""
    for number in range(count):
        (place,) = draw.choices(range(len(KINDS)), weights)
        article = f"{''.join(draw.choices(LETTERS, k=2))}{draw.randrange(100)}-{number}"
        traits = draw.sample(TRAITS, k=4)
        series = "".join(draw.choices(SYLLABLES, k=3))
        watts = draw.randrange(1, 200)
        yield {
            "sku": f"{number:06}",
            "name": f"{KINDS[place]} {traits[0]} {traits[1]} {series} {article} {watts} Вт",
            "category_id": place + 1,
            "vendor": draw.choice(vendors),
            "vendor_code": article,
            "description": f"{KINDS[place].capitalize()} для дома и улицы: {', '.join(traits)}. "
            f"Подходит к серии {series}. Гарантия 2 года, {watts} Вт, 220 В. " * 3,
            "price_minor": draw.randrange(5000, 900_000),
            "currency": "RUB",
            "in_stock": draw.random() < 0.8,
        }


def questions(search: TextSearch, database: Database) -> dict[str, Callable[[], TextAnswer]]:
    """What is asked, by its name; each call asks for something else."""
    draw = random.Random(1)
    with database.reading() as connection:
        articles = [
            code for (code,) in connection.execute(text("SELECT vendor_code FROM products"))
        ]

    def ask(words: Callable[[], str], **filters: object) -> Callable[[], TextAnswer]:
        chosen = Filters(**filters)  # type: ignore[arg-type]
        return lambda: search.search(words(), language="ru", limit=24, filters=chosen)

    def kind() -> str:
        return draw.choice(KINDS)

    def slip() -> str:
        word = draw.choice([one for one in KINDS if len(one) > 5])
        place = draw.randrange(1, len(word) - 1)
        return (
            word[:place] + word[place + 1 :]
            if draw.random() < 0.5
            else f"{word[:place]}щ{word[place + 1 :]}"
        )

    return {
        "article": ask(lambda: draw.choice(articles)),
        "article, Latin letters": ask(
            lambda: draw.choice(articles).translate(str.maketrans(LETTERS, "ABEKMHOPCTYX"))
        ),
        "commonest word": ask(lambda: "лампы"),
        "one word": ask(kind),
        "three words": ask(lambda: f"{kind()} {draw.choice(TRAITS)} {draw.randrange(1, 200)} вт"),
        "beginning of a word": ask(lambda: kind()[: draw.randrange(2, 5)]),
        "slip": ask(slip),
        "two slips": ask(lambda: f"{slip()} {slip()}"),
        "wrong layout": ask(lambda: draw.choice(("kfvgf", "hjptnrf", "rf,tkm"))),
        "category, price, in stock": ask(
            kind, category="c0", price_from=200, price_to=4000, in_stock=True
        ),
        "no words, in stock": ask(lambda: "", in_stock=True),
    }


def measure(question: Callable[[], TextAnswer], rounds: int) -> str:
    """p50 and p95 of the time and of the processor's, the first answer apart; goods on average."""
    times, busy, found = [], [], 0
    for _ in range(rounds + 1):
        start, worked = time.perf_counter(), time.thread_time()
        found += question().total
        busy.append((time.thread_time() - worked) * 1e3)
        times.append((time.perf_counter() - start) * 1e3)
    later, cpu = statistics.quantiles(times[1:], n=20), statistics.quantiles(busy[1:], n=20)
    return (
        f"{later[9]:6.1f} {later[18]:6.1f} {cpu[9]:6.1f} {cpu[18]:6.1f} {times[0]:6.1f} "
        f"{found / len(times):8.0f}"
    )


if __name__ == "__main__":
    main()
