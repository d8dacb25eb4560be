"""What a running server holds of its shop: settings, database, and the bundle that is served."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.bundle import active_bundle
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


def load_shop(folder: ShopFolder) -> ShopState:
    """Opens the database and loads the active bundle; a missing one leaves text search.

    Raises:
        ShopVersion: the database is missing or of another version.
    """
    sessions = open_database(folder.database)
    photo, not_ready = None, None
    try:
        bundle = active_bundle(folder.bundles)
        photo = PhotoSearch(bundle, sessions, threads=folder.settings.threads)
    except BundleError as error:
        not_ready = error
    return ShopState(folder, sessions, TextSearch(sessions), photo, not_ready)
