"""What a shop answers: to a photo, to words, and to whoever asks its server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitrina.shop.opened import OpenedShop

if TYPE_CHECKING:
    from vitrina.search.answers import Language, PhotoAnswer, TextAnswer


class Answers(OpenedShop):
    """What a shop does for shoppers."""

    def search_photo(
        self,
        photo: str | Path | bytes,
        *,
        words: str = "",
        language: Language | None = None,
        limit: int = 0,
        **filters: Any,
    ) -> PhotoAnswer:
        """What the server would answer to this photo.

        Args:
            photo: Path, or the bytes of a JPEG, PNG, WebP, HEIC or AVIF file.
            words: Goods that they do not match are left out; none are where empty.
            language: Of names; the shop's where None.
            limit: Goods in the answer; the shop's setting where 0.
            filters: Fields of `vitrina.store.product_search.Filters`, such as price_to=500.

        Raises:
            PhotoError: the photo cannot be used.
            NoBundle: nothing is published yet.
            QueryError: the words are too many, or a filter is none.
        """
        from vitrina.photos import decode
        from vitrina.store.product_search import Filters

        settings = self.folder.settings
        content = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
        return (
            self._searches.photos()
            .search(
                decode(content, settings.photo_limits),
                language=language or settings.language,
                limit=limit or settings.results,
                within=self._searches.text().matching(words, Filters(**filters)),
            )
            .answer
        )

    def search_text(
        self,
        words: str,
        *,
        language: Language | None = None,
        limit: int = 0,
        cursor: str | None = None,
        **filters: Any,
    ) -> TextAnswer:
        """What the server would answer to these words.

        Args:
            words: What is looked for; empty for all goods.
            language: Of names; the shop's where None.
            limit: Goods in the answer; the shop's setting where 0.
            cursor: `next_cursor` of the answer before.
            filters: Fields of `vitrina.store.product_search.Filters`, such as price_to=500.

        Raises:
            QueryError: the words are too many, a filter is none, or the cursor is none of ours.
        """
        from vitrina.store.product_search import Filters

        settings = self.folder.settings
        return self._searches.text().search(
            words,
            language=language or settings.language,
            limit=limit or settings.results,
            filters=Filters(**filters),
            cursor=cursor,
        )

    def serve(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        bundle: str | None = None,
        on_ready: Callable[[str], None] | None = None,
    ) -> None:
        """Serves the shop until the process is asked to stop.

        Args:
            host: Address to listen on; the shop's setting where None.
            port: Port to listen on, likewise; 0 takes any free one.
            bundle: Version to serve instead of the active one.
            on_ready: Called with the page's address once it is served.

        Raises:
            SettingError: the address cannot be listened on.
            BundleError: the bundle that was named cannot be served.
        """
        from vitrina.starting import without_garbage_collection

        settings = self.folder.settings
        with without_garbage_collection():
            from vitrina.search.loaded import start_loading

            # beside the web framework and the database, which take longer
            loading = start_loading(
                self.folder.bundles,
                bundle,
                threads=settings.inference_threads,
                engine=settings.engine,
            )
            from vitrina.serving.process import run_server

        run_server(
            self.folder,
            host=host or settings.host,
            port=settings.port if port is None else port,
            bundle=bundle,
            loading=loading,
            on_ready=on_ready,
        )

    def require_port(self, port: int | None = None) -> None:
        """Makes sure that `serve` could listen now; for callers with long work before it.

        Args:
            port: As `serve` takes it.

        Raises:
            SettingError: it could not.
        """
        from vitrina.serving.process import require_address

        settings = self.folder.settings
        require_address(settings.host, settings.port if port is None else port)
