"""Commands about A/B in the shop: two bundles share the visitors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, terminal_progress
from vitrina.cli.output import print_json, print_table, stdout
from vitrina.errors import BundleError, NoExperiment
from vitrina.folder import ShopFolder

if TYPE_CHECKING:
    from vitrina.experiment.definition import Experiment
    from vitrina.experiment.outcome import ArmFigures, Outcome

ab = typer.Typer(help="Compare two bundles on the shop's own visitors.", no_args_is_help=True)

ENDINGS = {
    None: "running",
    "stopped": "stopped by hand",
    "first_better": "ended: the active bundle is better",
    "second_better": "ended: the other bundle is better",
    "second_fails": "ended: the other bundle fails more often",
    "second_slower": "ended: the other bundle keeps more visitors waiting",
    "another_bundle": "over: another bundle was activated",
}


@ab.command()
def start(
    bundle: Annotated[str, typer.Argument(help="Version that is compared with the active one.")],
    share: Annotated[float, typer.Option(help="Of the visitors that it answers.")] = 0.5,
    criterion: Annotated[
        str, typer.Option(help="What visitors must do: click, cart or order.")
    ] = "click",
    slow_ms: Annotated[
        float, typer.Option(help="Milliseconds above which an answer is slow.", metavar="MS")
    ] = 1000.0,
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Let another bundle answer a share of the visitors; running servers take it up."""
    from vitrina.search.going_live import start_experiment

    folder = ShopFolder.find(shop)
    began = start_experiment(
        folder,
        bundle,
        share=share,
        criterion=criterion,  # type: ignore[arg-type]  # looked at there
        slow_ms=slow_ms,
        progress=terminal_progress(),
    )
    if as_json:
        print_json(began)
        return
    stdout().print(
        f"{began.second} answers {began.share:.0%} of the visitors, {began.first} the others. "
        f"Servers need some {_memory_mb(folder, began.second):.0f} MB more for both. "
        "See `vitrina ab status`."
    )


@ab.command()
def status(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Show both bundles side by side; may be looked at every day."""
    folder = ShopFolder.find(shop)
    outcome = _outcome(folder)
    if as_json:
        print_json(_as_json(outcome))
        return
    experiment, difference = outcome.experiment, outcome.difference
    first, second = outcome.first, outcome.second
    # names of bundles are long, and a terminal is narrow
    stdout().print(f"A: {first.version}, the active one\nB: {second.version}", soft_wrap=True)
    print_table(
        stdout(),
        ("", "A", "B"),
        [(name, *(value(arm) for arm in (first, second))) for name, value in _ROWS.items()],
    )
    known = f"between {difference.low:+.1%} and {difference.high:+.1%}"
    stdout().print(
        f"{ENDINGS[experiment.ending]}; {experiment.criterion}: B {difference.estimate:+.1%} "
        f"({known if difference.high < 1 else 'too few visitors yet to say more'})."
    )
    for line in _told(folder, outcome):
        stdout().print(line, soft_wrap=True)


@ab.command()
def stop(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Let the active bundle answer everybody again."""
    from vitrina.experiment.definition import end

    ended = end(ShopFolder.find(shop).bundles)
    if as_json:
        print_json(ended)
        return
    stdout().print(f"{ended.first} answers everybody.")


def _outcome(folder: ShopFolder) -> Outcome:
    from vitrina.experiment.definition import read_experiment
    from vitrina.experiment.outcome import outcome_of
    from vitrina.store.server_database import ServerDatabase

    experiment = read_experiment(folder.bundles)
    if experiment is None:
        raise NoExperiment(
            "No two bundles were ever compared in this shop.", hint="vitrina ab start BUNDLE"
        )
    with ServerDatabase(folder.server_database).reading() as connection:
        return outcome_of(connection, experiment)


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.1%})" if whole else str(part)


def _values(arm: ArmFigures) -> str:
    return ", ".join(f"{value / 100:.2f} {currency}" for currency, value in arm.values.items())


_ROWS: dict[str, Callable[[ArmFigures], str]] = {
    "visitors": lambda arm: str(arm.visitors),
    "of them won": lambda arm: _share(arm.won, arm.visitors),
    "clicked": lambda arm: _share(arm.visitors_with.get("click", 0), arm.visitors),
    "chose a chip": lambda arm: _share(arm.visitors_with.get("chip", 0), arm.visitors),
    "filled a cart": lambda arm: _share(arm.visitors_with.get("cart", 0), arm.visitors),
    "ordered": lambda arm: _share(arm.visitors_with.get("order", 0), arm.visitors),
    "value": _values,
    "photos": lambda arm: str(arm.searches),
    "box filled": lambda arm: _share(arm.filled, arm.searches),
    "not sure": lambda arm: _share(arm.unsure, arm.searches),
    "not sold": lambda arm: _share(arm.unknown, arm.searches),
    "answer, p50 and p95": lambda arm: _times(arm.answer_ms),
    "network, p50 and p95": lambda arm: _times(arm.infer_ms),
    "slow answers": lambda arm: _share(arm.slow, arm.searches),
    "failed": lambda arm: _share(arm.failed, arm.searches),
}


def _told(folder: ShopFolder, outcome: Outcome) -> Iterator[str]:
    """What follows from the figures, a line each."""
    experiment = outcome.experiment
    if experiment.is_running and not _is_there(folder, experiment.second):
        yield (
            f"{experiment.second} is not there any more or damaged: a server that starts now "
            f"answers everybody with {experiment.first}. Publish it again, or vitrina ab stop."
        )
    if outcome.is_lopsided:
        yield (
            f"{outcome.second.visitors} of {outcome.first.visitors + outcome.second.visitors} "
            f"visitors are not the share of {experiment.share:.0%} that was asked for: nothing is "
            "decided by what they did."
        )
    yield _conclusion(experiment, outcome)


def _conclusion(experiment: Experiment, outcome: Outcome) -> str:
    first, second = experiment.first, experiment.second
    match outcome.decided:
        case "second_better":
            return f"Visitors of {second} do better: vitrina rollback --to {second}"
        case "first_better":
            return f"Visitors of {first} do better: it stays."
        case "second_fails":
            return f"{second} fails more often than {first}: it stays."
        case "second_slower":
            return (
                f"{second} keeps more visitors waiting for over {experiment.slow_ms:g} ms than "
                f"{first}: it stays."
            )
    return "No difference is certain yet."


def _is_there(folder: ShopFolder, version: str) -> bool:
    from vitrina.bundle import named_bundle

    try:
        named_bundle(folder.bundles, version)
    except BundleError:
        return False
    return True


def _memory_mb(folder: ShopFolder, version: str) -> float:
    from vitrina.bundle import read_bundle
    from vitrina.encoder import memory_beside

    return memory_beside(read_bundle(folder.bundles / version, verify=False).model) / 1e6


def _times(found: tuple[float, float] | None) -> str:
    return f"{found[0]:.1f} and {found[1]:.1f} ms" if found else ""


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome) | {"decided": outcome.decided, "is_lopsided": outcome.is_lopsided}
