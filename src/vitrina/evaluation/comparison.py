"""report/comparison.json: a whole comparison, from which report and CSV are made again at will."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from vitrina import atomic
from vitrina.errors import EvaluationError
from vitrina.evaluation.candidate import Candidate
from vitrina.machine import Machine
from vitrina.notices import Notice

Limit = Literal["ram", "latency", "cold_start", "size"]


def _unmeasured(value: Any) -> Any:
    return float("nan") if value is None else value  # JSON has no NaN: it is written as null


Measured = Annotated[float, BeforeValidator(_unmeasured)]


def _with_code(notice: Any) -> Any:
    return Notice.from_json(notice) if isinstance(notice, str) else notice  # older versions'


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a shop's server has for one model; None is no limit.

    Attributes:
        ram: Peak memory of the server, megabytes (10^6 bytes).
        latency: A whole answer to a photo, median, milliseconds.
        cold_start: Process start to first answer, milliseconds.
        size: Everything deployed, megabytes.
        cores: Processor cores that the server may use; figures are measured on so many.
    """

    ram: float | None = None
    latency: float | None = None
    cold_start: float | None = None
    size: float | None = None
    cores: int | None = None


@dataclass(frozen=True, kw_only=True)
class Excess:
    """A limit of the budget that a model is over.

    Attributes:
        limit: Which.
        measured: In the budget's unit; NaN where it was not measured, which counts as over.
        allowed: Likewise.
    """

    limit: Limit
    measured: Measured
    allowed: float


@dataclass(frozen=True, kw_only=True)
class Lead:
    """How far the best model is ahead of another on the same test photos.

    Attributes:
        points: Difference of top-1, percentage points; negative where the other is better (it may
            be over the budget).
        interval: 95 % interval of it, from a paired bootstrap.
        beyond_noise: Whether the interval leaves out 0.
    """

    points: float
    interval: tuple[float, float]
    beyond_noise: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Why one model won or lost.

    Attributes:
        backbone: Which.
        outcome: "chosen"; "less_accurate" inside the budget; "over_budget"; "failed": no figures;
            "costlier": as accurate on every set to the last photo, but slower or larger.
        excess: The limits that it is over.
        lead: Of the chosen model (of the nearest, where none is inside the budget) over this one;
            None for that model itself and where there are no figures.
        on_the_edge: No other model is at least as good in accuracy and every cost (Pareto).
    """

    backbone: str
    outcome: Literal["chosen", "less_accurate", "over_budget", "failed", "costlier"]
    excess: tuple[Excess, ...] = ()
    lead: Lead | None = None
    on_the_edge: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which model to run.

    Attributes:
        best: Backbone of the best model inside the budget; None where none is inside.
        nearest: Where none is inside: the one that is over its limits by the least.
        verdicts: One a candidate, in their order.
    """

    best: str | None
    nearest: str | None
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, kw_only=True)
class Category:
    """A category as the report shows it.

    Attributes:
        slug: Its name in figures.
        name: In the shop's language.
        name_en: In English, where the shop has it.
        train: Photos that were learned from.
        test: Photos that were kept away.
    """

    slug: str
    name: str
    name_en: str | None
    train: int
    test: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that a report says.

    Attributes:
        shop: Its name.
        language: The shop's.
        created: UTC, ISO 8601.
        fingerprint: Of the dataset, the same for all candidates.
        seed: Of split, views and first weights.
        budget: What was allowed.
        candidates: In the order asked for.
        choice: Which one to run.
        categories: Of the dataset, sorted by slug.
        files: Where the test photos lie, relative to the shop's folder, by SHA-256.
        notices: What was left out of the dataset, for people.
        machine: That ran it.
        versions: Of Vitrina and the libraries that decide the result.
        command: What makes these figures again.
    """

    shop: str
    language: Literal["ru", "en"]
    created: str
    fingerprint: str
    seed: int
    budget: Budget
    candidates: tuple[Candidate, ...]
    choice: Choice
    categories: tuple[Category, ...]
    files: dict[str, str]
    notices: tuple[Annotated[Notice, BeforeValidator(_with_code)], ...] = ()
    machine: Machine
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""

    def candidate(self, backbone: str) -> Candidate:
        """The candidate of that name, which must be one of these."""
        return next(each for each in self.candidates if each.backbone == backbone)

    def write(self, path: Path) -> None:
        """Puts comparison.json at `path`."""
        atomic.write_bytes(path, TypeAdapter(Comparison).dump_json(self, indent=1) + b"\n")

    @classmethod
    def read(cls, path: Path) -> Comparison:
        """Reads comparison.json back.

        Raises:
            EvaluationError: there is none, or it cannot be read.
        """
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise EvaluationError(
                "Nothing has been compared yet.", hint="`vitrina compare` does that."
            ) from error
        except (OSError, ValidationError) as error:
            raise EvaluationError(
                f"{path} cannot be read: {str(error).splitlines()[0]}.",
                hint="Run `vitrina compare` again: what was measured is used again.",
            ) from error
