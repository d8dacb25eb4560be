"""The demo shop, walked from end to end: import, train, compare, publish, measure."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vitrina import atomic
from vitrina.bundle import Bundle
from vitrina.encoder import Encoder
from vitrina.errors import FeedError, ShopExists
from vitrina.evaluation.metrics import Labels
from vitrina.evaluation.offline import OfflineFigures, score
from vitrina.photos import decode
from vitrina.progress import Progress
from vitrina.shop import Shop
from vitrina.store.database import open_database
from vitrina.store.products import list_photos
from vitrina.training.backbones import describe_backbone

SHOP_NAME = "Электротовары"
MARK = ".demo"
"""File in a shop's folder that says that the demo made it."""


@dataclass(frozen=True)
class Candidate:
    """One backbone, trained and measured on the demo shop.

    Attributes:
        backbone: Its name.
        version: Of its bundle.
        held_out: Figures on products that training never saw.
        phone: Figures on phone photos, never trained on either.
        size_mb: All that is deployed, megabytes.
        photo_ms: One photo through decoder and network, median, milliseconds.
        minutes: Training, activations included.
        published: Whether it is the one that is served.
    """

    backbone: str
    version: str
    held_out: OfflineFigures
    phone: OfflineFigures
    size_mb: float
    photo_ms: float
    minutes: float
    published: bool = False


def run_demo(
    source: Path,
    shop_folder: Path,
    backbones: Sequence[str],
    progress: Progress,
    *,
    to_be_served: bool = False,
    port: int | None = None,
) -> list[Candidate]:
    """Makes or brings up to date the demo shop, and publishes the best of the backbones.

    Best is the one with the highest top-1 on held-out products; among equals on phone photos,
    then the smallest. Whatever can be refused is refused before anything is trained.

    Args:
        source: Folder with catalogue.csv and phone/phone.csv.
        shop_folder: Where the shop is made; an existing one is used again with what it computed.
        backbones: At least one name of the registry.
        progress: Where the work reports to.
        to_be_served: Whether the caller means to serve the shop afterwards.
        port: Port that it will be served on; the shop's setting where None.

    Returns:
        One entry a backbone, the published one first.

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
        describe_backbone(name)
    shop = _demo_shop(shop_folder, progress)
    if to_be_served:
        shop.require_port(port)
    shop.import_catalogue(catalogue)
    candidates = []
    bundles = {}
    for backbone in names:
        progress.say(f"— {backbone}")
        run = shop.train(backbone)
        bundle = shop.publish(run.id, activate=False)
        bundles[bundle.info.version] = bundle
        minutes = sum(run.seconds.values()) / 60
        candidates.append(_measure(shop, bundle, phone, minutes, progress))
    candidates.sort(key=lambda c: (-c.held_out.top1, -c.phone.top1, c.size_mb))
    best = candidates[0]
    shop.activate(bundles[best.version])
    return [replace(best, published=True), *candidates[1:]]


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


def _measure(
    shop: Shop, bundle: Bundle, phone: Path, minutes: float, progress: Progress
) -> Candidate:
    encoder = Encoder(bundle.model, threads=shop.folder.settings.threads)
    contents, labels = _read_phone_photos(shop, bundle, phone)
    probabilities, milliseconds = [], []
    for content in progress.track(contents, "Measuring on phone photos", len(contents)):
        start = time.perf_counter()
        probabilities.append(encoder.encode(decode(content)).probabilities)
        milliseconds.append((time.perf_counter() - start) * 1e3)
    return Candidate(
        backbone=bundle.info.backbone,
        version=bundle.info.version,
        held_out=OfflineFigures(**bundle.info.metrics["test"]),
        phone=score(np.stack(probabilities), labels),
        size_mb=round(bundle.size_bytes / 1e6, 1),
        photo_ms=round(float(np.median(milliseconds)), 1),
        minutes=round(minutes, 1),
    )


def _read_phone_photos(shop: Shop, bundle: Bundle, phone: Path) -> tuple[list[bytes], Labels]:
    """The phone photos' bytes and the index of their category, by the product they show."""
    with open_database(shop.folder.database)() as session:
        slugs = {product.sku: category.slug for _, product, category in list_photos(session)}
    with phone.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    index = {slug: number for number, slug in enumerate(bundle.info.categories)}
    labels = np.array([index[slugs[row["sku"]]] for row in rows], dtype=np.int64)
    return [(phone.parent / row["file"]).read_bytes() for row in rows], labels
