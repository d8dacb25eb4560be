"""Commands that try many models: tune, compare, report, bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, open_shop, terminal_progress
from vitrina.cli.embedding_commands import ClusterOption, EngineOption
from vitrina.cli.output import print_json, stdout

BackboneOption = Annotated[
    str, typer.Option(help="A name that `vitrina weights` lists, or onnx:FILE.")
]
SeedOption = Annotated[int, typer.Option(help="Decides split, views and order.")]
BackbonesOption = Annotated[
    str, typer.Option(help="Names, separated by commas, or onnx:FILE; all: the named four.")
]

bench = typer.Typer(help="Measure Vitrina itself.", no_args_is_help=True)


def tune(
    backbone: BackboneOption = "mobilenet_v2",
    trials: Annotated[int, typer.Option(help="How many in all.", min=1)] = 10,
    max_minutes: Annotated[
        float, typer.Option(help="No trial begins after that; 0: no limit.", min=0)
    ] = 0,
    seed: SeedOption = 0,
    weights: Annotated[
        Path | None, typer.Option(help="File with ImageNet weights; else they are looked for.")
    ] = None,
    engine: EngineOption = "local",
    cluster: ClusterOption = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Try hyper-parameters on cached activations; `vitrina train --trials N` goes on from there."""
    from vitrina.cli.comparison_tables import print_trials

    records = open_shop(shop).tune(
        backbone, trials=trials, max_minutes=max_minutes, seed=seed, weights=weights,
        engine=engine, cluster=cluster,
    )  # fmt: skip
    if as_json:
        print_json(records)
    else:
        print_trials(stdout(), records)


def compare(
    backbones: BackbonesOption = "all",
    budget: Annotated[
        str,
        typer.Option(help="Such as ram=300MB,latency=30ms,cold_start=1s,size=50MB,cores=2."),
    ] = "",
    trials: Annotated[int, typer.Option(help="Of tuning, for each; 0: none.", min=0)] = 10,
    max_minutes: Annotated[
        float, typer.Option(help="Of tuning, for each; 0: no limit.", min=0)
    ] = 15,
    seed: SeedOption = 0,
    views: Annotated[int | None, typer.Option(help="Pictures that each photo counts for.")] = None,
    tail_epochs: Annotated[int | None, typer.Option(help="Epochs of phase 2, at most.")] = None,
    unfrozen_layers: Annotated[
        int | None, typer.Option(help="How many of the last layers learn in phase 2.")
    ] = None,
    requests: Annotated[int, typer.Option(help="Asked of each running server.", min=1)] = 200,
    repeats: Annotated[int, typer.Option(help="Fresh servers for each model.", min=1)] = 3,
    baseline: Annotated[
        str, typer.Option(help="keras: measure Keras inside the web process too.")
    ] = "",
    measure_again: Annotated[
        bool, typer.Option("--measure-again", help="Measure servers anew.")
    ] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Have the best one served.")] = False,
    engine: EngineOption = "local",
    cluster: ClusterOption = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train and measure several models, and choose the best inside a budget."""
    from vitrina.cli.comparison_tables import print_comparison

    training = {"views": views, "tail_epochs": tail_epochs, "unfrozen_layers": unfrozen_layers}
    opened = open_shop(shop)
    comparison = opened.compare(
        named_backbones(backbones),
        budget=budget,
        trials=trials,
        max_minutes=max_minutes,
        seed=seed,
        training={name: value for name, value in training.items() if value is not None},
        requests=requests,
        repeats=repeats,
        baseline=baseline,
        measure_again=measure_again,
        engine=engine,
        cluster=cluster,
    )
    if publish and comparison.choice.best:
        opened.activate(comparison.candidate(comparison.choice.best).bundle)
    if as_json:
        typer.echo((opened.folder.report / "comparison.json").read_text(encoding="utf-8"))
        return
    print_comparison(stdout(), comparison)
    stdout().print(f"Report: {opened.folder.report / 'index.html'}", soft_wrap=True)


def report(
    language: Annotated[str | None, typer.Option(help="ru or en; the shop's unless given.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the last comparison's report anew, such as in the other language."""
    if language not in (None, "ru", "en"):
        raise typer.BadParameter("There are ru and en.", param_hint="--language")
    opened = open_shop(shop)
    page = opened.write_report(language=language)  # type: ignore[arg-type]
    if as_json:
        typer.echo(json.dumps({"report": str(page)}, ensure_ascii=False))
    else:
        stdout().print(str(page), soft_wrap=True)


@bench.callback()
def bench_root() -> None:
    """Measure Vitrina itself."""


@bench.command("train")
def bench_train(
    backbone: BackboneOption = "mobilenet_v2",
    photos: Annotated[
        int, typer.Option(help="Training photos that the plain loop runs on; 0: all.", min=0)
    ] = 600,
    epochs: Annotated[
        int, typer.Option(help="Epochs that the plain loop runs of each phase; 0: all.", min=0)
    ] = 1,
    seed: SeedOption = 0,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Compare training from cached activations with the plain Keras loop, side by side."""
    from vitrina.cli.comparison_tables import print_training_benchmark
    from vitrina.shop import require_training

    require_training()
    from vitrina.bench.training import benchmark_training

    result: Any = benchmark_training(
        open_shop(shop).folder, backbone, photos, epochs, seed, terminal_progress()
    )
    if as_json:
        print_json(result)
    else:
        print_training_benchmark(stdout(), result)


@bench.command("search")
def bench_search(
    goods: Annotated[
        int, typer.Option(help="Make up so many goods and measure the time; 0: this shop.", min=0)
    ] = 0,
    dimensions: Annotated[
        int, typer.Option(help="Numbers of each made-up embedding.", min=8, max=4096)
    ] = 1280,
    questions: Annotated[int, typer.Option(help="Asked of made-up goods.", min=1)] = 500,
    photos: Annotated[
        Path | None, typer.Option(help="Table with the columns file and sku: what to ask with.")
    ] = None,
    database: Annotated[
        str, typer.Option(help="PostgreSQL database to make up vectors in, and measure there.")
    ] = "",
    vectors: Annotated[int, typer.Option(help="How many, with --database.", min=1000)] = 1_000_000,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Measure how often the right product is found, or how fast among many made-up goods."""
    from vitrina.cli.search_tables import print_recall, print_speed, print_stored

    if database:
        from vitrina.bench.stored_speed import benchmark_stored

        stored = benchmark_stored(database, vectors, dimensions, questions, terminal_progress())
        if as_json:
            print_json(stored)
        else:
            print_stored(stdout(), stored)
        return
    if goods:
        from vitrina.bench.search_speed import benchmark_speed

        speed = benchmark_speed(goods, dimensions, questions, terminal_progress())
        if as_json:
            print_json(speed)
        else:
            print_speed(stdout(), speed)
        return
    from vitrina.bench.search import benchmark_search

    result = benchmark_search(open_shop(shop).folder, photos, terminal_progress())
    if as_json:
        print_json(result)
    else:
        print_recall(stdout(), result)


@bench.command("decisions")
def bench_decisions(
    backbone: BackboneOption = "mobilenet_v2",
    held_out: Annotated[
        int, typer.Option(help="Categories that are taken out of each choice.", min=1)
    ] = 6,
    choices: Annotated[int, typer.Option(help="How many choices of categories.", min=1)] = 5,
    recipe: Annotated[
        str, typer.Option(help="vitrina: as `vitrina train`; quick: the head alone.")
    ] = "vitrina",
    views: Annotated[int | None, typer.Option(help="Pictures that each photo counts for.")] = None,
    tail_epochs: Annotated[int | None, typer.Option(help="Epochs of phase 2, at most.")] = None,
    unfrozen_layers: Annotated[
        int | None, typer.Option(help="How many of the last layers learn in phase 2.")
    ] = None,
    seed: SeedOption = 0,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Measure how the search box is filled, with whole categories held out of training."""
    from vitrina.cli.decision_tables import print_decisions
    from vitrina.shop import require_training

    if recipe not in ("vitrina", "quick"):
        raise typer.BadParameter("There are vitrina and quick.", param_hint="--recipe")
    require_training()
    from vitrina.bench.decisions import benchmark_decisions
    from vitrina.training.framework import load_framework
    from vitrina.training.plan import vitrina_plan

    layers = 0 if recipe == "quick" else unfrozen_layers
    changed = {"views": views, "tail_epochs": tail_epochs, "unfrozen_layers": layers}
    plan = vitrina_plan(
        backbone, seed=seed, **{name: value for name, value in changed.items() if value is not None}
    )
    load_framework()
    result = benchmark_decisions(
        open_shop(shop).folder,
        plan,
        held_out=held_out,
        choices=choices,
        progress=terminal_progress(),
    )
    if as_json:
        print_json(result)
    else:
        print_decisions(stdout(), result)


def named_backbones(backbones: str) -> list[str]:
    """The names in an option's text.

    Commas separate them; an `onnx:FILE` may not hold one.
    """
    from vitrina.shop import require_training

    require_training()
    from vitrina.training.backbones import NAMED

    if backbones.strip().lower() == "all":
        return list(NAMED)
    return [name.strip() for name in backbones.split(",") if name.strip()]
