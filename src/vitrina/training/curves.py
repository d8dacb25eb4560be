"""The curves of a run as a picture: loss and accuracy of both phases, pass by pass."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_PANELS = (("loss", "Loss"), ("accuracy", "Top-1"))


def draw_curves(path: Path, passes: Sequence[dict[str, float]], title: str) -> None:
    """Puts a PNG at `path`; `passes` as `fit_phase` gives them, both phases one after the other."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    numbers = range(1, len(passes) + 1)
    second_phase = next((n for n, entry in enumerate(passes, 1) if entry["phase"] == 2), None)
    for axes, (name, label) in zip(figure.subplots(1, 2), _PANELS, strict=True):
        axes.plot(numbers, [entry.get(name) for entry in passes], label="training")
        watched = [entry.get(f"val_{name}") for entry in passes]
        if any(value is not None for value in watched):
            axes.plot(numbers, watched, label="validation")
        if second_phase is not None:
            axes.axvline(second_phase - 0.5, color="grey", linestyle=":", label="phase 2 begins")
        axes.set(xlabel="Pass", ylabel=label)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)
