"""The demo shop, walked from end to end: import, train, compare, publish, measure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitrina import atomic
from vitrina.ahead import map_ahead
from vitrina.bundle import Bundle, named_bundle
from vitrina.encoder import Encoder
from vitrina.errors import FeedError, ShopExists
from vitrina.evaluation.comparison import Comparison
from vitrina.evaluation.metrics import Labels, Probabilities
from vitrina.evaluation.offline import OfflineFigures, score
from vitrina.machine import usable_cores
from vitrina.photos import decode
from vitrina.progress import Progress
from vitrina.shop import Shop
from vitrina.store.database import open_database
from vitrina.store.products import list_photos
from vitrina.training.loading import require_backbone

SHOP_NAME = "Электротовары"
MARK = ".demo"
"""File in a shop's folder that says that the demo made it."""


QUICK: dict[str, Any] = {
    "trials": 4,
    "training": {"views": 3, "tail_epochs": 8, "unfrozen_layers": 20},
    "requests": 100,
    "repeats": 2,
    "precision": "fp32",
}
"""Less than a shop's own comparison takes: four networks in minutes."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo showed.

    Attributes:
        comparison: Of the backbones, on products that they never saw.
        phone: Figures on the demo's own phone photos, by backbone.
    """

    comparison: Comparison
    phone: dict[str, OfflineFigures]


def run_demo(
    source: Path,
    shop_folder: Path,
    backbones: Sequence[str],
    progress: Progress,
    *,
    to_be_served: bool = False,
    port: int | None = None,
) -> DemoResult:
    """Makes or brings up to date the demo shop, compares backbones, and publishes the best.

    Whatever can be refused is refused before anything is trained.

    Args:
        source: Folder with catalogue.csv and phone/phone.csv.
        shop_folder: Where the shop is made; an existing one is used again with what it computed.
        backbones: At least one name of the registry.
        progress: Where the work reports to.
        to_be_served: Whether the caller means to serve the shop afterwards.
        port: Port that it will be served on; the shop's setting where None.

    Raises:
        FeedError: `source` is not the demo shop.
        SettingError: a backbone is unknown, or the port cannot be listened on.
        ShopExists: the folder is a shop that the demo did not make.
        VitrinaError: whatever a stage raises.
    """
    catalogue, phone = source / "catalogue.csv", source / "phone" / "phone.csv"
    if not (catalogue.is_file() and phone.is_file()):
        raise FeedError(
            f"{source} does not hold the demo shop: catalogue.csv and phone/phone.csv.",
            hint="Run it in a checkout of the project, where the folder demo/ is: make demo.",
        )
    names = list(dict.fromkeys(backbones))
    for name in names:
        require_backbone(name)
    shop = _demo_shop(shop_folder, progress)
    if to_be_served:
        shop.require_port(port)
    shop.import_catalogue(catalogue)
    comparison = shop.compare(names, **QUICK)
    figures = {}
    for candidate in comparison.candidates:
        if candidate.bundle:
            bundle = named_bundle(shop.folder.bundles, candidate.bundle)
            figures[candidate.backbone] = _on_phone_photos(shop, bundle, phone, progress)
    if comparison.choice.best:
        shop.activate(comparison.candidate(comparison.choice.best).bundle)
    return DemoResult(comparison, figures)


def _demo_shop(place: Path, progress: Progress) -> Shop:
    if (place / "shop.toml").exists():
        if not (place / MARK).exists():
            raise ShopExists(
                f"{place} is a shop that the demo did not make; the demo's goods would be mixed "
                "with its own.",
                hint="Choose another folder with --shop DIR (make demo DEMO_SHOP=DIR), or remove "
                "this one if nothing in it is needed.",
            )
        return Shop.open(place, progress=progress)
    # the mark first: a demo that is killed in between finds its folder again
    atomic.write_text(place / MARK, "Made by `vitrina demo`, which may change it.\n")
    return Shop.create(place, name=SHOP_NAME, progress=progress)


def _on_phone_photos(shop: Shop, bundle: Bundle, phone: Path, progress: Progress) -> OfflineFigures:
    # several photos at a time, which use the processor better than several threads on one
    encoder = Encoder(bundle.model, threads=1)
    contents, labels = _read_phone_photos(shop, bundle, phone)

    def ask(content: bytes) -> Probabilities:
        return encoder.encode(decode(content)).probabilities

    with ThreadPoolExecutor(usable_cores()) as pool:
        answers = map_ahead(pool, ask, contents)
        tracked = progress.track(answers, "Measuring on phone photos", len(contents))
        probabilities = list(tracked)
    return score(np.stack(probabilities), labels)


def _read_phone_photos(shop: Shop, bundle: Bundle, phone: Path) -> tuple[list[bytes], Labels]:
    """The phone photos' bytes and the index of their category, by the product they show."""
    with open_database(shop.folder.database).reading() as connection:
        slugs = {photo.sku: photo.category for photo in list_photos(connection)}
    with phone.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    index = {slug: number for number, slug in enumerate(bundle.info.categories)}
    labels = np.array([index[slugs[row["sku"]]] for row in rows], dtype=np.int64)
    return [(phone.parent / row["file"]).read_bytes() for row in rows], labels
