"""An import with all that lies elsewhere: the feed itself, and the pictures that it names."""

from __future__ import annotations

from pathlib import Path

from vitrina.catalogue.importer import ImportReport, import_catalogue
from vitrina.catalogue.past_imports import shop_has
from vitrina.catalogue.rows import is_address
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress
from vitrina.store.database import open_database


def import_and_fetch(
    folder: ShopFolder,
    source: str | Path,
    *,
    split_file: Path | None = None,
    refresh: bool = False,
    progress: Progress = SILENT,
) -> ImportReport:
    """Brings a catalogue into the shop and fetches its pictures.

    The goods are in the shop before the first picture is asked for, and stay there whatever becomes
    of the pictures.

    Args:
        folder: The shop.
        source: A folder, a file, or the address of a feed, which is fetched first.
        split_file: As in `import_catalogue`.
        refresh: As in `fetching.fetch_photos`.
        progress: Where the work reports to.

    Raises:
        FeedError: the feed cannot be fetched, or as `import_catalogue`; nothing was changed.
        ShopError: as `import_catalogue`, or as `fetching.fetch_photos`.
        ShopBusy: another process is changing the shop.
    """
    if is_address(str(source)):
        name = str(source)
        path = _fetch_feed(folder, name, progress)
        report = import_catalogue(folder, path, name=name, split_file=split_file, progress=progress)
        report.source = name
    else:
        report = import_catalogue(folder, Path(source), split_file=split_file, progress=progress)
        name = str(Path(source).resolve())
    # the network's libraries are loaded by shops that need them
    if report.addresses or refresh:
        from vitrina.catalogue.fetch.photos import fetch_photos

        report.fetched = fetch_photos(folder, progress=progress, refresh=refresh)
        with open_database(folder.database).reading() as connection:
            report.photos = shop_has(connection, name).photos
    return report


def _fetch_feed(folder: ShopFolder, address: str, progress: Progress) -> Path:
    from vitrina.catalogue.fetch.feed import feed_file, fetch_feed

    with writing(folder, "import", progress), progress.step("Fetching the feed", 1) as step:
        path = fetch_feed(
            address,
            feed_file(folder.imports, address),
            allow_private=folder.settings.fetch_from == "anywhere",
        )
        step.advance()
    return path
