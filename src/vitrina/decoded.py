"""The shop's photos, split and decoded: what everything that learns or measures begins with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vitrina.dataset import Dataset, build_dataset
from vitrina.errors import DatasetError
from vitrina.folder import ShopFolder
from vitrina.near_copies import near_copies
from vitrina.pixels import PhotoFile, PixelCache
from vitrina.progress import Progress
from vitrina.store.database import migrate
from vitrina.store.products import list_photos


@dataclass(frozen=True)
class DecodedPhotos:
    """A dataset and the goods, every photo of which has been decoded.

    Attributes:
        dataset: Who is in which split.
        goods: SHA-256 of every photo of the catalogue that can be read.
        pixels: The photos of both.
    """

    dataset: Dataset
    goods: tuple[str, ...]
    pixels: PixelCache


def decoded_dataset(
    folder: ShopFolder, seed: int, progress: Progress, *, given_split: bool = True
) -> DecodedPhotos:
    """The shop's photos, newly split and decoded; those that cannot be are left out.

    Args:
        folder: The shop.
        seed: Decides the split where the catalogue does not.
        progress: Where the work reports to.
        given_split: Whether a split that the catalogue gives is kept.

    Raises:
        DatasetError: too little to learn from or to test on.
    """
    pixels = PixelCache(folder.cache)
    with migrate(folder.database).reading() as connection:
        places = {
            photo.sha256: folder.photo(photo.sha256, photo.suffix)
            for photo in list_photos(connection)
        }
        # too little is told before anything is decoded
        build_dataset(connection, seed=seed, given_split=given_split)
        files = [PhotoFile(sha, path) for sha, path in places.items()]
        refused = _decode(folder, pixels, files, progress)
        goods = [sha for sha in places if sha not in refused]
        copies = near_copies(goods, pixels, folder.cache, progress=progress)
        dataset = build_dataset(
            connection, seed=seed, copies=copies.groups, given_split=given_split
        )
    for notice in dataset.notices:
        progress.say(notice.message)
    readable = dataset.without(refused)
    for notice in readable.notices:
        if notice not in dataset.notices:
            progress.say(notice.message)
    return DecodedPhotos(readable, tuple(goods), pixels)


def decoded_again(folder: ShopFolder, run: str, progress: Progress) -> DecodedPhotos:
    """The photos of a run and the goods of today, decoded; those that cannot be are left out.

    The run may have learned from photos that an import took out of the catalogue since, so one
    does not include the other.

    Args:
        folder: The shop.
        run: Id of the run.
        progress: Where the work reports to.

    Raises:
        DatasetError: none of the run's test photos, or of the goods', can be read.
    """
    dataset = Dataset.read(folder.runs / run / "dataset.json")
    with migrate(folder.database).reading() as connection:
        photos = {photo.sha256: photo.suffix for photo in list_photos(connection)}
    places = {s.sha256: folder.root / s.file for s in dataset.samples}
    places |= {sha: folder.photo(sha, suffix) for sha, suffix in photos.items()}
    pixels = PixelCache(folder.cache)
    files = [PhotoFile(sha, path) for sha, path in places.items()]
    refused = _decode(folder, pixels, files, progress)
    goods = tuple(sha for sha in photos if sha not in refused)
    if not goods:
        raise DatasetError(
            "None of the goods has a photo that can be read.",
            hint="Import the goods again; `vitrina check` lists what cannot be read.",
        )
    return DecodedPhotos(dataset.measured_without(refused), goods, pixels)


def _decode(
    folder: ShopFolder, pixels: PixelCache, files: Iterable[PhotoFile], progress: Progress
) -> set[str]:
    refused = pixels.add(files, limits=folder.settings.photo_limits, progress=progress)
    if refused:
        progress.say(
            f"{len(refused)} photos cannot be read and are left out; `vitrina check` lists them."
        )
    return set(refused)
