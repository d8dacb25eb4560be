"""A training run on the disk: `runs/<id>/` with run.json, the network, history and curves."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vitrina import atomic
from vitrina.errors import TrainingError
from vitrina.progress import SILENT, Progress


@dataclass(frozen=True, kw_only=True)
class Run:
    """What run.json says: everything that the run's figures can be traced to.

    Attributes:
        id: Name of the folder.
        created: When it ended, UTC, ISO 8601.
        backbone: Name in the registry.
        weights: Where the ImageNet weights came from.
        plan: The recipe, every field of it.
        fingerprint: Of the dataset.
        categories: Slugs in the order of the network's outputs.
        embedding_size: Length of the embedding.
        validation: Figures on the photos that were watched.
        test: Figures on the photos that were kept away.
        seconds: Duration of each part of the work; what an earlier run had computed costs nothing.
        versions: Of Vitrina and the libraries that decide the result.
        machine: Processor and threads.
        parameters: Numbers that the deployed network holds.
        asked: What was asked for, before tuning changed the plan.
        trials: All of tuning.
    """

    id: str
    created: str
    backbone: str
    weights: dict[str, Any]
    plan: dict[str, Any]
    fingerprint: str
    categories: tuple[str, ...]
    embedding_size: int
    validation: dict[str, float]
    test: dict[str, float]
    seconds: dict[str, float]
    versions: dict[str, str]
    machine: dict[str, Any]
    parameters: int = 0
    asked: dict[str, Any] = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Puts run.json into the run's folder."""
        atomic.write_json(folder / "run.json", asdict(self))


def read_run(folder: Path) -> Run:
    """Reads a run back.

    Raises:
        TrainingError: there is no such run, or its run.json cannot be read.
    """
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        content.pop("fill_threshold", None)  # runs of 0.1 have it; bundles know better now
        return Run(**{**content, "categories": tuple(content["categories"])})
    except FileNotFoundError as error:
        raise TrainingError(
            f"There is no run {folder.name}.", hint="`vitrina train` makes one."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{folder / 'run.json'} cannot be read: {error}.", hint="Run `vitrina train` again."
        ) from error


def list_runs(runs: Path, progress: Progress = SILENT) -> list[Run]:
    """All finished runs, the oldest first; what is no run of ours is passed over and told."""
    found = []
    for folder in sorted(path.parent for path in runs.glob("[!.]*/run.json")):
        try:
            run = read_run(folder)
        except (TrainingError, OSError) as error:
            progress.say(f"The run {folder.name} is passed over: {error}")
            continue
        if run.id != folder.name or not isinstance(run.created, str):
            progress.say(f"The run {folder.name} is passed over: its run.json is not its own.")
            continue
        found.append(run)
    return sorted(found, key=lambda run: run.created)


def read_history(folder: Path) -> tuple[dict[str, float], ...]:
    """history.csv of a run, one entry an epoch; none where it cannot be read."""
    try:
        with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
            return tuple(
                {name: float(value) for name, value in row.items() if value}
                for row in csv.DictReader(file)
            )
    except (OSError, ValueError, TypeError):
        return ()
