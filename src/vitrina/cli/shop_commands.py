"""Commands of every installation: make a shop, fill it, look at it, search it, serve it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from vitrina.cli.app import HERE, JsonOption, PortOption, ShopOption, announce, open_shop
from vitrina.cli.output import percent, print_json, print_table, stdout
from vitrina.errors import NotFound
from vitrina.shop import Shop


def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new shop.")] = HERE,
    name: Annotated[str, typer.Option(help="The shop's name, shown on its page.")] = "Vitrina",
    language: Annotated[str, typer.Option(help="Language of its page: ru or en.")] = "ru",
    as_json: JsonOption = False,
) -> None:
    """Make a folder a shop."""
    shop = Shop.create(folder, name=name, language=language)
    if as_json:
        print_json({"shop": shop.folder.root, "settings": shop.folder.toml})
        return
    stdout().print(f"Made the shop {shop.folder.root}", soft_wrap=True)
    stdout().print(f"Next: vitrina import GOODS --shop {folder}", highlight=False, soft_wrap=True)


def import_(
    source: Annotated[Path, typer.Argument(help="Category folders, or a CSV, TSV, XLSX table.")],
    split: Annotated[
        Path | None, typer.Option(help="Table that says which photo is for train or test.")
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Bring goods and their pictures into the shop."""
    report = open_shop(shop).import_catalogue(source, split=split)
    if as_json:
        print_json(report)
        return
    stdout().print(
        f"Imported {report.products} products with {report.photos} photos "
        f"in {report.categories} categories."
    )
    if report.split_photos is not None:
        stdout().print(f"The split file decides for {report.split_photos} of the photos.")
    if report.refusals:
        stdout().print(
            f"Refused {len(report.refusals)}; why, line by line: {report.refused_file}",
            soft_wrap=True,
        )


def check(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Look for pictures and categories that would spoil training."""
    report = open_shop(shop).check()
    if as_json:
        print_json(report)
        return
    stdout().print(
        f"{report.products} products, {report.photos} photos, {len(report.categories)} categories."
    )
    if not report.findings:
        stdout().print("Nothing is wrong.")
        return
    print_table(
        stdout(),
        ("what", "category", "product", "detail"),
        [(f.kind, f.category, f.product, f.detail) for f in report.findings],
    )


def search(
    what: Annotated[str, typer.Argument(help="A photo's path, or words.")],
    limit: Annotated[int, typer.Option(help="Goods to show.", min=1, max=100)] = 8,
    language: Annotated[Literal["ru", "en"] | None, typer.Option(help="Of names.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Search the shop by a photo or by words, as its server would."""
    opened = open_shop(shop)
    if not _is_photo(what):
        found = opened.search_text(what, language=language, limit=limit)
        if as_json:
            print_json(found)
            return
        products = found.products
    else:
        seen = opened.search_photo(what, language=language, limit=limit)
        if as_json:
            print_json(seen)
            return
        products = seen.products
        named = [seen.category] if seen.category else []
        for guess in (*named, *seen.alternatives):
            mark = "→" if guess is seen.category else " "
            stdout().print(
                f"{mark} {percent(guess.confidence):>8}  {guess.search_text}", highlight=False
            )
    print_table(
        stdout(),
        ("article", "name", "price", "likeness"),
        [
            (p.sku, p.name, f"{p.price} {p.currency}" if p.price else "", p.similarity or "")
            for p in products
        ],
    )


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: PortOption = None,
    bundle: Annotated[
        str | None, typer.Option(help="Serve this bundle instead of the published one.")
    ] = None,
    shop: ShopOption = HERE,
) -> None:
    """Serve the shop's page and its search."""
    name = (opened := Shop.open(shop)).folder.settings.name
    opened.serve(
        host=host, port=port, bundle=bundle, on_ready=lambda address: announce(name, address)
    )


_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif")


def _is_photo(what: str) -> bool:
    """Whether a file is meant; words may hold a slash too, as in "E27/E14".

    Raises:
        NotFound: it can only be a path, and there is no such file.
    """
    path = Path(what)
    try:
        if path.is_file():
            return True
        # a slash alone makes no path; one after a folder that exists does
        inside = len(path.parts) > 1 and path.parent.is_dir()
        folder = what.endswith(("/", "\\")) and path.is_dir()
    except (OSError, ValueError):
        return False  # longer than a file's name can be: words
    rooted = what.startswith(("/", "./", "../", "~/"))
    if inside or folder or rooted or path.suffix.lower() in _PICTURES:
        raise NotFound(
            f"There is no picture file {what}.",
            hint="Check the path; a search by words takes words that are no path and end in no "
            "picture's suffix.",
        )
    return False
