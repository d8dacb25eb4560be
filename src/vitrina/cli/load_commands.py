"""`vitrina bench serve`: a server under load."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, open_shop, terminal_progress
from vitrina.cli.output import print_json, stdout


def bench_serve(
    mix: Annotated[
        str,
        typer.Option(help="widget, phone, png, webp, heic, all; or shares: phone=1,widget=3."),
    ] = "all",
    baseline: Annotated[
        str,
        typer.Option(help="Measured beside it: plain, keras, or both, separated by a comma."),
    ] = "",
    arrivals: Annotated[
        Literal["poisson", "constant"], typer.Option(help="How requests follow each other.")
    ] = "poisson",
    rate: Annotated[
        float | None,
        typer.Option(help="Requests a second to hold; else the highest is looked for.", min=0.1),
    ] = None,
    step_seconds: Annotated[float, typer.Option(help="How long each rate is tried.", min=1)] = 8,
    confirm_seconds: Annotated[
        float, typer.Option(help="How long the rate that was found is held.", min=1)
    ] = 20,
    overload_seconds: Annotated[
        float, typer.Option(help="How long twice that rate is offered; 0: not.", min=0)
    ] = 60,
    heic_flood: Annotated[
        float,
        typer.Option(help="HEIC photos a second beside half the mix's rate; 0: none.", min=0),
    ] = 0,
    starts: Annotated[int, typer.Option(help="Fresh servers whose start is timed.", min=1)] = 5,
    seed: Annotated[int, typer.Option(help="Of photos and of the times of requests.")] = 0,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Load a server with photos at fixed rates, beside the ways that it replaces."""
    from vitrina.bench.serve import LoadPlan, benchmark_serving
    from vitrina.cli.load_tables import print_serving

    plan = LoadPlan(
        mix=mix,
        seed=seed,
        arrivals=arrivals,
        starts=starts,
        step_seconds=step_seconds,
        confirm_seconds=confirm_seconds,
        overload_seconds=overload_seconds,
        rate=rate,
        heic_flood=heic_flood,
    )
    baselines = [name.strip() for name in baseline.split(",") if name.strip()]
    result = benchmark_serving(open_shop(shop).folder, plan, baselines, terminal_progress())
    if as_json:
        print_json(result)
    else:
        print_serving(stdout(), result)
