"""A shop's models: tuned, trained, and compared with one another."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vitrina.shop.opened import Engine, OpenedShop
from vitrina.shop.training_extra import require_training

if TYPE_CHECKING:
    from vitrina.evaluation.candidate import TrialRecord
    from vitrina.evaluation.comparison import Comparison
    from vitrina.search.answers import Language
    from vitrina.training.run import Run


class Models(OpenedShop):
    """What a shop does with models, before one of them is published."""

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
        engine: Engine = "local",
        cluster: str | None = None,
        **plan: Any,
    ) -> tuple[TrialRecord, ...]:
        """Tries hyper-parameters; `train` with the same arguments goes on from the best of them.

        Args:
            backbone: As in `train`.
            trials: How many.
            max_minutes: No trial begins after that; 0 for no limit.
            weights: As in `train`.
            engine: "ray" runs the trials on a cluster, each as a task.
            cluster: As in `embed_goods`.
            plan: As in `train`.

        Raises:
            ClusterError: there is no such cluster, or it cannot do this.
            VitrinaError: as `train`.
        """
        require_training()
        from vitrina.decoded import decoded_dataset
        from vitrina.training.framework import load_framework
        from vitrina.training.loading import require_backbone
        from vitrina.training.plan import Tuning, vitrina_plan

        require_backbone(backbone)
        wanted = vitrina_plan(backbone, **plan)
        if engine == "ray":
            from vitrina.scale.cluster import require_ray

            require_ray()
        with self._writing("tune"):
            photos = decoded_dataset(self.folder, wanted.seed, self._progress)
            load_framework()
            from vitrina.training.trainer import TrialsOn, trials_here, tune_only

            with ExitStack() as stack:
                trials_on: TrialsOn = trials_here
                if engine == "ray":
                    from vitrina.scale.training import trials_on_ray

                    trials_on = stack.enter_context(
                        trials_on_ray(cluster, self.folder.root, self._progress)
                    )
                return tune_only(
                    self.folder,
                    photos.dataset,
                    photos.pixels,
                    wanted,
                    tuning=Tuning(trials, max_minutes),
                    weights=None if weights is None else Path(weights),
                    progress=self._progress,
                    trials_on=trials_on,
                )

    def compare(
        self,
        backbones: Sequence[str] | None = None,
        *,
        budget: str = "",
        engine: Engine = "local",
        cluster: str | None = None,
        **options: Any,
    ) -> Comparison:
        """Trains, publishes and measures several models, and chooses the best inside a budget.

        What an earlier call had finished is used again. The report lies in `report/`.

        Args:
            backbones: Names that `vitrina weights` lists, or `onnx:FILE`; the named four where
                None.
            budget: Such as "ram=300MB,latency=30ms,cold_start=1s,size=50MB,cores=2".
            engine: "ray" tunes and trains on a cluster, all models at once; servers are measured
                on this machine, one after the other.
            cluster: As in `embed_goods`.
            options: Fields of `vitrina.compare.ComparisonPlan`, such as trials=10.

        Raises:
            VitrinaError: the shop cannot be trained on at all; a single model that cannot be is
                named in the comparison, with the reason.
        """
        require_training()
        from vitrina.training.framework import load_framework

        load_framework()
        from vitrina.compare import ComparisonPlan, Trainings, compare_models, trained_here
        from vitrina.evaluation.budget import parse_budget
        from vitrina.training.backbones import NAMED

        wanted = ComparisonPlan(
            backbones=tuple(NAMED if backbones is None else backbones),
            budget=parse_budget(budget),
            **options,
        )
        with self._writing("compare"), ExitStack() as stack:
            trainings: Trainings = trained_here
            if engine == "ray":
                from vitrina.scale.training import trainings_on_ray

                trainings = stack.enter_context(
                    trainings_on_ray(cluster, self.folder.root, self._progress)
                )
            return compare_models(self.folder, wanted, self._progress, trainings)

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
