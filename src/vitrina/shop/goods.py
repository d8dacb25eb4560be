"""A shop's goods: brought in, looked through, corrected, and the words that name them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vitrina.errors import ShopBusy
from vitrina.shop.opened import Engine, OpenedShop
from vitrina.shop.training_extra import embeddings_from_imagenet

if TYPE_CHECKING:
    from vitrina.catalogue.check import CheckReport
    from vitrina.catalogue.corrections import Applied
    from vitrina.catalogue.importer import ImportReport
    from vitrina.catalogue.search_texts import CategoryWords
    from vitrina.search.new_goods import Embedding


class Goods(OpenedShop):
    """What a shop does with its catalogue."""

    def import_catalogue(
        self,
        source: str | Path,
        *,
        split: str | Path | None = None,
        refresh_pictures: bool = False,
        embed: bool = True,
    ) -> ImportReport:
        """Brings goods in from category folders or a CSV, TSV or XLSX table.

        Args:
            source: Folder, file, or the http(s) address of a feed.
            split: Table with the columns file and split (train or test); `split.tsv` beside the
                pictures is found by itself.
            refresh_pictures: Ask the servers of pictures that lie at addresses, too, whether there
                are newer ones, and for those that could not be fetched several times.
            embed: Whether photos find the new goods at once; else `embed_goods` does that later.

        Raises:
            FeedError: it cannot be read as a whole; single bad rows are in the report.
            ShopError: the shop cannot be written; goods that were in before their pictures stay.
            ShopBusy: another process is changing the shop.
        """
        from vitrina.catalogue.fetched_import import import_and_fetch

        report = import_and_fetch(
            self.folder,
            source,
            split_file=None if split is None else Path(split),
            refresh=refresh_pictures,
            progress=self._progress,
        )
        if embed:
            self._embed_new_goods()
        return report

    def embed_goods(
        self,
        *,
        bundle: str | None = None,
        engine: Engine = "local",
        cluster: str | None = None,
    ) -> int:
        """Has photos find all goods that a bundle has no embedding of.

        An import does that by itself, on this machine. What was cut off goes on where it stopped.

        Args:
            bundle: Its version, such as of one that is to be activated; the active one where None.
            engine: "local" or "ray": on the cores of this machine, or of a Ray cluster.
            cluster: HOST:PORT of its head, or "auto"; None: what RAY_ADDRESS names, else a Ray of
                its own on this machine.

        Returns:
            How many photos were embedded.

        Raises:
            NoBundle: nothing is published yet, or there is no such bundle.
            BundleError: the bundle cannot be used.
            MissingExtra: Ray is not installed.
            ClusterError: there is no such cluster, or it cannot do this.
            ShopBusy: another process is changing the shop.
        """
        from vitrina.search.new_goods import embed_here, embed_missing

        embed = _on_ray(cluster) if engine == "ray" else embed_here
        try:
            return embed_missing(self.folder, embed, self._progress, version=bundle)
        finally:
            self._searches.goods_changed()

    def check(self, *, labels: bool = True) -> CheckReport:
        """Looks through all pictures for what would spoil training.

        Args:
            labels: Whether wrong labels are looked for as well, which takes longest.

        Raises:
            ShopVersion: there are no goods yet.
            ShopBusy: another process is changing the shop.
        """
        from vitrina.catalogue.check import check_catalogue

        return check_catalogue(
            self.folder,
            labels=labels,
            embed=partial(embeddings_from_imagenet, self.folder.cache),
            progress=self._progress,
        )

    def apply_corrections(self, table: str | Path) -> Applied:
        """Does what a table of corrections says, all of it or nothing.

        Args:
            table: check/corrections.csv, as the merchant edited it.

        Raises:
            CorrectionsError: a row cannot be done; nothing was changed.
            FeedError: it is no such table.
            ShopBusy: another process is changing the shop.
        """
        from vitrina.catalogue.corrections import apply_corrections

        return apply_corrections(self.folder, Path(table), self._progress)

    def search_texts(self) -> list[CategoryWords]:
        """All categories, and what a photo of each puts into the search box."""
        from vitrina.catalogue.search_texts import list_search_texts

        return list_search_texts(self.folder)

    def set_search_text(self, category: str, text: str) -> None:
        """Changes what a photo of a category puts into the search box; imports leave it alone.

        Args:
            category: Slug.
            text: An empty one gives the category its name back.

        Raises:
            NotFound: there is no such category.
            QueryError: the text is too long.
            ShopBusy: another process is changing the shop.
        """
        self.set_search_texts({category: text})

    def set_search_texts(self, texts: Mapping[str, str]) -> None:
        """The same for several categories: all are changed or none."""
        from vitrina.catalogue.search_texts import set_search_texts

        set_search_texts(self.folder, texts, self._progress)

    def _embed_new_goods(self) -> None:
        """Has photos find the goods that the active bundle has no embedding of."""
        from vitrina.search.new_goods import embed_new_goods

        try:
            embed_new_goods(self.folder, progress=self._progress)
        except ShopBusy as error:  # what was imported is in; only this is put off
            self._progress.say(f"New goods are embedded by the next import. {error.message}")
        self._searches.goods_changed()


def _on_ray(cluster: str | None) -> Embedding:
    from vitrina.scale.cluster import require_ray
    from vitrina.scale.embedding import embed_on

    require_ray()
    return embed_on(cluster)
