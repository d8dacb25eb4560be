"""What `vitrina bench decisions` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitrina.cli.output import percent, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from vitrina.bench.decisions import DecisionsBenchmark

_SAID = {
    "filled": "known photos that fill the box",
    "wrong_fills": "wrong among those",
    "called_unknown": "known photos called unknown",
    "unseen_unfilled": "held-out photos that do not fill it",
    "unseen_unknown": "held-out photos called unknown",
    "mixed_wrong_fills": "wrong among filled, with held-out ones",
    "drawn_unfilled": "drawn no-goods that do not fill it",
    "drawn_unknown": "drawn no-goods called unknown",
    "calibration_error": "calibration error",
    "top1": "top-1, calibrated",
    "network_top1": "top-1, network alone",
}


def print_decisions(console: Console, result: DecisionsBenchmark) -> None:
    """Mean and spread of each share, then the choices."""
    learned = f"{result.unfrozen_layers} layers and the head" if result.unfrozen_layers else "head"
    console.print(
        f"{result.backbone}, {learned}; accepted: {percent(result.risk.wrong_fills)} wrong among "
        f"filled, if {percent(result.risk.unsold_photos)} of photos show what is not sold"
    )
    print_table(
        console,
        ("over all choices", "mean", "lowest", "highest"),
        [
            (said, percent(result.mean[name]), *(percent(end) for end in result.spread[name]))
            for name, said in _SAID.items()
        ],
    )
    print_table(
        console,
        ("choice", "fill", "wrong", "not filled", "error", "held out"),
        [
            (
                number,
                percent(one.filled),
                percent(one.wrong_fills),
                percent(one.unseen_unfilled),
                percent(one.calibration_error),
                ", ".join(one.held_out),
            )
            for number, one in enumerate(result.choices, start=1)
        ],
    )
