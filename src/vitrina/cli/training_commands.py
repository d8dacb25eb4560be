"""Commands that need the training part: weights, train, publish, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vitrina.cli.app import (
    HERE,
    JsonOption,
    PortOption,
    ShopOption,
    announce,
    open_shop,
    terminal_progress,
)
from vitrina.cli.comparison_commands import named_backbones
from vitrina.cli.output import percent, print_json, print_table, stdout
from vitrina.shop import Shop


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
        loaded = load_backbone(backbone, weights=file, progress=terminal_progress())
        if as_json:
            print_json(loaded.weights)
        else:
            stdout().print(f"{backbone}: {loaded.weights.way}, {loaded.weights.detail}")
        return
    found = weights_status()
    if as_json:
        print_json(found)
        return
    print_table(
        stdout(),
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


def train(
    backbone: Annotated[str, typer.Option(help="A name that `vitrina weights` lists.")] = (
        "mobilenet_v2"
    ),
    seed: Annotated[int, typer.Option(help="Decides split, views and order.")] = 0,
    weights: Annotated[
        Path | None, typer.Option(help="File with ImageNet weights; else they are looked for.")
    ] = None,
    unfrozen_layers: Annotated[
        int | None, typer.Option(help="How many of the last layers learn in phase 2.")
    ] = None,
    head_epochs: Annotated[int | None, typer.Option(help="Epochs of phase 1, at most.")] = None,
    tail_epochs: Annotated[int | None, typer.Option(help="Epochs of phase 2, at most.")] = None,
    tail_rate: Annotated[
        float | None, typer.Option(help="Learning rate at the start of phase 2.")
    ] = None,
    constant_rate: Annotated[
        bool, typer.Option("--constant-rate", help="It does not fall along a cosine.")
    ] = False,
    balance: Annotated[
        float | None, typer.Option(help="0: each photo counts alike; 1: each category.")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="vitrina, or study: the study's head, epochs and rates.")
    ] = "vitrina",
    trials: Annotated[int, typer.Option(help="Trials of tuning before; 0: none.", min=0)] = 0,
    max_minutes: Annotated[float, typer.Option(help="Of tuning; 0: no limit.", min=0)] = 0,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard's logs.")] = None,
    views: Annotated[int | None, typer.Option(help="Pictures that each photo counts for.")] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train a model: the head first, then the last layers too; goes on where it was cut off."""
    chosen: dict[str, Any] = {
        "head_epochs": head_epochs,
        "tail_epochs": tail_epochs,
        "tail_rate": tail_rate,
        "views": views,
        "unfrozen_layers": unfrozen_layers,
        "balance": balance,
        "tail_schedule": "constant" if constant_rate else None,
    }
    if recipe not in ("vitrina", "study"):
        raise typer.BadParameter("There are vitrina and study.", param_hint="--recipe")
    run = open_shop(shop).train(
        backbone,
        weights=weights,
        trials=trials,
        max_minutes=max_minutes,
        tensorboard=tensorboard,
        recipe=recipe,  # type: ignore[arg-type]
        seed=seed,
        **{name: value for name, value in chosen.items() if value is not None},
    )
    if as_json:
        print_json(run)
        return
    minutes = sum(run.seconds.values()) / 60
    stdout().print(f"Run {run.id}, {minutes:.1f} minutes, weights: {run.weights['way']}")
    stdout().print(
        f"On {run.test['photos']:.0f} photos kept away from training: "
        f"top-1 {percent(run.test['top1'])}, top-3 {percent(run.test['top3'])}"
    )


def publish(
    run: Annotated[str | None, typer.Argument(help="A run's id; the newest unless given.")] = None,
    precision: Annotated[
        str, typer.Option(help="fp32, int8, or auto: int8 where it is as good and faster.")
    ] = "auto",
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Export a run, compare it with Keras, and have it served."""
    if precision not in ("auto", "fp32", "int8"):
        raise typer.BadParameter("There are auto, fp32 and int8.", param_hint="--precision")
    bundle = open_shop(shop).publish(run, precision=precision)  # type: ignore[arg-type]
    if as_json:
        print_json(bundle.info)
        return
    test, agreement = bundle.info.metrics["test"], bundle.info.metrics["agreement"]
    stdout().print(f"Published {bundle.info.version}, {bundle.size_bytes / 1e6:.1f} MB")
    stdout().print(
        f"On {test['photos']} test photos, in ONNX Runtime: top-1 {percent(test['top1'])}, "
        f"top-3 {percent(test['top3'])}"
    )
    stdout().print(
        f"Against Keras on {agreement['photos']} photos: the same first category on all, "
        f"probabilities at most {agreement['max_difference']:.1e} apart"
    )
    choice = bundle.info.metrics["precision"]
    stdout().print(f"Served in {choice['served']}: {choice['why']}", soft_wrap=True)
    stdout().print("A server that runs takes it within seconds; vitrina rollback goes back.")
    from vitrina.bundle import kept_bundles  # loads NumPy, which help and others do without

    kept = kept_bundles(bundle.folder.parent)
    if len(kept) > 1:
        older = sum(size for version, size in kept.items() if version != bundle.info.version)
        stdout().print(
            f"{len(kept) - 1} other bundles are kept, {older / 1e6:.0f} MB; folders in bundles/ "
            "that nobody will go back to may be deleted."
        )


def learn(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be learned from.")
    ] = False,
    shoppers: Annotated[
        bool, typer.Option(help="Count choices of shoppers that the merchant said nothing of.")
    ] = True,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Train the active model again with what shoppers and you said; serve it only if better."""
    learnt = open_shop(shop).learn(dry_run=dry_run, shoppers=shoppers)
    if as_json:
        print_json(learnt)
        return
    out = stdout()
    out.print(
        f"Photos of shoppers: {learnt.merchant} by your verdicts, {learnt.shoppers} by their own "
        f"choices. Suspected labels left out: {learnt.left_out}."
    )
    if learnt.ahead is None:
        out.print(
            "Nothing was trained." if dry_run else f"Nothing new: {learnt.before} is served still."
        )
        return
    low, high = learnt.ahead.interval
    out.print(
        f"{learnt.bundle} against {learnt.before} on photos that neither learned from: "
        f"{learnt.ahead.points:+.1f} points of top-1 (95 %: {low:+.1f} to {high:+.1f})."
    )
    if learnt.activated:
        out.print("It is served from now on; `vitrina rollback` goes back.")
    else:
        out.print(f"That is not beyond the noise: {learnt.before} is served still.")


def rollback(
    to: Annotated[
        str | None, typer.Option("--to", help="Go to this bundle instead.", metavar="VERSION")
    ] = None,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Serve the bundle again that was served before; each time goes one further back."""
    switched = open_shop(shop).rollback(to)
    if as_json:
        print_json(switched)
        return
    stdout().print(f"Served from now on: {switched.version}, before: {switched.before or 'none'}")
    if switched.embedded:
        stdout().print(f"{switched.embedded} photos of newer goods were embedded for it.")
    stdout().print("A server that runs takes it within seconds.")


def demo(
    source: Annotated[Path, typer.Argument(help="Folder of the demo shop's goods.")] = Path("demo"),
    shop: ShopOption = Path("build/demo-shop"),
    backbones: Annotated[
        str, typer.Option(help="Names, separated by commas; all: the named four.")
    ] = "all",
    serve: Annotated[bool, typer.Option(help="Serve the shop at the end.")] = True,
    port: PortOption = None,
    as_json: JsonOption = False,
) -> None:
    """Walk the demo shop from end to end: import, train, compare, publish, serve."""
    from vitrina.cli.comparison_tables import print_demo
    from vitrina.demo import run_demo
    from vitrina.shop import require_training

    require_training()
    wanted = named_backbones(backbones) or [""]
    result = run_demo(source, shop, wanted, terminal_progress(), to_be_served=serve, port=port)
    if as_json:
        print_json(result)
    else:
        print_demo(stdout(), result)
        stdout().print(f"Report: {shop / 'report' / 'index.html'}", soft_wrap=True)
    if serve:
        opened = Shop.open(shop)
        name = opened.folder.settings.name
        opened.serve(port=port, on_ready=lambda address: announce(name, address, browse=True))
