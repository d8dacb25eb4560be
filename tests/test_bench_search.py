"""`vitrina bench search`: figures of the way a product is found, and of made-up goods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawing import COLOURS, drawn_photo, write_table
from typer.testing import CliRunner

from vitrina import Shop
from vitrina.bench.search import benchmark_search, figures
from vitrina.bench.search_speed import MadeUpGoods, benchmark_speed
from vitrina.cli.commands import app
from vitrina.errors import EvaluationError


def phone_photos(place: Path) -> Path:
    rows = [("file", "sku")]
    for slug, colour in COLOURS.items():
        (place / f"{slug}.jpg").write_bytes(drawn_photo(colour, seed=1, kind="JPEG"))
        rows.append((f"{slug}.jpg", f"{slug}-1"))
    rows.append(("nowhere.jpg", "no such article"))
    return write_table(place / "phone.csv", rows)


def test_figures_of_places() -> None:
    asked = ["a", "b", "c", "d"]
    found = [["a", "x"], ["x", "b"], [*"1234567c"], [*"12345678d"]]
    scored = figures("served", asked, found)
    assert (scored.recall_1, scored.recall_8) == (0.25, 0.75)
    gains = [1, 1 / np.log2(3), 1 / np.log2(9), 0]
    assert scored.ndcg_8 == pytest.approx(np.mean(gains))


def test_ways_side_by_side(published_shop: Shop, tmp_path: Path) -> None:
    result = benchmark_search(published_shop.folder, phone_photos(tmp_path))
    assert (result.photos, result.products, result.source) == (3, 12, "phone")
    assert result.category_right == 1
    ways = {way.way: way for way in result.ways}
    assert set(ways) == {"served", "category_then_nearest", "nearest_alone", "text_alone"}
    # four goods a category: whoever knows it has the right one among eight
    assert all(way.recall_8 == 1 for way in ways.values())
    assert all(way.recall_1 <= way.ndcg_8 <= way.recall_8 for way in ways.values())


def test_photos_of_no_product_of_the_shop(published_shop: Shop, tmp_path: Path) -> None:
    table = write_table(tmp_path / "other.csv", [("file", "sku"), ("a.jpg", "other")])
    with pytest.raises(EvaluationError, match="no photo of a product"):
        benchmark_search(published_shop.folder, table)
    with pytest.raises(EvaluationError, match="cannot be read"):
        benchmark_search(published_shop.folder, tmp_path / "missing.csv")
    table = write_table(tmp_path / "other.csv", [("photo",), ("a.jpg",)])
    with pytest.raises(EvaluationError, match="cannot be read"):
        benchmark_search(published_shop.folder, table)


def test_a_shop_without_phone_photos_needs_held_out_ones(
    published_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EvaluationError, match="kept away from training"):
        benchmark_search(published_shop.folder)


def test_made_up_goods_lie_in_clusters() -> None:
    made_up = MadeUpGoods(2000, 32)
    vectors = np.concatenate(list(made_up.embeddings()))
    assert vectors.shape == (2000, 32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    goods = np.arange(2000)
    same_kind = np.einsum("nd,nd->n", vectors[:1900], vectors[100:]).mean()
    others = np.einsum("nd,nd->n", vectors[:1999], vectors[1:]).mean()
    assert same_kind > others + 0.3
    assert set(made_up.category(goods)) == set(range(100))


@pytest.mark.sqlite
def test_speed_among_made_up_goods() -> None:
    result = benchmark_speed(600, 32, questions=5)
    assert result.recall_10 == 1
    assert result.index_seconds is None
    assert 0 < result.category.p50 <= result.category.p95
    assert 0 < result.whole_shop.p50 <= result.whole_shop.p95
    assert result.peak_mb > 0


@pytest.mark.sqlite
def test_command_prints_both(published_shop: Shop, tmp_path: Path) -> None:
    table = phone_photos(tmp_path)
    shop = str(published_shop.folder.root)
    asked = ["bench", "search", "--shop", shop, "--photos", str(table)]
    answer = CliRunner().invoke(app, asked)
    assert answer.exit_code == 0, answer.output
    assert "nearest alone" in answer.output
    made_up = CliRunner().invoke(
        app, ["bench", "search", "--goods", "300", "--dimensions", "16", "--questions", "3"]
    )
    assert made_up.exit_code == 0, made_up.output
    assert "recall@10" in made_up.output
