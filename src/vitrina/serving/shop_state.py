"""What a running server holds of its shop: settings, database, and the bundle that is served."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.bundle import active_bundle, named_bundle
from vitrina.errors import BundleError, NoBundle
from vitrina.folder import ShopFolder
from vitrina.photos import Limits
from vitrina.search.engine import PhotoSearch
from vitrina.search.text import TextSearch
from vitrina.settings import Settings
from vitrina.store.database import Sessions, open_database


@dataclass(frozen=True)
class ShopState:
    """Loaded once, before the first request.

    Attributes:
        folder: The shop.
        sessions: Its database.
        text: Search by words.
        photo: Search by photo; None where there is nothing to serve.
        not_ready: Why there is nothing to serve.
    """

    folder: ShopFolder
    sessions: Sessions
    text: TextSearch
    photo: PhotoSearch | None
    not_ready: BundleError | None

    @property
    def settings(self) -> Settings:
        """Of the shop."""
        return self.folder.settings

    @property
    def limits(self) -> Limits:
        """On shoppers' photos."""
        return self.settings.photo_limits

    def photo_search(self) -> PhotoSearch:
        """Search by photo.

        Raises:
            BundleError: there is nothing to serve, and why.
        """
        if self.photo is None:
            raise self.not_ready or NoBundle("Nothing is published yet.")
        return self.photo


def load_shop(folder: ShopFolder, bundle: str | None = None) -> ShopState:
    """Opens the database and loads the active bundle; a missing one leaves text search.

    Args:
        folder: The shop.
        bundle: Version of another bundle to load instead, which must be there and whole.

    Raises:
        ShopVersion: the database is missing or of another version.
        BundleError: the bundle that was named cannot be served.
    """
    sessions = open_database(folder.database)
    threads = folder.settings.threads
    photo, not_ready = None, None
    if bundle is not None:
        photo = PhotoSearch(named_bundle(folder.bundles, bundle), sessions, threads=threads)
        return ShopState(folder, sessions, TextSearch(sessions), photo, None)
    try:
        photo = PhotoSearch(active_bundle(folder.bundles), sessions, threads=threads)
    except BundleError as error:
        not_ready = error
    return ShopState(folder, sessions, TextSearch(sessions), photo, not_ready)
