"""What commands print: tables for people, JSON for machines, errors with their hint.

Rich is imported where something is printed: `vitrina serve` starts without it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitrina.errors import VitrinaError

if TYPE_CHECKING:
    from rich.console import Console


def print_json(content: Any) -> None:
    """One JSON document on stdout; dataclasses and paths become what they look like."""
    print(json.dumps(content, ensure_ascii=False, indent=2, default=_plain))  # noqa: T201


def print_table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table; columns whose cells are all numbers stand to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        cells = [row[number] for row in rows]
        numeric = all(str(cell)[:1].isdigit() or cell in ("", "-") for cell in cells)
        right = bool(cells) and numeric
        table.add_column(
            column,
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right or number == 0,
        )
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)


def print_error(console: Console, error: VitrinaError) -> None:
    """What was wrong and what mends it, understandable without colour."""
    from rich.text import Text

    told = [("error:", "bold red", error.message), ("hint:", "bold", error.hint)]
    for label, style, sentence in told:
        if sentence:
            console.print(Text.assemble((label, style), " ", sentence), soft_wrap=True)


def percent(share: float) -> str:
    """0.9321 as "93.2 %"."""
    return f"{share:.1%}".replace("%", " %")


def stdout() -> Console:
    """Where results go."""
    from rich.console import Console

    return Console(markup=False)  # names of goods and folders may look like it


def stderr() -> Console:
    """Where everything else goes."""
    from rich.console import Console

    return Console(stderr=True, markup=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
