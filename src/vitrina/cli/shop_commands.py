"""Commands of every installation: make a shop, fill it, look at it, search it, serve it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vitrina.cli.app import HERE, JsonOption, PortOption, ShopOption, announce, open_shop
from vitrina.cli.output import percent, print_json, print_table, stdout
from vitrina.errors import NotFound, SettingError
from vitrina.serving.logs import is_json
from vitrina.shop import Shop

if TYPE_CHECKING:
    from vitrina.catalogue.corrections import Applied
    from vitrina.catalogue.fetch.photos import FetchReport
    from vitrina.serving.many.shops_file import ServicePlan

_FINDINGS_SHOWN = 20
"""Of each kind, on the terminal; the page and --json have more."""


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
    source: Annotated[
        str, typer.Argument(help="Category folders, a table, a feed, or a feed's address.")
    ],
    split: Annotated[
        Path | None, typer.Option(help="Table that says which photo is for train or test.")
    ] = None,
    refresh_pictures: Annotated[
        bool, typer.Option("--refresh-pictures", help="Fetch what changed at pictures' addresses.")
    ] = False,
    embed: Annotated[
        bool, typer.Option(help="Have photos find the new goods at once, not by vitrina embed.")
    ] = True,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Bring goods and their pictures into the shop."""
    report = open_shop(shop).import_catalogue(
        source, split=split, refresh_pictures=refresh_pictures, embed=embed
    )
    if as_json:
        print_json(report)
        return
    stdout().print(
        f"Imported {report.products} products with {report.photos} photos "
        f"in {report.categories} categories."
    )
    if report.is_unchanged:
        stdout().print("The source is the same as the last time: nothing was changed.")
    elif report.added < report.products or report.gone:
        same = report.products - report.added - report.changed
        stdout().print(
            f"New: {report.added}, changed: {report.changed}, as before: {same}, "
            f"gone: {report.gone}."
        )
    if report.split_photos is not None:
        stdout().print(f"The split file decides for {report.split_photos} of the photos.")
    if report.refused:
        stdout().print(
            f"Refused {report.refused}; why, line by line: {report.refused_file}",
            soft_wrap=True,
        )
    if report.fetched is not None:
        _print_fetched(report.fetched)


def _print_fetched(report: FetchReport) -> None:
    """What became of the pictures that lie at addresses."""
    told = [
        (report.fetched, "fetched"),
        (report.shared, "known from other goods"),
        (report.unchanged, "unchanged"),
        (report.failed, "failed"),
        (report.postponed, "left for the next import"),
        (report.abandoned, "given up, unless --refresh-pictures asks again"),
    ]
    counts = ", ".join(f"{count} {what}" for count, what in told if count)
    stdout().print(f"Pictures at addresses: {counts or 'nothing new'}.")
    for host, reason in report.hosts.items():
        stdout().print(f"Left {host} alone: {reason}.", soft_wrap=True)
    if report.refused_file:
        stdout().print(f"Why pictures failed: {report.refused_file}", soft_wrap=True)


def check(
    labels: Annotated[
        bool, typer.Option("--labels/--no-labels", help="Look for wrong labels, too.")
    ] = True,
    apply: Annotated[
        Path | None, typer.Option(help="Do what this table of corrections says, instead.")
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Look for pictures, labels and categories that would spoil training."""
    opened = open_shop(shop)
    if apply is not None:
        applied = opened.apply_corrections(apply)
        if as_json:
            print_json(applied)
            return
        _print_applied(applied)
        return
    report = opened.check(labels=labels)
    if as_json:
        print_json(report)
        return
    stdout().print(
        f"{report.products} products, {report.photos} photos, {len(report.categories)} categories."
    )
    if report.copy_groups:
        stdout().print(f"{report.copy_groups} pictures come in near copies.")
    if report.labels_unchecked and labels:
        stdout().print(
            f"Wrong labels were not looked for: {report.labels_unchecked}", soft_wrap=True
        )
    if not report.findings:
        stdout().print("Nothing is wrong.")
        return
    for kind, count in report.kinds.items():
        shown = [f for f in report.findings if f.kind == kind][:_FINDINGS_SHOWN]
        title = kind if len(shown) == count else f"{kind}: {len(shown)} of {count}"
        stdout().print(f"\n{title}", highlight=False)
        print_table(
            stdout(),
            ("category", "product", "detail"),
            [(f.category, f.product, f.detail) for f in shown],
        )
    stdout().print(f"With their pictures: {report.page}", soft_wrap=True)
    stdout().print(f"To edit, then --apply: {report.corrections}", soft_wrap=True)


def _print_applied(applied: Applied) -> None:
    """What came of a table of corrections."""
    told = [
        (applied.moved, "products moved"),
        (applied.dropped, "photos left out of training"),
        (applied.restored, "photos restored"),
        (applied.kept, "photos kept"),
        (applied.asked, "photos to ask about again"),
        (applied.skipped, "rows without anything to do"),
    ]
    counts = ", ".join(f"{count} {what}" for count, what in told if count)
    stdout().print(f"Corrections: {counts or 'nothing to do'}.")
    if applied.undo:
        stdout().print(f"To take it back: vitrina check --apply {applied.undo}", soft_wrap=True)


def search(
    what: Annotated[str, typer.Argument(help="A photo's path, or words.")],
    limit: Annotated[int, typer.Option(help="Goods to show.", min=1, max=100)] = 8,
    category: Annotated[
        str | None, typer.Option(help="Only of this category and those below it.", metavar="ID")
    ] = None,
    price_from: Annotated[float | None, typer.Option(help="Lowest price.", min=0)] = None,
    price_to: Annotated[float | None, typer.Option(help="Highest price.", min=0)] = None,
    in_stock: Annotated[bool, typer.Option("--in-stock", help="Only what is in stock.")] = False,
    cursor: Annotated[str | None, typer.Option(help="`next_cursor` of the answer before.")] = None,
    words: Annotated[
        str, typer.Option(help="Of a photo's nearest goods, only those that match these words.")
    ] = "",
    language: Annotated[Literal["ru", "en"] | None, typer.Option(help="Of names.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Search the shop by a photo or by words, as its server would."""
    opened = open_shop(shop)
    if not _is_photo(what):
        found = opened.search_text(
            what, language=language, limit=limit, cursor=cursor, category=category,
            price_from=price_from, price_to=price_to, in_stock=in_stock,
        )  # fmt: skip
        if as_json:
            print_json(found)
            return
        if found.corrected:
            stdout().print(f"Searched for: {found.corrected}", highlight=False)
        products = found.products
    else:
        seen = opened.search_photo(
            what, words=words, language=language, limit=limit, category=category,
            price_from=price_from, price_to=price_to, in_stock=in_stock,
        )  # fmt: skip
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
    shops: Annotated[
        Path | None,
        typer.Option(help="Serve all shops that this file names, instead.", metavar="FILE"),
    ] = None,
    shop: ShopOption = HERE,
) -> None:
    """Serve the shop's page and its search."""
    if shops is not None:
        _serve_shops(shops, host, port, bundle)
        return
    settings = (opened := Shop.open(shop)).folder.settings

    def tell(address: str) -> None:
        # where lines are JSON, the server's own line has the address
        if not is_json(settings.log_format, sys.stderr):
            announce(settings.name, address)

    opened.serve(host=host, port=port, bundle=bundle, on_ready=tell)


def _serve_shops(file: Path, host: str | None, port: int | None, bundle: str | None) -> None:
    if bundle is not None:
        raise SettingError(
            "--bundle is for one shop, --shops for several.",
            hint="Activate the bundle in its shop: vitrina publish, or vitrina rollback.",
        )
    from vitrina.serving.many.process import serve_shops

    def tell(plan: ServicePlan, address: str) -> None:
        if not is_json(plan.settings.log_format, sys.stderr):
            number = len(plan.shops)
            announce("1 shop" if number == 1 else f"{number} shops", address)

    serve_shops(file, host=host, port=port, on_ready=tell)


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
