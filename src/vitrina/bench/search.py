"""`vitrina bench search`: is the very product found, and which way finds it?

Photos whose product is known go through the deployed network. Side by side: what the server
answers, the nearest goods of the likeliest category, the nearest goods of the whole shop, and what
the category's words alone find.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from vitrina.bundle import Bundle
from vitrina.errors import EvaluationError
from vitrina.folder import ShopFolder
from vitrina.photos import decode
from vitrina.progress import SILENT, Progress
from vitrina.search.decision import AcceptedRisk, Decider
from vitrina.search.engine import PhotoSearch
from vitrina.search.loaded import load_bundle
from vitrina.search.snapshot import GoodsSnapshot
from vitrina.search.text import TextSearch
from vitrina.search.vectors import VectorStore, open_vectors
from vitrina.store.categories import all_categories
from vitrina.store.database import Database, driver, open_database
from vitrina.store.products import list_photos

SHOWN = 8
DEMO_PHOTOS = Path("demo/phone/phone.csv")
"""Where the demo shop's phone photos lie in a checkout of the project."""


@dataclass(frozen=True)
class Query:
    """A photo and the product that it shows.

    Attributes:
        path: Of the photo.
        sku: Of the product.
        sha256: Where the photo is one of the catalogue's own, its SHA-256: it is not compared with
            itself then.
    """

    path: Path
    sku: str
    sha256: str | None = None


@dataclass(frozen=True)
class WayFigures:
    """How well one way finds the right product.

    Attributes:
        way: "served", "category_then_nearest", "nearest_alone", "text_alone".
        recall_1: Share of photos whose product comes first.
        recall_8: Share of photos whose product is among the first eight.
        ndcg_8: Mean of 1 / log2(1 + place) within the first eight, 0 behind (Järvelin and
            Kekäläinen, 2002, with one right answer).
    """

    way: str
    recall_1: float
    recall_8: float
    ndcg_8: float


@dataclass(frozen=True)
class SearchBenchmark:
    """All ways, side by side.

    Attributes:
        bundle: Version of the bundle whose network was asked.
        photos: How many were asked.
        products: How many there are to find.
        source: "phone": photos that are none of the catalogue's; "held out": photos of the
            catalogue that were kept away from training, whose product has another one.
        category_right: Share of photos whose likeliest category is the product's.
        ways: Each way's figures.
    """

    bundle: str
    photos: int
    products: int
    source: str
    category_right: float
    ways: tuple[WayFigures, ...]


def benchmark_search(
    folder: ShopFolder, photos: Path | None = None, progress: Progress = SILENT
) -> SearchBenchmark:
    """Measures the active bundle on photos whose product is known.

    Args:
        folder: The shop.
        photos: Table with the columns file (relative to it) and sku. Where None: the demo's phone
            photos if their products are in the shop, else photos that were kept away from
            training and whose product has another one.
        progress: Where the work reports to.

    Raises:
        EvaluationError: there are no such photos.
        NoBundle: nothing is published.
    """
    database = open_database(folder.database)
    loaded = load_bundle(folder.bundles, threads=folder.settings.inference_threads)
    queries = find_queries(folder, database, loaded.bundle, photos)
    store = _without(open_vectors(loaded.bundle), [query.sha256 for query in queries])
    with database.reading() as connection:
        snapshot = GoodsSnapshot(driver(connection), store)
        products, categories, search_texts = _names(connection)
    risk = AcceptedRisk.of(folder.settings)
    search = PhotoSearch(loaded, database, snapshot, risk=risk)
    decider = Decider(loaded.decisions, loaded.bundle.info.fill_threshold, risk)
    text = TextSearch(database, folder.synonyms)
    found: dict[str, list[Sequence[str]]] = {}
    skus = {number: sku for sku, number in products.items()}
    right = []
    for query in progress.track(queries, "Searching", len(queries)):
        pixels = decode(query.path.read_bytes(), folder.settings.photo_limits)
        encoded = loaded.encoder.encode(pixels)
        verdict = decider.decide(encoded.probabilities, encoded.embedding)
        likeliest = _likeliest(loaded.bundle, verdict.probabilities, snapshot)
        right.append(categories[query.sku] == likeliest)
        answers = search.search(pixels, language="ru", limit=SHOWN).answer
        found.setdefault("served", []).append([product.sku for product in answers.products])
        for way, chosen in (("category_then_nearest", [likeliest]), ("nearest_alone", None)):
            ranked = snapshot.rank(encoded.embedding, chosen, SHOWN)
            found.setdefault(way, []).append([skus[one.product] for one in ranked])
        words = text.search(search_texts[likeliest], language="ru", limit=SHOWN)
        found.setdefault("text_alone", []).append([product.sku for product in words.products])
    asked = [query.sku for query in queries]
    return SearchBenchmark(
        bundle=loaded.bundle.info.version,
        photos=len(queries),
        products=len(products),
        source="held out" if queries[0].sha256 else "phone",
        category_right=float(np.mean(right)),
        ways=tuple(figures(way, asked, lists) for way, lists in found.items()),
    )


def figures(way: str, asked: Sequence[str], found: Sequence[Sequence[str]]) -> WayFigures:
    """Scores lists of goods by the place of the one that was asked for.

    Args:
        way: Their name.
        asked: SKU of the right product of each photo.
        found: SKUs in the order in which they are shown, for each photo.
    """
    places = [
        list(skus).index(sku) if sku in skus else None
        for sku, skus in zip(asked, found, strict=True)
    ]
    within = [place for place in places if place is not None and place < SHOWN]
    count = max(len(asked), 1)
    return WayFigures(
        way,
        recall_1=sum(place == 0 for place in within) / count,
        recall_8=len(within) / count,
        ndcg_8=float(sum(1 / np.log2(place + 2) for place in within)) / count,
    )


def find_queries(
    folder: ShopFolder, database: Database, bundle: Bundle, photos: Path | None
) -> list[Query]:
    """Photos to ask with, as `benchmark_search` describes them.

    Raises:
        EvaluationError: there are none.
    """
    with database.reading() as connection:
        rows = [(photo.sha256, photo.suffix, photo.sku) for photo in list_photos(connection)]
    known = {sku for _, _, sku in rows}
    if photos is not None or DEMO_PHOTOS.is_file():
        table = photos or DEMO_PHOTOS
        queries = [query for query in _read_table(table) if query.sku in known]
        if queries or photos is not None:
            return _require(queries, f"{table} names no photo of a product of this shop.")
    held_out = _held_out(folder, bundle)
    pictures: dict[str, int] = {}
    for _, _, sku in rows:
        pictures[sku] = pictures.get(sku, 0) + 1
    return _require(
        [
            Query(folder.photo(sha, suffix), sku, sha)
            for sha, suffix, sku in rows
            if sha in held_out and pictures[sku] > 1
        ],
        "No product has both a photo that was kept away from training and another one.",
    )


def _require(queries: list[Query], missing: str) -> list[Query]:
    if not queries:
        raise EvaluationError(
            missing, hint="Give a table of photos with the columns file and sku: --photos FILE."
        )
    return queries


def _read_table(table: Path) -> list[Query]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            return [Query(table.parent / row["file"], row["sku"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise EvaluationError(
            f"{table} cannot be read as a table of photos: {error}.",
            hint="It is a CSV table in UTF-8 with the columns file and sku.",
        ) from error


def _held_out(folder: ShopFolder, bundle: Bundle) -> set[str]:
    from vitrina.dataset import Dataset

    file = folder.runs / bundle.info.run / "dataset.json"
    if not file.is_file():
        return set()
    return {sample.sha256 for sample in Dataset.read(file).part("test")}


def _without(store: VectorStore, names: Sequence[str | None]) -> VectorStore:
    """The same embeddings, but for those photos."""
    left_out = np.array([(name or "").encode() for name in names], dtype="S64")
    segments = []
    for segment in store.segments:
        kept = segment.names.copy()
        kept[np.isin(kept, left_out)] = b""
        segments.append(replace(segment, names=kept))
    return VectorStore(segments)


def _names(connection: Connection) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    """Ids of the products and slugs of their categories by SKU; search texts by slug."""
    photos = list_photos(connection)
    return (
        {photo.sku: photo.product for photo in photos},
        {photo.sku: photo.category for photo in photos},
        {category.slug: category.search_text for category in all_categories(connection)},
    )


def _likeliest(
    bundle: Bundle, probabilities: npt.NDArray[np.float32], snapshot: GoodsSnapshot
) -> str:
    """The likeliest category that has goods."""
    names = bundle.info.categories
    order: list[int] = np.argsort(-probabilities, kind="stable").tolist()
    return next(name for name in (names[index] for index in order) if name in snapshot.categories)
