"""`vitrina embed`, and the options of every command that can work on a cluster."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, open_shop
from vitrina.cli.output import print_json, stdout

EngineOption = Annotated[
    Literal["local", "ray"], typer.Option(help="Work on this machine, or on a Ray cluster.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        help="With --engine ray: HOST:PORT of the head, or auto; else what RAY_ADDRESS names, or "
        "this machine's cores.",
        metavar="ADDRESS",
    ),
]


def embed(
    bundle: Annotated[
        str | None,
        typer.Option(help="For this bundle instead, before it is activated.", metavar="VERSION"),
    ] = None,
    engine: EngineOption = "local",
    cluster: ClusterOption = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Have photos find all goods that came since publishing; an import does that by itself."""
    embedded = open_shop(shop).embed_goods(bundle=bundle, engine=engine, cluster=cluster)
    if as_json:
        print_json({"embedded": embedded})
    else:
        stdout().print(f"Embedded {embedded} photos of goods.")
