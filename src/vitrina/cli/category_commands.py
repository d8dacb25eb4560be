"""The command about categories: what each is called, and what a photo of it searches for."""

from __future__ import annotations

from typing import Annotated

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, open_shop
from vitrina.cli.output import print_json, print_table, stdout


def categories(
    texts: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="What a photo of that category puts into the search box; nothing after = gives "
            "it its name back. May be given several times.",
            metavar="ID=TEXT",
        ),
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """List the categories, or change what a photo of them searches for."""
    opened = open_shop(shop)
    if texts:
        opened.set_search_texts(dict(map(_parted, texts)))
    listed = opened.search_texts()
    if as_json:
        print_json({"categories": listed})
        return
    print_table(
        stdout(),
        ("id", "category", "products", "search text", ""),
        [
            (one.id, one.path, one.products, one.search_text, "edited" if one.edited else "")
            for one in listed
        ],
    )


def _parted(given: str) -> tuple[str, str]:
    slug, sign, text = given.partition("=")
    if not sign or not slug.strip():
        raise typer.BadParameter(f"expected ID=TEXT, received {given[:60]!r}", param_hint="--set")
    return slug.strip(), text
