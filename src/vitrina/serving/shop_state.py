"""What a running server holds of its shop: settings, database, and the bundle that is served."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from vitrina.errors import BundleError
from vitrina.folder import ShopFolder
from vitrina.photos import HeavyDecoder, Limits
from vitrina.search.engine import PhotoSearch
from vitrina.search.loaded import LoadedBundle
from vitrina.serving.served_bundle import ServedBundle
from vitrina.serving.served_experiment import Turn
from vitrina.settings import Settings
from vitrina.store.reading import DatabaseReader, open_for_reading

if TYPE_CHECKING:
    from vitrina.search.text import TextSearch


@dataclass(frozen=True)
class ShopState:
    """Loaded once, before the first request.

    Attributes:
        folder: The shop.
        database: Which a server only reads.
        served: Search by photo, with the bundle that is active.
        heavy: Decodes shoppers' HEIC and AVIF photos, one at a time.
    """

    folder: ShopFolder
    database: DatabaseReader
    served: ServedBundle
    heavy: HeavyDecoder

    @cached_property
    def text(self) -> TextSearch:
        """Search by words; loaded when it is asked for, which a photo alone need not wait for."""
        from vitrina.search.text import TextSearch

        return TextSearch(self.database, self.folder.synonyms)

    @property
    def settings(self) -> Settings:
        """Of the shop."""
        return self.folder.settings

    @property
    def limits(self) -> Limits:
        """On shoppers' photos."""
        return self.settings.photo_limits

    @property
    def not_ready(self) -> BundleError | None:
        """Why there is nothing to serve; None where there is something, or it is not loaded yet."""
        status = self.served.status()
        return status.trouble if status.version is None and not status.is_cold else None

    def photo_search(self) -> PhotoSearch:
        """Search by photo, for one request: the next may get that of another bundle.

        Raises:
            BundleError: there is nothing to serve, and why.
        """
        return self.served.search()

    def photo_search_for(self, visitor: str | None) -> Turn:
        """The same for one visitor, who may take part in an experiment.

        Args:
            visitor: What the page calls its browser; None where it does not say.

        Raises:
            BundleError: there is nothing to serve, and why.
        """
        return self.served.search_for(visitor)


def load_shop(
    folder: ShopFolder,
    bundle: str | None = None,
    loading: Future[LoadedBundle] | None = None,
    *,
    heavy: HeavyDecoder | None = None,
    hosted_as: str | None = None,
) -> ShopState:
    """Opens the database and loads the active bundle; a missing one leaves text search.

    Args:
        folder: The shop.
        bundle: Version of another bundle to load instead, which must be there and whole.
        loading: That bundle, where somebody has begun to load it.
        heavy: Another decoder of HEIC and AVIF than one of the shop's own.
        hosted_as: What the shop is called among several in one server, where each bundle is loaded
            when `ServedBundle.warm` says so; None where the shop has the server to itself.

    Raises:
        ShopVersion: the database is missing or of another version.
        BundleError: the bundle that was named cannot be served.
    """
    database = open_for_reading(folder.database)
    served = ServedBundle(folder, database, version=bundle, loading=loading, hosted_as=hosted_as)
    if heavy is None:
        seconds = folder.settings.heic_seconds
        heavy = HeavyDecoder(seconds=seconds, wait_seconds=seconds)
    return ShopState(folder, database, served, heavy)
