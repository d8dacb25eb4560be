"""The whole road from Python: open a shop, import, train, publish, search.

    shop = Shop.create("my-shop", name="Лампы и розетки")
    shop.import_catalogue("goods/")
    shop.train("mobilenet_v2")
    shop.publish()
    answer = shop.search_photo("photo.jpg")

Each stage is imported inside the method that walks it, so that searching never loads what
training needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vitrina.errors import MissingExtra, ShopBusy, TrainingError
from vitrina.folder import ShopFolder
from vitrina.progress import SILENT, Progress

if TYPE_CHECKING:
    from vitrina.bundle import Bundle
    from vitrina.catalogue.check import CheckReport
    from vitrina.catalogue.corrections import Applied
    from vitrina.catalogue.importer import ImportReport
    from vitrina.catalogue.search_texts import CategoryWords
    from vitrina.evaluation.candidate import TrialRecord
    from vitrina.evaluation.comparison import Comparison
    from vitrina.near_copies import Embeddings
    from vitrina.pixels import PixelCache
    from vitrina.search.answers import Language, PhotoAnswer, TextAnswer
    from vitrina.search.engine import PhotoSearch
    from vitrina.search.going_live import Switched
    from vitrina.search.text import TextSearch
    from vitrina.training.run import Run

# tf2onnx is what Keras exports to ONNX with; nothing here imports it by name
_NEEDED_TO_TRAIN = (
    "keras", "keras_tuner", "tensorflow", "tf2onnx", "onnx", "scipy", "matplotlib", "seaborn",
    "psutil",
)  # fmt: skip


class Shop:
    """One shop in one folder.

    Args:
        folder: Its paths; use `create` or `open`.
        progress: Where long work reports to; silent unless given.
    """

    def __init__(self, folder: ShopFolder, progress: Progress = SILENT) -> None:
        self.folder = folder
        self._progress = progress
        self._photo_search: PhotoSearch | None = None
        self._text_search: TextSearch | None = None

    @classmethod
    def create(cls, path: str | Path, *, progress: Progress = SILENT, **settings: Any) -> Shop:
        """Makes a new shop in `path`.

        Args:
            path: Folder, made where it does not exist.
            progress: Where long work reports to.
            settings: Values for shop.toml, such as name="Лампы" or language="en".

        Raises:
            ShopExists: there is one already.
            SettingError: a setting is unknown or out of range.
        """
        return cls(ShopFolder.create(Path(path), **settings), progress)

    @classmethod
    def open(cls, path: str | Path = ".", *, progress: Progress = SILENT) -> Shop:
        """The shop in `path`.

        Raises:
            NotAShop: there is none.
        """
        return cls(ShopFolder.find(Path(path)), progress)

    def import_catalogue(
        self,
        source: str | Path,
        *,
        split: str | Path | None = None,
        refresh_pictures: bool = False,
    ) -> ImportReport:
        """Brings goods in from category folders or a CSV, TSV or XLSX table.

        Args:
            source: Folder, file, or the http(s) address of a feed.
            split: Table with the columns file and split (train or test); `split.tsv` beside the
                pictures is found by itself.
            refresh_pictures: Ask the servers of pictures that lie at addresses, too, whether there
                are newer ones, and for those that could not be fetched several times.

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
        self._embed_new_goods()
        return report

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
            self.folder, labels=labels, embed=self._imagenet_embeddings, progress=self._progress
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

    def train(
        self,
        backbone: str = "mobilenet_v2",
        *,
        weights: str | Path | None = None,
        trials: int = 0,
        max_minutes: float = 0,
        tensorboard: str | Path | None = None,
        recipe: Literal["vitrina", "study"] = "vitrina",
        **plan: Any,
    ) -> Run:
        """Trains one model on the shop's photos.

        Args:
            backbone: A name that `vitrina weights` lists, or `onnx:FILE`.
            weights: File with ImageNet weights; found by itself where None.
            trials: Trials of tuning before; 0 for none.
            max_minutes: No trial begins after that; 0 for no limit.
            tensorboard: Folder for TensorBoard's logs.
            recipe: Whose values are taken where `plan` says nothing.
            plan: Fields of `vitrina.training.plan.TrainingPlan`, such as seed=1.

        Raises:
            MissingExtra: the training part is not installed.
            DatasetError: too little to learn from.
            WeightsError: no usable ImageNet weights.
            ShopBusy: another process is changing the shop.
        """
        require_training()
        from vitrina.decoded import decoded_dataset
        from vitrina.training.framework import load_framework
        from vitrina.training.loading import require_backbone
        from vitrina.training.plan import RECIPES, Tuning

        require_backbone(backbone)
        wanted = RECIPES[recipe](backbone, **plan)
        with self._writing("train"):
            photos = decoded_dataset(self.folder, wanted.seed, self._progress)
            load_framework()
            from vitrina.training.trainer import train_run

            return train_run(
                self.folder,
                photos.dataset,
                photos.pixels,
                wanted,
                tuning=Tuning(trials, max_minutes),
                weights=None if weights is None else Path(weights),
                progress=self._progress,
                tensorboard=None if tensorboard is None else Path(tensorboard),
            )

    def tune(
        self,
        backbone: str = "mobilenet_v2",
        *,
        trials: int = 10,
        max_minutes: float = 0,
        weights: str | Path | None = None,
        **plan: Any,
    ) -> tuple[TrialRecord, ...]:
        """Tries hyper-parameters; `train` with the same arguments goes on from the best of them.

        Args:
            backbone: As in `train`.
            trials: How many.
            max_minutes: No trial begins after that; 0 for no limit.
            weights: As in `train`.
            plan: As in `train`.

        Raises:
            VitrinaError: as `train`.
        """
        require_training()
        from vitrina.decoded import decoded_dataset
        from vitrina.training.framework import load_framework
        from vitrina.training.loading import require_backbone
        from vitrina.training.plan import Tuning, vitrina_plan

        require_backbone(backbone)
        wanted = vitrina_plan(backbone, **plan)
        with self._writing("tune"):
            photos = decoded_dataset(self.folder, wanted.seed, self._progress)
            load_framework()
            from vitrina.training.trainer import tune_only

            return tune_only(
                self.folder,
                photos.dataset,
                photos.pixels,
                wanted,
                tuning=Tuning(trials, max_minutes),
                weights=None if weights is None else Path(weights),
                progress=self._progress,
            )

    def compare(
        self, backbones: Sequence[str] | None = None, *, budget: str = "", **options: Any
    ) -> Comparison:
        """Trains, publishes and measures several models, and chooses the best inside a budget.

        What an earlier call had finished is used again. The report lies in `report/`.

        Args:
            backbones: Names that `vitrina weights` lists, or `onnx:FILE`; the named four where
                None.
            budget: Such as "ram=300MB,latency=30ms,cold_start=1s,size=50MB,cores=2".
            options: Fields of `vitrina.compare.ComparisonPlan`, such as trials=10.

        Raises:
            VitrinaError: the shop cannot be trained on at all; a single model that cannot be is
                named in the comparison, with the reason.
        """
        require_training()
        from vitrina.training.framework import load_framework

        load_framework()
        from vitrina.compare import ComparisonPlan, compare_models
        from vitrina.evaluation.budget import parse_budget
        from vitrina.training.backbones import NAMED

        wanted = ComparisonPlan(
            backbones=tuple(NAMED if backbones is None else backbones),
            budget=parse_budget(budget),
            **options,
        )
        with self._writing("compare"):
            return compare_models(self.folder, wanted, self._progress)

    def comparison(self) -> Comparison:
        """The last comparison.

        Raises:
            EvaluationError: there is none.
        """
        from vitrina.evaluation.comparison import Comparison

        return Comparison.read(self.folder.report / "comparison.json")

    def write_report(self, *, language: Language | None = None) -> Path:
        """Writes the last comparison's report anew; returns the page.

        Args:
            language: The shop's where None.

        Raises:
            EvaluationError: nothing was compared yet.
        """
        require_training()
        from vitrina.evaluation.report import write_report

        return write_report(
            self.comparison(),
            self.folder.root,
            self.folder.report,
            language or self.folder.settings.language,
        )

    def runs(self) -> list[Run]:
        """All finished training runs, the oldest first; a damaged one is told and passed over."""
        from vitrina.training.run import list_runs

        return list_runs(self.folder.runs, self._progress)

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

        chosen = self._find_run(run)
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

    def rollback(self, version: str | None = None) -> Switched:
        """Has the bundle served again that was served before; each call goes one further back.

        Args:
            version: Another one to go to instead.

        Raises:
            BundleError: there is none, or it cannot be served; the one that was served still is.
            ShopBusy: another process is changing the shop.
        """
        from vitrina.search.going_live import roll_back

        self._photo_search = None
        return roll_back(self.folder, version, self._progress)

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
        from vitrina.serving.shop_state import load_shop
        from vitrina.store.product_search import Filters

        if self._photo_search is None or self._text_search is None:
            state = load_shop(self.folder)
            self._photo_search, self._text_search = state.photo_search(), state.text
        settings = self.folder.settings
        content = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
        return self._photo_search.search(
            decode(content, settings.photo_limits),
            language=language or settings.language,
            limit=limit or settings.results,
            within=self._text_search.matching(words, Filters(**filters)),
        ).answer

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
        from vitrina.search.text import TextSearch
        from vitrina.store.database import open_database
        from vitrina.store.product_search import Filters

        settings = self.folder.settings
        if self._text_search is None:
            database = open_database(self.folder.database)
            self._text_search = TextSearch(database, self.folder.synonyms)
        return self._text_search.search(
            words,
            language=language or settings.language,
            limit=limit or settings.results,
            filters=Filters(**filters),
            cursor=cursor,
        )

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

    def _writing(self, work: str) -> AbstractContextManager[None]:
        """The shop's lock, for the command that is called `work`."""
        from vitrina.journal import writing

        return writing(self.folder, work, self._progress)

    def _imagenet_embeddings(
        self, names: Sequence[str], pixels: PixelCache, progress: Progress
    ) -> Embeddings:
        """From a network that never saw the shop's labels, where the training part is installed."""
        require_training()
        from vitrina.training.framework import load_framework

        load_framework()
        from vitrina.training.imagenet_embeddings import imagenet_embeddings

        return imagenet_embeddings(self.folder.cache, names, pixels, progress)

    def _embed_new_goods(self) -> None:
        """Has photos find the goods that the active bundle has no embedding of."""
        from vitrina.search.new_goods import embed_new_goods

        try:
            embed_new_goods(self.folder, progress=self._progress)
        except ShopBusy as error:  # what was imported is in; only this is put off
            self._progress.say(f"New goods are embedded by the next import. {error.message}")
        if self._photo_search is not None:
            self._photo_search.refresh()

    def _go_live(self, version: str) -> None:
        from vitrina.search.going_live import go_live

        go_live(self.folder, version, self._progress)
        self._photo_search = None

    def _find_run(self, wanted: str | None) -> Run:
        runs = self.runs()
        for run in reversed(runs):
            if wanted in (None, run.id):
                return run
        raise TrainingError(
            f"There is no run {wanted}." if wanted else "There is no finished run.",
            hint=f"Runs: {', '.join(run.id for run in runs)}." if runs else "Run `vitrina train`.",
        )


def require_training() -> None:
    """Makes sure that the training part is installed; loads nothing of it.

    Raises:
        MissingExtra: it is not.
    """
    missing = [name for name in _NEEDED_TO_TRAIN if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Training needs {', '.join(missing)}, which this installation does not have.",
            hint="pip install 'vitrina[train]'",
        )
