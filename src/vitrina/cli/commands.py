"""The commands: each reads its options, walks one stage, and prints what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vitrina.cli.output import percent, print_candidates, print_error, print_json, print_table
from vitrina.errors import VitrinaError
from vitrina.progress import Progress
from vitrina.shop import Shop
from vitrina.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Photo search for online stores.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ShopOption = Annotated[Path, typer.Option("--shop", help="The shop's folder.", metavar="DIR")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
HERE = Path()


def run() -> None:
    """Runs the command line; errors of ours end with exit code 1 and their hint."""
    try:
        app()
    except VitrinaError as error:
        print_error(_stderr(), error)
        sys.exit(1)
    except KeyboardInterrupt:
        _stderr().print("Interrupted; what was computed is used again next time.")
        sys.exit(130)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Photo search for online stores."""
    if version:
        print(__version__)  # noqa: T201
        raise typer.Exit


@app.command()
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
    _stdout().print(f"Made the shop {shop.folder.root}", soft_wrap=True)
    _stdout().print(f"Next: vitrina import GOODS --shop {folder}", highlight=False, soft_wrap=True)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="Category folders, or a CSV, TSV, XLSX table.")],
    split: Annotated[
        Path | None, typer.Option(help="Table that says which photo is for train or test.")
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Bring goods and their pictures into the shop."""
    report = _open(shop).import_catalogue(source, split=split)
    if as_json:
        print_json(report)
        return
    _stdout().print(
        f"Imported {report.products} products with {report.photos} photos "
        f"in {report.categories} categories."
    )
    if report.refusals:
        _stdout().print(
            f"Refused {len(report.refusals)}; why, line by line: {report.refused_file}",
            soft_wrap=True,
        )


@app.command()
def check(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Look for pictures and categories that would spoil training."""
    report = _open(shop).check()
    if as_json:
        print_json(report)
        return
    _stdout().print(
        f"{report.products} products, {report.photos} photos, {len(report.categories)} categories."
    )
    if not report.findings:
        _stdout().print("Nothing is wrong.")
        return
    print_table(
        _stdout(),
        ("what", "category", "product", "detail"),
        [(f.kind, f.category, f.product, f.detail) for f in report.findings],
    )


@app.command()
def weights(
    backbone: Annotated[str | None, typer.Argument(help="Fetch this one's weights.")] = None,
    file: Annotated[Path | None, typer.Option(help="Take them from this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show which ImageNet weights are at hand, or fetch one backbone's."""
    from vitrina.shop import require_training

    require_training()
    from vitrina.training.framework import load_framework
    from vitrina.training.loading import load_backbone
    from vitrina.training.weights import weights_status

    if backbone:
        load_framework()
        loaded = load_backbone(backbone, weights=file, progress=_progress())
        if as_json:
            print_json(loaded.weights)
        else:
            _stdout().print(f"{backbone}: {loaded.weights.way}, {loaded.weights.detail}")
        return
    found = weights_status()
    if as_json:
        print_json(found)
        return
    print_table(
        _stdout(),
        ("backbone", "at hand", "MB", "where"),
        [
            (
                s.backbone,
                s.way or "no",
                f"{s.size_bytes / 1e6:.1f}" if s.size_bytes else "",
                s.path or "",
            )
            for s in found
        ],
    )


@app.command()
def train(
    backbone: Annotated[str, typer.Option(help="A name that `vitrina weights` lists.")] = (
        "mobilenet_v2"
    ),
    seed: Annotated[int, typer.Option(help="Decides split, views and order.")] = 0,
    weights: Annotated[
        Path | None, typer.Option(help="File with ImageNet weights; else they are looked for.")
    ] = None,
    unfrozen_layers: Annotated[
        int, typer.Option(help="How many of the last layers learn in phase 2.")
    ] = 30,
    head_epochs: Annotated[int | None, typer.Option(help="Passes of phase 1, at most.")] = None,
    tail_epochs: Annotated[int | None, typer.Option(help="Passes of phase 2, at most.")] = None,
    tail_rate: Annotated[
        float | None, typer.Option(help="Learning rate at the start of phase 2.")
    ] = None,
    views: Annotated[int | None, typer.Option(help="Pictures that each photo counts for.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train a model: the head first, then the last layers too."""
    chosen: dict[str, Any] = {
        "head_epochs": head_epochs,
        "tail_epochs": tail_epochs,
        "tail_rate": tail_rate,
        "views": views,
    }
    run = _open(shop).train(
        backbone,
        weights=weights,
        seed=seed,
        unfrozen_layers=unfrozen_layers,
        **{name: value for name, value in chosen.items() if value is not None},
    )
    if as_json:
        print_json(run)
        return
    minutes = sum(run.seconds.values()) / 60
    _stdout().print(f"Run {run.id}, {minutes:.1f} minutes, weights: {run.weights['way']}")
    _stdout().print(
        f"On {run.test['photos']:.0f} photos kept away from training: "
        f"top-1 {percent(run.test['top1'])}, top-3 {percent(run.test['top3'])}"
    )


@app.command()
def publish(
    run: Annotated[str | None, typer.Argument(help="A run's id; the newest unless given.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Export a run, compare it with Keras, and have it served."""
    bundle = _open(shop).publish(run)
    if as_json:
        print_json(bundle.info)
        return
    test, agreement = bundle.info.metrics["test"], bundle.info.metrics["agreement"]
    _stdout().print(f"Published {bundle.info.version}, {bundle.size_bytes / 1e6:.1f} MB")
    _stdout().print(
        f"On {test['photos']} test photos, in ONNX Runtime: top-1 {percent(test['top1'])}, "
        f"top-3 {percent(test['top3'])}"
    )
    _stdout().print(
        f"Against Keras on {agreement['photos']} photos: the same first category on all, "
        f"probabilities at most {agreement['max_difference']:.1e} apart"
    )


@app.command()
def search(
    what: Annotated[str, typer.Argument(help="A photo's path, or words.")],
    limit: Annotated[int, typer.Option(help="Goods to show.", min=1, max=100)] = 8,
    language: Annotated[Literal["ru", "en"] | None, typer.Option(help="Of names.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Search the shop by a photo or by words, as its server would."""
    opened = _open(shop)
    if not _is_file(what):
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
            _stdout().print(
                f"{mark} {percent(guess.confidence):>8}  {guess.search_text}", highlight=False
            )
    print_table(
        _stdout(),
        ("article", "name", "price", "likeness"),
        [
            (p.sku, p.name, f"{p.price} {p.currency}" if p.price else "", p.similarity or "")
            for p in products
        ],
    )


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes any.", min=0, max=65535)
    ] = None,
    shop: ShopOption = HERE,
) -> None:
    """Serve the shop's page and its search."""
    name = (opened := Shop.open(shop)).folder.settings.name
    opened.serve(host=host, port=port, on_ready=lambda address: _announce(name, address))


@app.command()
def demo(
    source: Annotated[Path, typer.Argument(help="Folder of the demo shop's goods.")] = Path("demo"),
    shop: ShopOption = Path("build/demo-shop"),
    backbones: Annotated[
        str, typer.Option(help="Names, separated by commas; all: every one there is.")
    ] = "mobilenet_v2,efficientnet_lite0",
    serve: Annotated[bool, typer.Option(help="Serve the shop at the end.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Walk the demo shop from end to end: import, train, compare, publish, serve."""
    from vitrina.demo import run_demo
    from vitrina.shop import require_training

    require_training()
    from vitrina.training.backbones import list_backbones

    names = list_backbones() if backbones.lower() == "all" else backbones.split(",")
    candidates = run_demo(source, shop, [name.strip() for name in names], _progress())
    if as_json:
        print_json(candidates)
    else:
        print_candidates(_stdout(), candidates)
    if serve:
        opened = Shop.open(shop)
        name = opened.folder.settings.name
        opened.serve(on_ready=lambda address: _announce(name, address, browse=True))


def _announce(name: str, address: str, *, browse: bool = False) -> None:
    typer.echo(f"{name} is at {address} (stop with Ctrl+C)", err=True)
    if browse and sys.stdout.isatty():
        typer.launch(address)


def _is_file(what: str) -> bool:
    try:
        return Path(what).is_file()
    except (OSError, ValueError):
        return False  # longer than a file's name can be: words


def _open(shop: Path) -> Shop:
    return Shop.open(shop, progress=_progress())


def _progress() -> Progress:
    from vitrina.cli.bars import TerminalProgress

    return TerminalProgress(_stderr())


def _stdout() -> Console:
    from rich.console import Console

    return Console(markup=False)  # names of goods and folders may look like it


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, markup=False)
