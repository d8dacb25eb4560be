"""What of a shop's models is served: published, activated, learned anew, rolled back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from vitrina.errors import TrainingError
from vitrina.shop.opened import OpenedShop
from vitrina.shop.training_extra import embeddings_from_imagenet, require_training

if TYPE_CHECKING:
    from vitrina.bundle import Bundle
    from vitrina.folder import ShopFolder
    from vitrina.learn import Learnt
    from vitrina.progress import Progress
    from vitrina.search.going_live import Switched
    from vitrina.training.run import Run


class Publishing(OpenedShop):
    """What a shop does with bundles."""

    def publish(
        self,
        run: str | None = None,
        *,
        activate: bool = True,
        precision: Literal["auto", "fp32", "int8"] = "auto",
    ) -> Bundle:
        """Exports a run, compares it with Keras, and has it served.

        Args:
            run: Its id; the newest one where None.
            activate: Whether it is served from now on; else `activate` does that later.
            precision: int8 computes in whole numbers; auto does where that is as good and faster.

        Raises:
            QuantisationFailed: int8 is asked for and cannot be made.
            MissingExtra: the training part is not installed.
            TrainingError: there is no such run.
            DatasetError: none of the photos that it is tested on, or of the goods, can be read.
            BundleDisagrees: the export is not faithful; nothing was published.
            ShopBusy: another process is changing the shop.
        """
        require_training()
        from vitrina.decoded import decoded_again
        from vitrina.training.framework import load_framework

        chosen = _find_run(self.folder, run, self._progress)
        with self._writing("publish"):
            photos = decoded_again(self.folder, chosen.id, self._progress)
            load_framework()
            from vitrina.export import export_run

            bundle = export_run(self.folder, chosen, photos, self._progress, precision)
            if activate:
                self._go_live(bundle.info.version)
        return bundle

    def activate(self, version: str) -> None:
        """Has a bundle served that was published without being activated.

        Raises:
            BundleError: there is none of that version, or it is damaged.
        """
        with self._writing("publish"):
            self._go_live(version)

    def learn(self, *, dry_run: bool = False, shoppers: bool = True) -> Learnt:
        """Trains the active model's recipe again with what was said since; serves it if better.

        Args:
            dry_run: Only count what would be learned from.
            shoppers: Whether choices of shoppers count where the merchant has said nothing.

        Raises:
            MissingExtra: the training part is not installed.
            NoBundle: nothing is published yet.
            TrainingError: the active bundle's run is not there any more.
            DatasetError: too little to learn from or to test on.
            ShopBusy: another process is changing the shop.
        """
        require_training()
        from vitrina.training.framework import load_framework

        with self._writing("learn"):
            load_framework()
            from vitrina.learn import learn

            return learn(
                self.folder,
                self._progress,
                embed=partial(embeddings_from_imagenet, self.folder.cache),
                activate=self._go_live,
                dry_run=dry_run,
                shoppers=shoppers,
            )

    def rollback(self, version: str | None = None) -> Switched:
        """Has the bundle served again that was served before; each call goes one further back.

        Args:
            version: Another one to go to instead.

        Raises:
            BundleError: there is none, or it cannot be served; the one that was served still is.
            ShopBusy: another process is changing the shop.
        """
        from vitrina.search.going_live import roll_back

        self._searches.bundle_changed()
        return roll_back(self.folder, version, self._progress)

    def _go_live(self, version: str) -> None:
        from vitrina.search.going_live import go_live

        go_live(self.folder, version, self._progress)
        self._searches.bundle_changed()


def _find_run(folder: ShopFolder, wanted: str | None, progress: Progress) -> Run:
    from vitrina.training.run import list_runs

    runs = list_runs(folder.runs, progress)
    for run in reversed(runs):
        if wanted in (None, run.id):
            return run
    raise TrainingError(
        f"There is no run {wanted}." if wanted else "There is no finished run.",
        hint=f"Runs: {', '.join(run.id for run in runs)}." if runs else "Run `vitrina train`.",
    )
