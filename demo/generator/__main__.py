"""Command line: draws the demo shop. Run from the repository root: ``python -m demo.generator``."""

from __future__ import annotations

import argparse
import csv
import random
import time
from pathlib import Path

from .catalogue import Entry, entries, write_catalogue
from .registry import CATEGORIES
from .work import Job, run

PHONE_PER_CATEGORY = 4

RETAKES = {"plugs-1": 1, "transformers-3": 1, "ceiling-lights-1": 1}
"""Phone photos of seed 1 on which nobody could tell the product: how often they are retaken."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.generator", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the shop's folder")
    parser.add_argument("--seed", type=int, default=1, help="decides every product and picture")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="CATEGORY",
        choices=[c.slug for c in CATEGORIES],
        help="slug; may be repeated",
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--force", action="store_true", help="draw pictures that exist again")
    parser.add_argument(
        "--part", choices=("all", "photos", "phone"), default="all", help="which pictures"
    )
    parser.add_argument("--contact-sheet", type=Path, help="write an overview picture here")
    return parser.parse_args()


def _photo_jobs(listed: list[Entry], out: Path, seed: int) -> list[Job]:
    return [Job(seed, e.product.sku, -1, out / e.image) for e in listed]


def _phone_jobs(listed: list[Entry], out: Path, seed: int) -> list[tuple[Entry, Job]]:
    found = []
    for category in CATEGORIES:
        own = [e for e in listed if e.category == category]
        rng = random.Random(f"{seed}/phone/{category.slug}")
        for number, entry in enumerate(rng.sample(own, min(len(own), PHONE_PER_CATEGORY))):
            name = f"{category.slug}-{number + 1}"
            shot = number + 1000 * RETAKES.get(name, 0)
            path = out / "phone" / f"{name}.jpg"
            found.append((entry, Job(seed, entry.product.sku, shot, path)))
    return found


def main() -> None:
    """Draws what is missing and writes the tables."""
    options = _options()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    everything = entries(options.seed)
    listed = entries(options.seed, tuple(options.only))
    phone = [] if options.part == "photos" else _phone_jobs(listed, out, options.seed)
    photos = [] if options.part == "phone" else _photo_jobs(listed, out, options.seed)
    jobs = photos + [job for _, job in phone]
    run(jobs, options.seed, options.jobs, options.force, print)
    write_catalogue(out / "catalogue.csv", everything)
    if options.part != "photos":
        with (out / "phone" / "phone.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("file", "sku", "category_en"))
            for entry, job in _phone_jobs(everything, out, options.seed):
                writer.writerow((job.path.name, entry.product.sku, entry.category.name_en))
    if options.contact_sheet:
        from .contact_sheet import contact_sheet

        contact_sheet(out, everything, options.contact_sheet)
    print(f"done in {(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
