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

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitrina.errors import DatasetError, MissingExtra, TrainingError
from vitrina.folder import ShopFolder
from vitrina.journal import writing
from vitrina.progress import SILENT, Progress

if TYPE_CHECKING:
    from vitrina.bundle import Bundle
    from vitrina.catalogue.check import CheckReport
    from vitrina.catalogue.importer import ImportReport
    from vitrina.dataset import Dataset
    from vitrina.pixels import PixelCache
    from vitrina.search.answers import Language, PhotoAnswer, TextAnswer
    from vitrina.search.engine import PhotoSearch
    from vitrina.training.run import Run

# tf2onnx is what Keras exports to ONNX with; nothing here imports it by name
_NEEDED_TO_TRAIN = ("keras", "tensorflow", "tf2onnx", "onnx", "scipy", "matplotlib")


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
        self, source: str | Path, *, split: str | Path | None = None
    ) -> ImportReport:
        """Brings goods in from category folders or a CSV, TSV or XLSX table.

        Args:
            source: Folder or file.
            split: Table with the columns file and split (train or test); `split.tsv` beside the
                pictures is found by itself.

        Raises:
            FeedError: it cannot be read as a whole; single bad rows are in the report.
            ShopBusy: another process is changing the shop.
        """
        from vitrina.catalogue.importer import import_catalogue

        return import_catalogue(
            self.folder,
            Path(source),
            split_file=None if split is None else Path(split),
            progress=self._progress,
        )

    def check(self) -> CheckReport:
        """Looks through all pictures for what would spoil training."""
        from vitrina.catalogue.check import check_catalogue

        return check_catalogue(self.folder, progress=self._progress)

    def train(
        self, backbone: str = "mobilenet_v2", *, weights: str | Path | None = None, **plan: Any
    ) -> Run:
        """Trains one model on the shop's photos.

        Args:
            backbone: A name that `vitrina weights` lists.
            weights: File with ImageNet weights; found by itself where None.
            plan: Fields of `vitrina.training.plan.TrainingPlan`, such as seed=1.

        Raises:
            MissingExtra: the training part is not installed.
            DatasetError: too little to learn from.
            WeightsError: no usable ImageNet weights.
            ShopBusy: another process is changing the shop.
        """
        require_training()
        from vitrina.training.backbones import describe_backbone
        from vitrina.training.framework import load_framework
        from vitrina.training.plan import TrainingPlan

        describe_backbone(backbone)
        wanted = TrainingPlan(backbone=backbone, **plan)
        with writing(self.folder, "train", self._progress):
            dataset, pixels = self._dataset(wanted.seed)
            load_framework()
            from vitrina.training.trainer import train_run

            return train_run(
                self.folder,
                dataset,
                pixels,
                wanted,
                weights=None if weights is None else Path(weights),
                progress=self._progress,
            )

    def runs(self) -> list[Run]:
        """All finished training runs, the oldest first; a damaged one is told and passed over."""
        from vitrina.training.run import list_runs

        return list_runs(self.folder.runs, self._progress)

    def publish(self, run: str | None = None, *, activate: bool = True) -> Bundle:
        """Exports a run, compares it with Keras, and has it served.

        Args:
            run: Its id; the newest one where None.
            activate: Whether it is served from now on; else `activate` does that later.

        Raises:
            MissingExtra: the training part is not installed.
            TrainingError: there is no such run.
            DatasetError: none of the photos that it is tested on, or of the goods, can be read.
            BundleDisagrees: the export is not faithful; nothing was published.
            ShopBusy: another process is changing the shop.
        """
        require_training()
        from vitrina.training.framework import load_framework

        chosen = self._find_run(run)
        with writing(self.folder, "publish", self._progress):
            dataset, goods, pixels = self._decoded_for(chosen)
            load_framework()
            from vitrina.export import export_run

            bundle = export_run(self.folder, chosen, dataset, goods, pixels, self._progress)
            if activate:
                self._activate(bundle)
        return bundle

    def activate(self, bundle: Bundle) -> None:
        """Has a bundle served that was published without being activated."""
        with writing(self.folder, "publish", self._progress):
            self._activate(bundle)

    def search_photo(
        self, photo: str | Path | bytes, *, language: Language | None = None, limit: int = 0
    ) -> PhotoAnswer:
        """What the server would answer to this photo.

        Args:
            photo: Path, or the bytes of a JPEG, PNG or WebP file.
            language: Of names; the shop's where None.
            limit: Goods in the answer; the shop's setting where 0.

        Raises:
            PhotoError: the photo cannot be used.
            NoBundle: nothing is published yet.
        """
        from vitrina.photos import decode
        from vitrina.serving.shop_state import load_shop

        if self._photo_search is None:
            self._photo_search = load_shop(self.folder).photo_search()
        settings = self.folder.settings
        content = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
        return self._photo_search.search(
            decode(content, settings.photo_limits),
            language=language or settings.language,
            limit=limit or settings.results,
        ).answer

    def search_text(
        self, words: str, *, language: Language | None = None, limit: int = 0
    ) -> TextAnswer:
        """What the server would answer to these words.

        Raises:
            QueryError: the words are too many.
        """
        from vitrina.search.text import TextSearch
        from vitrina.store.database import open_database

        settings = self.folder.settings
        return TextSearch(open_database(self.folder.database)).search(
            words, language=language or settings.language, limit=limit or settings.results
        )

    def serve(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        on_ready: Callable[[str], None] | None = None,
    ) -> None:
        """Serves the shop until the process is asked to stop.

        Args:
            host: Address to listen on; the shop's setting where None.
            port: Port to listen on, likewise; 0 takes any free one.
            on_ready: Called with the page's address once it is served.

        Raises:
            SettingError: the address cannot be listened on.
        """
        from vitrina.serving.process import run_server

        settings = self.folder.settings
        run_server(
            self.folder,
            host=host or settings.host,
            port=settings.port if port is None else port,
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

    def _activate(self, bundle: Bundle) -> None:
        from vitrina.bundle import activate

        activate(self.folder.bundles, bundle.info.version)
        self._photo_search = None

    def _dataset(self, seed: int) -> tuple[Dataset, PixelCache]:
        """The shop's photos, split and decoded; those that cannot be are left out."""
        from vitrina.dataset import build_dataset
        from vitrina.pixels import PhotoFile, PixelCache
        from vitrina.store.database import migrate

        with migrate(self.folder.database)() as session:
            dataset = build_dataset(session, seed=seed)
        for notice in dataset.notices:
            self._progress.say(notice)
        pixels = PixelCache(self.folder.cache)
        files = [PhotoFile(s.sha256, self.folder.root / s.file) for s in dataset.samples]
        readable = dataset.without(self._decode(pixels, files))
        for notice in readable.notices:
            if notice not in dataset.notices:
                self._progress.say(notice)
        return readable, pixels

    def _decoded_for(self, run: Run) -> tuple[Dataset, list[str], PixelCache]:
        """The run's photos and the goods', decoded; those that cannot be are left out.

        The run may have learned from photos that an import took out of the catalogue since, so
        one does not include the other.
        """
        from vitrina.dataset import Dataset
        from vitrina.pixels import PhotoFile, PixelCache
        from vitrina.store.database import migrate
        from vitrina.store.products import list_photos

        dataset = Dataset.read(self.folder.runs / run.id / "dataset.json")
        with migrate(self.folder.database)() as session:
            photos = {photo.sha256: photo.suffix for photo, _, _ in list_photos(session)}
        places = {s.sha256: self.folder.root / s.file for s in dataset.samples}
        places |= {sha: self.folder.photo(sha, suffix) for sha, suffix in photos.items()}
        pixels = PixelCache(self.folder.cache)
        refused = self._decode(pixels, [PhotoFile(sha, path) for sha, path in places.items()])
        goods = [sha for sha in photos if sha not in refused]
        if not goods:
            raise DatasetError(
                "None of the goods has a photo that can be read.",
                hint="Import the goods again; `vitrina check` lists what cannot be read.",
            )
        return dataset.measured_without(refused), goods, pixels

    def _decode(self, pixels: PixelCache, files: Iterable[Any]) -> set[str]:
        refused = pixels.add(
            files, limits=self.folder.settings.photo_limits, progress=self._progress
        )
        if refused:
            self._progress.say(
                f"{len(refused)} photos cannot be read and are left out; `vitrina check` lists "
                "them."
            )
        return set(refused)

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
