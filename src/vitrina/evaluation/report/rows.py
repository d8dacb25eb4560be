"""Both tables of the study as the page shows them: a row a figure, a column a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vitrina.evaluation.candidate import Candidate
from vitrina.evaluation.report.measures import OFFLINE, ONLINE, Measure, Reading, Record
from vitrina.evaluation.report.numerals import Numerals, is_figure


@dataclass(frozen=True)
class Cell:
    """One figure of one model, written out.

    Attributes:
        value: The figure, or a dash.
        span: Its interval or spread; empty where there is none.
        best: No other model is better.
        study: The same figure the study's own way; empty where it was not measured.
        study_span: Likewise.
        ratio: How many times `value` that is; empty where it cannot be said.
    """

    value: str
    span: str = ""
    best: bool = False
    study: str = ""
    study_span: str = ""
    ratio: str = ""


@dataclass(frozen=True)
class Row:
    """One figure of all models.

    Attributes:
        name: What it is called, with its unit.
        meaning: One plain sentence.
        cells: One a model, in their order.
    """

    name: str
    meaning: str
    cells: tuple[Cell, ...]


def offline_rows(
    candidates: Sequence[Candidate], words: Mapping[str, str], numerals: Numerals
) -> list[Row]:
    """What was measured on test photos."""
    return _rows(candidates, OFFLINE, lambda each: (each.offline, None), words, numerals)


def online_rows(
    candidates: Sequence[Candidate], words: Mapping[str, str], numerals: Numerals
) -> list[Row]:
    """What was measured in a server, with the study's own way beside it."""
    return _rows(candidates, ONLINE, lambda each: (each.online, each.keras), words, numerals)


def _rows(
    candidates: Sequence[Candidate],
    measures: Sequence[Measure[Record]],
    records_of: Callable[[Candidate], tuple[Record | None, Record | None]],
    words: Mapping[str, str],
    numerals: Numerals,
) -> list[Row]:
    rows = []
    for measure in measures:
        pairs = [
            tuple(measure.read(record) if record is not None else None for record in records)
            for records in map(records_of, candidates)
        ]
        values = [own.value for own, _ in pairs if own and is_figure(own.value)]
        best = (max if measure.better == "more" else min)(values) if len(values) > 1 else None
        cells = tuple(_cell(own, study, best, measure, words, numerals) for own, study in pairs)
        name, meaning = words[f"measure_{measure.name}"], words[f"meaning_{measure.name}"]
        rows.append(Row(name, meaning, cells))
    return rows


def _cell(
    own: Reading | None,
    study: Reading | None,
    best: float | None,
    measure: Measure[Record],
    words: Mapping[str, str],
    numerals: Numerals,
) -> Cell:
    def write(value: float | None) -> str:
        return numerals.percent(value) if measure.share else numerals.number(value)

    def span(reading: Reading | None) -> str:
        if reading is None or reading.low is None or reading.high is None:
            return ""
        if not (is_figure(reading.low) and is_figure(reading.high)):
            return ""
        low = numerals.number(100 * reading.low, 1) if measure.share else write(reading.low)
        return words["range"].format(low=low, high=write(reading.high))

    value = own.value if own else None
    ratio = study.value / value if study and value and is_figure(study.value / value) else None
    return Cell(
        value=write(value),
        span=span(own),
        best=best is not None and value == best,
        study=write(study.value) if study else "",
        study_span=span(study),
        ratio=numerals.times(ratio) if ratio is not None else "",
    )
