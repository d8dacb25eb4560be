"""Draws the pictures that are missing, shared between processes."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from .catalogue import Entry, entries

WEBP_QUALITY = 84


@dataclass(frozen=True)
class Job:
    """One picture to draw.

    Attributes:
        seed: Seed of the whole shop.
        sku: The product.
        number: Number of the phone picture, or -1 for the product picture.
        path: File to write.
        force: Whether to draw it even where the file exists.
    """

    seed: int
    sku: str
    number: int
    path: Path
    force: bool = False


_entries: dict[str, Entry] = {}


def _start(seed: int) -> None:
    from .render import one_thread

    one_thread()
    _entries.update({e.product.sku: e for e in entries(seed)})


def draw(job: Job) -> str:
    """Draws one picture and writes it; returns the file's name."""
    from .studio import View, photograph

    # Another run may share the work and have drawn it meanwhile.
    if job.path.exists() and not job.force:
        return job.path.name
    entry = _entries[job.sku]
    rng = random.Random(f"{job.seed}/{job.sku}/{job.number}")
    model = entry.category.draw(entry.product)
    job.path.parent.mkdir(parents=True, exist_ok=True)
    # Written under another name first, so that a run cut short leaves no half picture.
    part = job.path.with_suffix(f".{os.getpid()}")
    if job.number < 0:
        view = View(
            azimuth=rng.uniform(*entry.category.azimuth),
            elevation=rng.uniform(*entry.category.elevation),
            light=rng.uniform(-28, 28),
            key=rng.uniform(0.8, 1.3),
            fill=rng.uniform(0.80, 0.90),
            seed=rng.randrange(2**31),
        )
        photograph(model, view).save(part, "WEBP", quality=WEBP_QUALITY, method=6)
    else:
        from .phone import snap

        snap(model, entry.category.lies, rng).save(
            part, "JPEG", quality=rng.randrange(66, 80), optimize=True
        )
    part.replace(job.path)
    return job.path.name


def run(
    jobs: Sequence[Job], seed: int, processes: int, force: bool, say: Callable[[str], None]
) -> int:
    """Draws the jobs whose files are missing.

    Args:
        jobs: All pictures wanted.
        seed: Seed of the whole shop.
        processes: Processes to share the work between, each with one thread.
        force: Whether to draw pictures that exist again.
        say: Called with lines of progress.

    Returns:
        How many pictures were drawn.
    """
    todo = [replace(job, force=force) for job in jobs if force or not job.path.exists()]
    say(f"{len(todo)} of {len(jobs)} pictures to draw")
    began = time.monotonic()
    with ProcessPoolExecutor(processes, initializer=_start, initargs=(seed,)) as pool:
        for i, done in enumerate(as_completed([pool.submit(draw, job) for job in todo]), 1):
            name = done.result()
            spent = time.monotonic() - began
            left = spent / i * (len(todo) - i) / 60
            end = "\n" if i % 50 == 0 or i == len(todo) else ""
            sys.stderr.write(f"\r{i}/{len(todo)}  {left:.0f} min left  {name:<44}{end}")
    return len(todo)
