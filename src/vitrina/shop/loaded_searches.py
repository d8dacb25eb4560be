"""What answers a shop's questions in this process: loaded by the first one, kept for the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vitrina.folder import ShopFolder
    from vitrina.search.engine import PhotoSearch
    from vitrina.search.text import TextSearch


class LoadedSearches:
    """The searches of one shop; whoever changes what they read from says so here.

    Args:
        folder: The shop's paths.
    """

    def __init__(self, folder: ShopFolder) -> None:
        self._folder = folder
        self._photos: PhotoSearch | None = None
        self._text: TextSearch | None = None

    def photos(self) -> PhotoSearch:
        """By photo, through the active bundle.

        Raises:
            NoBundle: nothing is published yet.
        """
        if self._photos is None:
            from vitrina.serving.shop_state import load_shop

            state = load_shop(self._folder)
            self._photos, self._text = state.photo_search(), state.text
        return self._photos

    def text(self) -> TextSearch:
        """By words, for which nothing need be published."""
        if self._text is None:
            from vitrina.search.text import TextSearch
            from vitrina.store.database import open_database

            database = open_database(self._folder.database)
            self._text = TextSearch(database, self._folder.synonyms)
        return self._text

    def goods_changed(self) -> None:
        """The active bundle has embeddings of other goods."""
        if self._photos is not None:
            self._photos.refresh()

    def bundle_changed(self) -> None:
        """Another bundle is the active one."""
        self._photos = None
