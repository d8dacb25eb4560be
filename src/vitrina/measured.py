"""What a run's bundle scores and costs, measured once and kept beside the run.

Each record lies in a file with the conditions under which it holds; under others it is measured
anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from vitrina import atomic
from vitrina.baseline import baseline_command
from vitrina.bundle import Bundle
from vitrina.dataset import Dataset
from vitrina.encoder import Encoder
from vitrina.evaluation.candidate import OfflineRecord, OnlineRecord
from vitrina.evaluation.offline import LabelledPhoto, measure_offline
from vitrina.evaluation.online import Load, SentPhoto, measure_online, serve_command
from vitrina.evaluation.phone import PHONE_VERSION
from vitrina.folder import ShopFolder
from vitrina.machine import this_machine
from vitrina.photos import MEDIA_TYPES, sniff
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.training.formats import KERAS
from vitrina.training.run import Run

SENT_PHOTOS = 40
"""So many test photos are sent to servers in turn."""

Record = TypeVar("Record", OfflineRecord, OnlineRecord)


class Stages:
    """stages.json: how long publishing and measuring a run took.

    Args:
        place: The run's folder.
    """

    def __init__(self, place: Path) -> None:
        self._file = place / "stages.json"
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            self.seconds = {str(name): float(value) for name, value in content.items()}
        except (OSError, ValueError, AttributeError):
            self.seconds = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Times the block, if it ends well."""
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 1)
        atomic.write_json(self._file, self.seconds)


@dataclass(frozen=True)
class MeasuredRun:
    """A run whose bundle is measured.

    Attributes:
        folder: The shop.
        run: What was trained.
        bundle: What is served of it.
        dataset: Whose test photos are asked about; each of them in `pixels`.
        pixels: Decoded photos.
        stages: Told how long each measurement took.
        progress: Where the work reports to.
    """

    folder: ShopFolder
    run: Run
    bundle: Bundle
    dataset: Dataset
    pixels: PixelCache
    stages: Stages
    progress: Progress

    def offline(self, threads: int) -> OfflineRecord:
        """In ONNX Runtime, one photo a call."""

        def measure() -> OfflineRecord:
            encoder = Encoder(self.bundle.model, threads=threads)
            return measure_offline(
                lambda pixels: encoder.encode(pixels).probabilities,
                _TestPhotos(self.dataset, self.pixels),
                categories=self.run.categories,
                model=self.bundle.model,
                parameters_m=self.run.parameters / 1e6,
                bundle=self.bundle.info.version,
                fingerprint=self.run.fingerprint,
                threads=threads,
                progress=self.progress,
            )

        conditions = [self.bundle.info.version, threads, PHONE_VERSION]
        return self._kept(OfflineRecord, "offline", conditions, measure)

    def online(self, load: Load, *, again: bool) -> OnlineRecord:
        """The bundle in `vitrina serve`."""
        command = serve_command(self.folder.root, self.bundle.info.version)
        return self._served(command, load, "vitrina", self.bundle.size_bytes / 1e6, again=again)

    def keras(self, load: Load, *, again: bool) -> OnlineRecord | None:
        """The same network the study's own way; None where it is no Keras network."""
        file = self._place / KERAS
        if not file.exists():
            return None
        command = baseline_command(self._place)
        return self._served(command, load, "keras", file.stat().st_size / 1e6, again=again)

    @property
    def _place(self) -> Path:
        return self.folder.runs / self.run.id

    def _served(
        self,
        command: list[str],
        load: Load,
        way: Literal["vitrina", "keras"],
        size_mb: float,
        *,
        again: bool,
    ) -> OnlineRecord:
        def measure() -> OnlineRecord:
            return measure_online(
                command,
                load,
                way=way,
                model_size_mb=size_mb,
                label=f"Measuring in a running server ({way})",
                progress=self.progress,
            )

        conditions = [
            self.bundle.info.version, load.requests, load.repeats, load.threads, load.cores,
            asdict(this_machine()),
        ]  # fmt: skip
        name = "online" if way == "vitrina" else "keras"
        return self._kept(OnlineRecord, name, conditions, measure, again=again)

    def _kept(
        self,
        kind: type[Record],
        name: str,
        conditions: Sequence[Any],
        measure: Callable[[], Record],
        *,
        again: bool = False,
    ) -> Record:
        file = self._place / f"{name}.json"
        if not again:
            try:
                content = json.loads(file.read_text(encoding="utf-8"))
                if content["conditions"] == list(conditions):
                    return TypeAdapter(kind).validate_python(content["record"])
            except (OSError, ValueError, KeyError, TypeError, ValidationError):
                pass  # measured anew
        with self.stages.timed(name):
            record = measure()
        plain = TypeAdapter(kind).dump_python(record, mode="json")
        atomic.write_json(file, {"conditions": list(conditions), "record": plain})
        return record


def sent_photos(folder: ShopFolder, dataset: Dataset) -> tuple[SentPhoto, ...]:
    """Test photos spread over the categories, as the files that they are."""
    samples = dataset.part("test")
    step = max(1, len(samples) // SENT_PHOTOS)
    contents = [(folder.root / sample.file).read_bytes() for sample in samples[::step]]
    return tuple(
        SentPhoto(content, MEDIA_TYPES[sniff(content)]) for content in contents[:SENT_PHOTOS]
    )


class _TestPhotos(Sequence[LabelledPhoto]):
    """The test photos, each read when it is asked for."""

    def __init__(self, dataset: Dataset, pixels: PixelCache) -> None:
        self._samples = dataset.part("test")
        self._labels = dataset.labels(self._samples)
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: Any) -> Any:
        sha256 = self._samples[index].sha256
        return LabelledPhoto(sha256, self._labels[index], self._pixels[sha256])
