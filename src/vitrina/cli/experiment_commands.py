"""Commands about A/B in the shop: two bundles share the visitors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vitrina.cli.app import HERE, JsonOption, ShopOption, terminal_progress
from vitrina.cli.output import print_json, print_table, stdout
from vitrina.errors import NoExperiment
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
    "another_bundle": "over: another bundle was activated",
}


@ab.command()
def start(
    bundle: Annotated[str, typer.Argument(help="Version that is compared with the active one.")],
    share: Annotated[float, typer.Option(help="Of the visitors that it answers.")] = 0.5,
    criterion: Annotated[
        str, typer.Option(help="What visitors must do: click, cart or order.")
    ] = "click",
    shop: ShopOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Let another bundle answer a share of the visitors; running servers take it up."""
    from vitrina.search.going_live import start_experiment

    began = start_experiment(
        ShopFolder.find(shop),
        bundle,
        share=share,
        criterion=criterion,  # type: ignore[arg-type]  # looked at there
        progress=terminal_progress(),
    )
    if as_json:
        print_json(began)
        return
    stdout().print(
        f"{began.second} answers {began.share:.0%} of the visitors, {began.first} the others. "
        "See `vitrina ab status`."
    )


@ab.command()
def status(shop: ShopOption = HERE, as_json: JsonOption = False) -> None:
    """Show both bundles side by side; may be looked at every day."""
    outcome = _outcome(ShopFolder.find(shop))
    if as_json:
        print_json(_as_json(outcome))
        return
    experiment, difference = outcome.experiment, outcome.difference
    first, second = outcome.first, outcome.second
    print_table(
        stdout(),
        ("", first.version, second.version),
        [(name, *(value(arm) for arm in (first, second))) for name, value in _ROWS.items()],
    )
    stdout().print(
        f"{ENDINGS[experiment.ending]}; {experiment.criterion}: {difference.estimate:+.1%} for "
        f"{second.version} (between {difference.low:+.1%} and {difference.high:+.1%})."
    )
    stdout().print(_conclusion(experiment, outcome))


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
    "answer, p50 and p95": lambda arm: (
        f"{arm.answer_ms[0]:.1f} and {arm.answer_ms[1]:.1f} ms" if arm.answer_ms else ""
    ),
}


def _conclusion(experiment: Experiment, outcome: Outcome) -> str:
    if outcome.decided == "second_better":
        return f"Visitors of {experiment.second} do better: vitrina rollback --to " + (
            experiment.second
        )
    if outcome.decided == "first_better":
        return f"Visitors of {experiment.first} do better: it stays."
    return "No difference is certain yet."


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome) | {"decided": outcome.decided}
