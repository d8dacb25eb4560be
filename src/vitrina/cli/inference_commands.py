"""`vitrina bench inference`: the network alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, open_shop, terminal_progress
from vitrina.cli.output import print_json, stdout


def bench_inference(
    backbones: Annotated[
        str,
        typer.Option(
            help="Names, separated by commas, or all: with random weights, in place of a bundle."
        ),
    ] = "",
    bundle: Annotated[
        str | None, typer.Option(help="Version of a bundle; the active one unless given.")
    ] = None,
    threads: Annotated[
        str, typer.Option(help="Numbers of threads, separated by commas; else 1 and 2.")
    ] = "",
    rounds: Annotated[int, typer.Option(help="Turns of each way.", min=1)] = 9,
    classes: Annotated[
        int, typer.Option(help="Categories of a backbone with random weights.", min=2)
    ] = 60,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Time the network in every way to run it, against the processor's own floor."""
    from vitrina.bench.inference import benchmark_inference
    from vitrina.bench.measured_networks import NetworksToMeasure, temporary_networks
    from vitrina.bundle import active_bundle, named_bundle
    from vitrina.cli.inference_tables import print_inference

    try:
        numbers = [int(number) for number in threads.split(",") if number.strip()]
    except ValueError:
        raise typer.BadParameter("Numbers such as 1,2.", param_hint="--threads") from None
    if any(number < 1 for number in numbers):
        raise typer.BadParameter("1 or more.", param_hint="--threads")
    with temporary_networks() as folder:
        measured = NetworksToMeasure(Path(folder))
        if backbones:
            from vitrina.cli.comparison_commands import named_backbones

            names = named_backbones(backbones)
            from vitrina.training.framework import load_framework

            load_framework()
            networks = [measured.of_backbone(name, classes) for name in names]
        else:
            bundles = open_shop(shop).folder.bundles
            one = named_bundle(bundles, bundle) if bundle else active_bundle(bundles)
            networks = [measured.of_bundle(one)]
        result = benchmark_inference(networks, rounds, numbers, terminal_progress())
    if as_json:
        print_json(result)
    else:
        print_inference(stdout(), result)
