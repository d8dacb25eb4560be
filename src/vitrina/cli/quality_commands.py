"""`vitrina bench quality`: how good a recipe is, over several seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, open_shop, terminal_progress
from vitrina.cli.comparison_commands import BackboneOption
from vitrina.cli.output import percent, print_json, print_table, stdout

if TYPE_CHECKING:
    from rich.console import Console

    from vitrina.bench.quality import QualityBenchmark, RowFigures

_FEW_CATEGORIES = 10


def bench_quality(
    backbone: BackboneOption = "mobilenet_v2",
    seeds: Annotated[int, typer.Option(help="How many trainings a row.", min=1)] = 3,
    recipes: Annotated[
        str, typer.Option(help="vitrina, study, or both with a comma between them.")
    ] = "vitrina",
    splits: Annotated[
        str,
        typer.Option(help="given: the catalogue's own; honest: by product and near copy; or both."),
    ] = "given",
    photos_each: Annotated[
        str, typer.Option(help="Such as 5,10,20,50: a row for each number of photos a category.")
    ] = "",
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Leave out the parts of the recipe, each in a row.")
    ] = False,
    sources: Annotated[
        str,
        typer.Option(
            help="Regular expression that finds a photo's source in its article, such as "
            '"/([a-z]+)_": a row for each source, tested on what other sources taught.'
        ),
    ] = "",
    head_only: Annotated[
        bool, typer.Option("--head-only", help="Nothing but the head learns: a minute a row.")
    ] = False,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train a recipe with several seeds, and measure it on test photos and phone photos."""
    from vitrina.shop import require_training

    require_training()
    from vitrina.bench.quality import benchmark_quality
    from vitrina.bench.quality_rows import quality_rows, source_rows
    from vitrina.decoded import decoded_dataset
    from vitrina.training.framework import load_framework

    load_framework()
    folder, progress = open_shop(shop).folder, terminal_progress()
    rows = quality_rows(
        backbone,
        recipes=_names(recipes),
        splits=_names(splits),
        photos_each=_numbers(photos_each),
        ablate=ablate,
        changes={"unfrozen_layers": 0} if head_only else None,
    )
    if sources:
        rows += source_rows(decoded_dataset(folder, 0, progress).dataset, sources, rows[0])
    result = benchmark_quality(folder, rows, seeds=range(seeds), progress=progress)
    if as_json:
        print_json(result)
    else:
        print_quality(stdout(), result)


def print_quality(console: Console, result: QualityBenchmark) -> None:
    """Mean and spread of each row, and the weakest categories of the first."""
    print_table(
        console,
        ("mean of seeds", "top-1", "lowest", "highest", "top-3", "phone top-1", "phone top-3",
         "calibration error", "learned", "tested", "MB", "minutes"),
        [_cells(row) for row in result.rows],
    )  # fmt: skip
    first = result.rows[0]
    weakest = sorted(first.recall.items(), key=lambda item: item[1])[:_FEW_CATEGORIES]
    print_table(
        console,
        (f"weakest categories, {first.name}", "named first"),
        [(slug, percent(share)) for slug, share in weakest],
    )


def _cells(row: RowFigures) -> tuple[str, ...]:
    mean, first = row.mean, row.seeds[0]
    error = mean.get("calibration_error")
    return (
        row.name,
        percent(mean["top1"]),
        *(percent(end) for end in row.spread["top1"]),
        percent(mean["top3"]),
        percent(mean["phone_top1"]),
        percent(mean["phone_top3"]),
        "-" if error is None else percent(error),
        str(first.learned),
        str(first.tested),
        f"{mean['model_mb']:.1f}",
        f"{row.minutes:.1f}",
    )


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("Name at least one.")
    return names


def _numbers(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",") if number.strip()]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}: whole numbers with commas between them are expected.",
            param_hint="--photos-each",
        ) from None
