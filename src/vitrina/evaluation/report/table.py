"""comparison.csv: one row a candidate, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from vitrina import atomic
from vitrina.evaluation.candidate import Candidate
from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.report.measures import OFFLINE, ONLINE, Reading

_FORMULA = ("=", "+", "-", "@")
_WITH_INTERVAL = ("top1", "top3", "phone_top1", "phone_top3")
_WITHOUT_SPREAD = ("model_size_mb",)

Cell = str | float | int | None


def write_csv(comparison: Comparison, path: Path) -> None:
    """Puts comparison.csv at `path`.

    Column names are stable; shares are 0 to 1 with a decimal point; a figure that there is not is
    an empty cell. UTF-8 with a byte order mark, by which spreadsheets know it.
    """
    stages = list(dict.fromkeys(stage for each in comparison.candidates for stage in each.seconds))
    outcomes = {each.backbone: each.outcome for each in comparison.choice.verdicts}
    rows = [
        _row(candidate, outcomes.get(candidate.backbone, ""), stages)
        for candidate in comparison.candidates
    ]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(csv_columns(stages))
    writer.writerows([_safe(cell) for cell in row.values()] for row in rows)
    atomic.write_bytes(path, file.getvalue().encode("utf-8-sig"))


def csv_columns(stages: Sequence[str] = ()) -> list[str]:
    """Names of the columns, in their order.

    Args:
        stages: Whose seconds have a column each.
    """
    empty = Candidate(backbone="", title="")
    return [_safe(name) for name in _row(empty, "", stages)]


def _row(candidate: Candidate, outcome: str, stages: Sequence[str]) -> dict[str, Cell]:
    offline, online, keras = candidate.offline, candidate.online, candidate.keras
    row: dict[str, Cell] = {
        "backbone": candidate.backbone,
        "title": candidate.title,
        "outcome": outcome,
        "failed": candidate.failed,
        "test_photos": offline.test.photos if offline else None,
    }
    for measure in OFFLINE:
        reading = measure.read(offline) if offline else None
        row |= _cells(measure.name, reading, measure.name in _WITH_INTERVAL)
    row["offline_threads"] = offline.threads if offline else None
    for prefix, record in (("", online), ("keras_", keras)):
        for online_measure in ONLINE:
            reading = online_measure.read(record) if record else None
            name = online_measure.name
            row |= _cells(prefix + name, reading, name not in _WITHOUT_SPREAD)
        row[f"{prefix}online_threads"] = record.threads if record else None
        row[f"{prefix}online_cores"] = record.cores if record else None
    row |= {
        "trials": len(candidate.trials),
        "run": candidate.run,
        "bundle": candidate.bundle,
        "weights": candidate.weights,
    }
    return row | {f"seconds_{stage}": candidate.seconds.get(stage) for stage in stages}


def _cells(name: str, reading: Reading | None, interval: bool) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: reading.value if reading else None}
    if interval:
        cells[f"{name}_low"] = reading.low if reading else None
        cells[f"{name}_high"] = reading.high if reading else None
    return cells


def _safe(cell: Cell) -> str:
    """The cell as text; what a spreadsheet would take for a formula begins with an apostrophe."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell
    return repr(float(cell)) if isinstance(cell, float) else str(cell)  # no NumPy types
