"""Wrong labels, verdicts and `vitrina learn`: how much of the lost accuracy comes back?

    python benchmarks/learn.py GOODS [--spoiled 0.1] [--verdicts 300] [--shop DIR]

Imports goods with a given split (folders and split.tsv), trains on them, spoils the category of a
tenth of the goods that are learned from, trains on those, lets `vitrina check` suggest what is
wrong, gives the true answers to its first suggestions as a merchant would, and runs `vitrina
learn`. The recipe is a head on one view of each photo: what is compared are labels, not recipes.
Photos to be tested on are never spoiled.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select, update

from vitrina import Shop
from vitrina.dataset import Dataset
from vitrina.store.categories import all_categories
from vitrina.store.database import open_database
from vitrina.store.schema import PRODUCTS

QUICK: dict[str, Any] = {"views": 1, "tail_epochs": 0, "unfrozen_layers": 0}


def spoil(shop: Shop, share: float, seed: int) -> dict[str, str]:
    """Puts some of the goods that are learned from into a wrong category.

    Returns:
        Slug of the true category of each of them, by article.
    """
    run = shop.runs()[-1]
    dataset = Dataset.read(shop.folder.runs / run.id / "dataset.json")
    held = {s.product for s in dataset.samples if s.split == "test"}
    own = {s.product: s.category for s in dataset.samples if s.product not in held}
    rng = np.random.default_rng(seed)
    names = sorted(own)
    chosen = rng.choice(len(names), round(share * len(names)), replace=False)
    with open_database(shop.folder.database).writing() as connection:
        ids = {one.slug: one.id for one in all_categories(connection)}
        for number in chosen:
            others = [slug for slug in dataset.categories if slug != own[names[number]]]
            wrong = ids[others[int(rng.integers(len(others)))]]
            connection.execute(
                update(PRODUCTS).where(PRODUCTS.c.sku == names[number]).values(category_id=wrong)
            )
    return {names[number]: own[names[number]] for number in chosen}


def give_verdicts(shop: Shop, truth: dict[str, str], most: int) -> tuple[int, int]:
    """Answers the check's first suggestions truly; how many labels were wrong, and right."""
    shop.check()
    table = shop.folder.root / "check" / "corrections.csv"
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with open_database(shop.folder.database).reading() as connection:
        categories = {one.slug: one.path for one in all_categories(connection)}
        skus = set(connection.scalars(select(PRODUCTS.c.sku)))
    answered: list[dict[str, str]] = []
    wrong = 0
    for row in rows:
        if len(answered) == most:
            break
        article = row["article"].lstrip("'")
        if article not in skus or not row["to category"]:
            continue
        if article in truth:
            row |= {"action": "move", "to category": categories[truth[article]]}
            wrong += 1
        else:
            row |= {"action": "keep", "to category": ""}
        answered.append(row)
    given = table.with_name("verdicts.csv")
    with given.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(answered)
    shop.apply_corrections(given)
    return wrong, len(answered) - wrong


def main() -> None:
    """Prints top-1 on the same photos: clean, spoiled, after verdicts alone, after learning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("goods", type=Path)
    parser.add_argument("--spoiled", type=float, default=0.1)
    parser.add_argument("--verdicts", type=int, default=300)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shop", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = given.shop or Path(scratch) / "shop"
        shop = Shop.create(place, name="Learning")
        shop.import_catalogue(given.goods)
        clean = shop.train(given.backbone, **QUICK)
        truth = spoil(shop, given.spoiled, given.seed)
        spoiled = shop.train(given.backbone, **QUICK)
        shop.publish()
        wrong, right = give_verdicts(shop, truth, given.verdicts)
        corrected = shop.train(given.backbone, **QUICK)
        learnt = shop.learn()
        learned = shop.runs()[-1]
    lost = clean.test["top1"] - spoiled.test["top1"]
    print(
        json.dumps(
            {
                "top1_clean": clean.test["top1"],
                "top1_spoiled": spoiled.test["top1"],
                "top1_verdicts_alone": corrected.test["top1"],
                "top1_learned": learned.test["top1"],
                "won_back": (learned.test["top1"] - spoiled.test["top1"]) / lost if lost else None,
                "spoiled": len(truth),
                "verdicts": {"wrong": wrong, "right": right},
                "learnt": asdict(learnt),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
