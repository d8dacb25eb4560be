"""Decisions fitted and measured for real: a shop of figures, some of which it does not sell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from figures import SHAPES, draw_shape
from typer.testing import CliRunner

from vitrina import Shop
from vitrina.bench.no_goods import KINDS, draw_no_goods
from vitrina.cli.commands import app
from vitrina.errors import DatasetError

PRODUCTS = 100
HEAD_ONLY = {"views": 1, "head_epochs": 15, "unfrozen_layers": 0}

runner = CliRunner()


def test_drawn_pictures_are_of_every_kind_and_all_different() -> None:
    drawn = draw_no_goods(3)
    assert [kind for kind, _ in drawn] == [kind for kind in KINDS for _ in range(3)]
    assert {(picture.shape, picture.dtype.name) for _, picture in drawn} == {
        ((224, 224, 3), "uint8")
    }
    assert len({picture.tobytes() for _, picture in drawn}) == len(drawn)
    again = draw_no_goods(3)
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(drawn, again, strict=True))
    assert not np.array_equal(draw_no_goods(1, seed=1)[0][1], drawn[0][1])


@pytest.fixture(scope="module")
def figures_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Enough photos of each figure for decisions to be fitted."""
    place = tmp_path_factory.mktemp("figures")
    for number, shape in enumerate(SHAPES):
        (place / "goods" / shape).mkdir(parents=True)
        for product in range(PRODUCTS):
            photo = draw_shape(shape, number * 1000 + product)
            (place / "goods" / shape / f"{shape}-{product}.png").write_bytes(photo)
    shop = Shop.create(place / "shop", name="Фигуры", wrong_fills=0.2)
    shop.import_catalogue(place / "goods")
    return shop


@pytest.mark.train
def test_categories_are_held_out_and_everything_is_counted(figures_shop: Shop) -> None:
    from vitrina.bench.decisions import SHARES, benchmark_decisions
    from vitrina.progress import SILENT
    from vitrina.training.plan import vitrina_plan

    plan = vitrina_plan("mobilenet_v2", **HEAD_ONLY)
    bundles = sorted(figures_shop.folder.bundles.iterdir())
    result = benchmark_decisions(figures_shop.folder, plan, held_out=1, choices=2, progress=SILENT)
    assert result.risk.wrong_fills == 0.2
    assert result.unfrozen_layers == 0
    for choice in result.choices:
        assert len(choice.held_out) == 1
        assert choice.unseen == PRODUCTS
        assert choice.known == 3 * PRODUCTS * 0.2
        assert choice.watched == 3 * PRODUCTS * 0.08
        assert all(0 <= getattr(choice, name) <= 1 for name in SHARES)
        assert choice.top1 > 0.6  # far more than chance among three
        assert choice.called_unknown < 0.3
        assert choice.drawn_unfilled > 0.5
        assert choice.mixed_wrong_fills >= choice.wrong_fills or choice.unseen_unfilled == 1
    for name in SHARES:
        values = [getattr(choice, name) for choice in result.choices]
        assert result.mean[name] == pytest.approx(np.mean(values))
        assert result.spread[name] == (min(values), max(values))
    # the same choices give the same figures, and nothing is published
    again = benchmark_decisions(figures_shop.folder, plan, held_out=1, choices=1, progress=SILENT)
    assert again.choices[0].held_out == result.choices[0].held_out
    assert again.choices[0].top1 == pytest.approx(result.choices[0].top1, abs=0.02)
    assert sorted(figures_shop.folder.bundles.iterdir()) == bundles


@pytest.mark.train
@pytest.mark.parametrize("held_out", [0, 3, 9])
def test_something_must_stay(figures_shop: Shop, held_out: int) -> None:
    from vitrina.bench.decisions import benchmark_decisions
    from vitrina.progress import SILENT
    from vitrina.training.plan import vitrina_plan

    plan = vitrina_plan("mobilenet_v2", **HEAD_ONLY)
    with pytest.raises(DatasetError, match="held out"):
        benchmark_decisions(
            figures_shop.folder, plan, held_out=held_out, choices=1, progress=SILENT
        )


@pytest.mark.train
def test_too_few_watched_photos_are_told(figures_shop: Shop) -> None:
    answer = runner.invoke(
        app,
        ["bench", "decisions", "--held-out", "2", "--choices", "1", "--recipe", "quick",
         "--views", "1", "--shop", str(figures_shop.folder.root)],
    )  # fmt: skip
    assert answer.exit_code != 0
    assert "decisions need 20" in str(answer.exception or answer.output)


@pytest.mark.train
def test_the_command_prints_what_was_measured(figures_shop: Shop) -> None:
    options = ["--held-out", "1", "--choices", "1", "--recipe", "quick", "--views", "1"]
    command = ["bench", "decisions", *options, "--shop", str(figures_shop.folder.root)]
    said = runner.invoke(app, command)
    assert said.exit_code == 0, said.output
    for words in ("known photos that fill the box", "calibration error", "20.0 % wrong"):
        assert words in said.stdout
    read = json.loads(runner.invoke(app, [*command, "--json"]).stdout)
    assert set(read) == {
        "backbone", "unfrozen_layers", "risk", "choices", "mean", "spread", "machine",
    }  # fmt: skip
    assert runner.invoke(app, [*command[:-1], "x", "--recipe", "slow"]).exit_code == 2


@pytest.mark.train
def test_a_published_shop_decides(figures_shop: Shop, tmp_path: Path) -> None:
    from vitrina.search.decision import AcceptedRisk, Decider
    from vitrina.search.loaded import load_bundle

    run = figures_shop.train("mobilenet_v2", **HEAD_ONLY)  # type: ignore[arg-type]
    bundle = figures_shop.publish(run.id)
    assert "decisions.npz" in bundle.info.checksums
    loaded = load_bundle(figures_shop.folder.bundles, threads=1)
    assert loaded.decisions is not None
    assert len(loaded.decisions.references.labels) == 4 * PRODUCTS * 0.72
    # each as it is, and as phones see it
    assert len(loaded.decisions.sold.right) == 2 * 4 * PRODUCTS * 0.08
    decider = Decider(loaded.decisions, 0.6, AcceptedRisk.of(figures_shop.folder.settings))
    answers = [
        decider.decide(encoded.probabilities, encoded.embedding).decision
        for encoded in (loaded.encoder.encode(picture) for _, picture in draw_no_goods(2))
    ]
    assert answers.count("category") < len(answers) / 2
    decisions = [
        figures_shop.search_photo(draw_shape(shape, 50_000 + seed)).decision
        for shape in SHAPES
        for seed in range(5)
    ]
    assert decisions.count("category") > decisions.count("unknown")
