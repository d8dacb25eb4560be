"""What compare, tune and bench print for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vitrina.cli.output import percent, print_table
from vitrina.evaluation.candidate import Candidate, OfflineRecord, OnlineRecord, TrialRecord
from vitrina.evaluation.comparison import Comparison, Lead, Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from vitrina.bench.training import TrainingBenchmark
    from vitrina.demo import DemoResult

_UNITS = {"ram": "MB", "size": "MB", "latency": "ms", "cold_start": "ms"}


def print_trials(console: Console, trials: Sequence[TrialRecord]) -> None:
    """Every trial, the chosen one marked."""
    print_table(
        console,
        ("trial", "optimizer", "rate", "Dense", "dropout", "unfrozen", "top-1", "loss", "s", ""),
        [
            (
                trial.number,
                trial.values["optimizer"],
                f"{trial.values['head_rate']:.1e}",
                _dense(trial.values),
                f"{trial.values['dropout']:.2f}",
                trial.values["unfrozen_layers"],
                "-" if trial.top1 is None else percent(trial.top1),
                "-" if trial.loss is None else f"{trial.loss:.3f}",
                f"{trial.seconds:.0f}",
                "chosen" if trial.chosen else trial.note,
            )
            for trial in trials
        ],
    )


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Both tables, the choice, and why each other lost."""
    shown = [(each.backbone, each.offline) for each in comparison.candidates]
    console.print("On test photos:", style="bold")
    print_table(
        console,
        ("backbone", "top-1", "95 %", "top-3", "loss", "F1", "phone"),
        [(name, *_accuracy_cells(record)) for name, record in shown],
    )
    console.print("One photo in ONNX Runtime:", style="bold")
    print_table(
        console,
        ("backbone", "MB", "M params", "CPU ms", "p50", "p95", "all, s"),
        [(name, *_cost_cells(record)) for name, record in shown],
    )
    console.print("In the running server:", style="bold")
    print_table(
        console,
        ("backbone", "inference ms", "request ms", "cold start ms", "RAM MB", "CPU %", "MB"),
        [
            row
            for each in comparison.candidates
            for row in _online_rows(each)
        ],
    )  # fmt: skip
    for each in comparison.candidates:
        if each.keras and each.online:
            console.print(_ratios(each.backbone, each.keras, each.online), highlight=False)
    for line in choice_lines(comparison):
        console.print(line, highlight=False, soft_wrap=True)


def print_demo(console: Console, result: DemoResult) -> None:
    """The comparison, and what the published model makes of phone photos."""
    print_comparison(console, result.comparison)
    for backbone, figures in result.phone.items():
        mark = " (published)" if backbone == result.comparison.choice.best else ""
        console.print(
            f"{backbone}{mark} on {figures.photos} phone photos: top-1 {percent(figures.top1)}, "
            f"top-3 {percent(figures.top3)}",
            highlight=False,
        )


def choice_lines(comparison: Comparison) -> list[str]:
    """The choice in words, one line a model."""
    choice = comparison.choice
    if choice.best:
        lines = [f"Best inside the budget: {choice.best}"]
    elif choice.nearest:
        lines = [f"No model is inside the budget; the nearest is {choice.nearest}"]
    else:
        lines = ["No model could be measured"]
    return lines + [
        _verdict_line(verdict, comparison.candidate(verdict.backbone))
        for verdict in choice.verdicts
        if verdict.outcome != "chosen"
    ]


def print_training_benchmark(console: Console, result: TrainingBenchmark) -> None:
    """Seconds of both ways, and how they compare."""
    print_table(
        console,
        ("stage", "plain loop s", "Vitrina s"),
        [
            (name, f"{result.plain_seconds.get(name, 0):.0f}", f"{seconds:.0f}")
            for name, seconds in result.own_seconds.items()
        ]
        + [("all", f"{result.plain_total:.0f}", f"{result.own_total:.0f}")],
    )
    console.print(f"{result.backbone}: {result.ratio:.1f} times faster. {result.conditions}")
    console.print(
        f"Peak memory: {result.plain_peak_mb:.0f} MB against {result.own_peak_mb:.0f} MB. "
        f"Top-1 on {result.test_photos} test photos: "
        + ("not run in full" if result.plain_top1 is None else percent(result.plain_top1))
        + f" against {percent(result.own_top1)}."
    )


def _accuracy_cells(record: OfflineRecord | None) -> tuple[Any, ...]:
    if record is None:
        return ("-",) * 6
    low, high = record.test.top1_interval
    return (
        percent(record.test.top1),
        f"{100 * low:.1f}-{100 * high:.1f}",
        percent(record.test.top3),
        f"{record.test.loss:.3f}",
        percent(record.test.macro_f1),
        percent(record.phone.top1),
    )


def _cost_cells(record: OfflineRecord | None) -> tuple[Any, ...]:
    if record is None:
        return ("-",) * 6
    return (
        f"{record.size_mb:.1f}",
        f"{record.parameters_m:.2f}",
        f"{record.cpu_ms:.1f}",
        f"{record.cpu_ms_p50:.1f}",
        f"{record.cpu_ms_p95:.1f}",
        f"{record.evaluation_s:.0f}",
    )


def _online_rows(candidate: Candidate) -> list[tuple[Any, ...]]:
    name = candidate.backbone
    rows = [(name, candidate.online), (f"{name}, Keras", candidate.keras)]
    if candidate.online is None:
        return [(name, *("-",) * 6)]
    return [
        (
            shown,
            f"{record.inference_time_ms.median:.1f}",
            f"{record.request_ms.median:.1f}",
            f"{record.cold_start_ms.median:.0f}",
            f"{record.ram_usage_mb.median:.0f}",
            f"{record.cpu_percent.median:.0f}",
            f"{record.model_size_mb:.1f}",
        )
        for shown, record in rows
        if record is not None
    ]


def _ratios(backbone: str, theirs: OnlineRecord, ours: OnlineRecord) -> str:
    inference = theirs.inference_time_ms.median / ours.inference_time_ms.median
    start = theirs.cold_start_ms.median / ours.cold_start_ms.median
    memory = theirs.ram_usage_mb.median / ours.ram_usage_mb.median
    return (
        f"{backbone} against Keras in the web process: inference {inference:.1f} times faster, "
        f"start {start:.1f} times shorter, memory {memory:.1f} times smaller."
    )


def _verdict_line(verdict: Verdict, candidate: Candidate) -> str:
    name = verdict.backbone
    if verdict.outcome == "failed":
        return f"- {name}: no figures. {candidate.failed}"
    if verdict.outcome == "over_budget":
        over = ", ".join(
            f"{each.limit} {each.measured:.0f} {_UNITS[each.limit]} of {each.allowed:.0f} allowed"
            for each in verdict.excess
        )
        return f"- {name}: over the budget ({over}); {_lead_words(verdict.lead)}"
    if verdict.outcome == "costlier":
        return f"- {name}: as accurate, but costlier"
    return f"- {name}: {_lead_words(verdict.lead)}"


def _lead_words(lead: Lead | None) -> str:
    if lead is None:
        return "not compared"
    low, high = lead.interval
    sure = "beyond" if lead.beyond_noise else "within"
    than = "less" if lead.points >= 0 else "more"
    return (
        f"{abs(lead.points):.1f} points {than} accurate, {sure} the noise "
        f"(95 %: {low:+.1f} to {high:+.1f})"
    )


def _dense(values: dict[str, Any]) -> str:
    units = [values["units_1"], values["units_2"]][: values["dense_layers"]]
    return "+".join(map(str, units)) or "-"
