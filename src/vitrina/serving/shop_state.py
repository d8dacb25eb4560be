"""What a running server holds of its shop: settings, database, and the bundle that is served."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from vitrina.errors import BundleError, NoBundle
from vitrina.folder import ShopFolder
from vitrina.photos import Limits
from vitrina.search.decision import AcceptedRisk
from vitrina.search.engine import PhotoSearch
from vitrina.search.loaded import LoadedBundle, load_bundle
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


def load_shop(
    folder: ShopFolder,
    bundle: str | None = None,
    loading: Future[LoadedBundle] | None = None,
) -> ShopState:
    """Opens the database and loads the active bundle; a missing one leaves text search.

    Args:
        folder: The shop.
        bundle: Version of another bundle to load instead, which must be there and whole.
        loading: That bundle, where somebody has begun to load it.

    Raises:
        ShopVersion: the database is missing or of another version.
        BundleError: the bundle that was named cannot be served.
    """
    sessions = open_database(folder.database)
    text = TextSearch(sessions, folder.synonyms)
    try:
        loaded = (
            loading.result()
            if loading
            else load_bundle(folder.bundles, bundle, threads=folder.settings.threads)
        )
    except BundleError as error:
        if bundle is not None:
            raise
        return ShopState(folder, sessions, text, None, error)
    photo = PhotoSearch(loaded, sessions, risk=AcceptedRisk.of(folder.settings))
    return ShopState(folder, sessions, text, photo, None)
