"""What `vitrina bench search` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from vitrina.cli.output import percent, print_table

if TYPE_CHECKING:
    from vitrina.bench.search import SearchBenchmark
    from vitrina.bench.search_speed import SpeedBenchmark
    from vitrina.bench.stored_speed import StoredBenchmark

_WAYS = {
    "served": "as the server answers",
    "category_then_nearest": "likeliest category, then nearest",
    "nearest_alone": "nearest alone",
    "text_alone": "the category's words alone",
}


def print_recall(console: Console, result: SearchBenchmark) -> None:
    """How often each way finds the right product."""
    print_table(
        console,
        ("way", "first", "among 8", "nDCG@8"),
        [
            (_WAYS[way.way], percent(way.recall_1), percent(way.recall_8), f"{way.ndcg_8:.3f}")
            for way in result.ways
        ],
    )
    console.print(
        f"{result.photos} photos ({result.source}), {result.products} products, bundle "
        f"{result.bundle}; the likeliest category is right on {percent(result.category_right)}."
    )


def print_speed(console: Console, result: SpeedBenchmark) -> None:
    """How long an answer takes among made-up goods."""
    print_table(
        console,
        ("answer without the network", "p50 ms", "p95 ms"),
        [
            ("goods of one category", result.category.p50, result.category.p95),
            ("goods of the whole shop", result.whole_shop.p50, result.whole_shop.p95),
        ],
    )
    console.print(
        f"{result.goods} goods of {result.dimensions} numbers, {result.questions} questions of "
        f"each kind; recall@10 against exact search {percent(result.recall_10)}."
    )
    built = "no index" if result.index_seconds is None else f"index {result.index_seconds:.0f} s"
    console.print(
        f"Built: {built}; goods read in {result.snapshot_seconds:.1f} s. Memory: "
        f"{result.memory_mb:.0f} MB with mapped files"
        + ("" if result.private_mb is None else f", {result.private_mb:.0f} MB without")
        + f"; at most {result.peak_mb:.0f} MB."
    )


def print_stored(console: Console, result: StoredBenchmark) -> None:
    """How long pgvector takes among made-up goods, and what it finds."""
    print_table(
        console,
        ("nearest goods by pgvector", "p50 ms", "p95 ms", "recall@10"),
        [
            (name, times.p50, times.p95, percent(recall))
            for name, times, recall in (
                ("of one category", result.category, result.recall_10),
                ("of the whole shop", result.whole_shop, result.recall_10_whole),
            )
        ],
    )
    console.print(
        f"{result.vectors} vectors of {result.dimensions} numbers ({result.type}) in "
        f"{result.server}; {result.questions} questions of each kind, of goods in stock."
    )
    console.print(
        f"Filled in {result.load_seconds:.0f} s, graph built in {result.index_seconds:.0f} s; "
        f"graph {result.index_mb:.0f} MB, all {result.table_mb:.0f} MB."
    )
