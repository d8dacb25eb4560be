"""What of a network learns, and from what: the part that trials of tuning and a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from vitrina.dataset import Dataset, Split
from vitrina.photos import Pixels
from vitrina.pixels import PixelCache
from vitrina.progress import Progress
from vitrina.training.batch_inference import run_in_batches
from vitrina.training.cut import CutNetwork, cut_network, unfreeze
from vitrina.training.features import Computed, FeatureCache, FrozenPart
from vitrina.training.fitting import fit_phase, head_phase, tail_phase
from vitrina.training.head import build_head
from vitrina.training.loading import LoadedBackbone, LoadedEncoder
from vitrina.training.onnx_encoder import frozen_trunk
from vitrina.training.plan import TrainingPlan
from vitrina.training.trunk import FrozenTrunk
from vitrina.training.views import Augmentation

Epochs = list[dict[str, float]]
Clock = Callable[[str], AbstractContextManager[None]]
"""Times the block of a part that it is given the name of."""


def _untimed(_part: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Learned:
    """A head, and the network that it stands on.

    Attributes:
        head: (N, D) float32 pooled features -> (N, C) float32 probabilities.
        tail_and_head: From the activations at the cut; None where only the head learned.
        epochs: One entry an epoch of both phases.
        tail: From the activations at the cut to pooled features; None where only the head learned.
    """

    head: keras.Model
    tail_and_head: keras.Model | None
    epochs: Epochs
    tail: keras.Model | None = None


class Learner:
    """Learns heads and tails for one backbone on one dataset.

    Args:
        cache: The shop's cache folder.
        dataset: What is learned.
        loaded: The backbone; its last layers are changed by `learn`, and put back before the next.
        seed: Of the views.
        cut_layers: How many of the last layers any plan may let learn; 0 for heads alone, which is
            all that an encoder can have.
        augmentation: Which kind of views.
    """

    def __init__(
        self,
        cache: Path,
        dataset: Dataset,
        loaded: LoadedBackbone | LoadedEncoder,
        *,
        seed: int,
        cut_layers: int,
        augmentation: Augmentation = "phone",
    ) -> None:
        self._dataset = dataset
        self._loaded = loaded
        self._cut: CutNetwork | None = None
        self._initial: list[npt.NDArray[np.float32]] = []
        if cut_layers and isinstance(loaded, LoadedBackbone):
            self._cut = cut_network(loaded.network, cut_layers)
            self._initial = self._cut.tail.get_weights()
        self.cut_layers = cut_layers
        self.feature_dim = loaded.description.feature_dim
        self._features = FeatureCache(cache, self._frozen_part(), seed, augmentation)

    def compute(
        self,
        pixels: PixelCache | Mapping[str, Pixels],
        views: int,
        progress: Progress,
        dataset: Dataset | None = None,
    ) -> None:
        """Computes what the frozen part makes of each photo, as far as it is missing.

        Args:
            pixels: All those photos.
            views: Of each photo that is learned from.
            progress: Where the work reports to.
            dataset: Another one than is learned.
        """
        self._features.compute(dataset or self._dataset, views, pixels, progress)

    def learn(
        self,
        plan: TrainingPlan,
        progress: Progress,
        *,
        checkpoint: Path | None = None,
        tensorboard: Path | None = None,
        tail_photos: int = 0,
        clock: Clock = _untimed,
    ) -> Learned:
        """Learns as `plan` says, from ImageNet's weights.

        Args:
            plan: Its `unfrozen_layers` must not be more than `cut_layers`.
            progress: Where the work reports to.
            checkpoint: Beginning of the names of the files from which an interrupted run goes on.
            tensorboard: Folder for TensorBoard's logs.
            tail_photos: How many photos phase 2 learns from at most; 0 for all.
            clock: Times the parts "phase_1" and "phase_2".
        """
        keras.utils.set_random_seed(plan.seed)
        head = build_head(self.feature_dim, self.classes, plan)
        views = plan.views
        with clock("phase_1"):
            epochs = fit_phase(
                head,
                head_phase(plan),
                plan,
                self._features.pooled(self._dataset, "train", views),
                self._features.pooled(self._dataset, "validation", 1),
                progress,
                checkpoint=_phase_file(checkpoint, 1),
                tensorboard=tensorboard,
            )
        if not (plan.learns_tail and self._cut):
            return Learned(head, None, epochs)
        self._cut.tail.set_weights(self._initial)
        unfreeze(self._cut.network, plan.unfrozen_layers)
        middle = keras.Input(self._cut.trunk.output.shape[1:])
        pooled = keras.layers.GlobalAveragePooling2D()(self._cut.tail(middle))
        tail_and_head = keras.Model(middle, head(pooled))
        train = self._features.middle(self._dataset, "train", views)
        with clock("phase_2"):
            epochs += fit_phase(
                tail_and_head,
                tail_phase(plan),
                plan,
                train.few(tail_photos, plan.seed) if tail_photos else train,
                self._features.middle(self._dataset, "validation", 1),
                progress,
                checkpoint=_phase_file(checkpoint, 2),
                tensorboard=tensorboard,
            )
        return Learned(head, tail_and_head, epochs, keras.Model(middle, pooled))

    def probabilities(
        self, learned: Learned, split: Split
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """(N, C) float32 for the plain photos of a split, and their labels, (N,) int64."""
        part = (
            self._features.pooled(self._dataset, split, 1)
            if learned.tail_and_head is None
            else self._features.middle(self._dataset, split, 1)
        )
        if not len(part):
            return np.empty((0, part.classes), dtype=np.float32), part.labels
        model = learned.tail_and_head or learned.head
        return run_in_batches(model, part.values, part.rows[:, 0]), part.labels

    def features(
        self, learned: Learned, split: Split, dataset: Dataset | None = None
    ) -> npt.NDArray[np.float32]:
        """(N, D) float32, pooled features of the plain photos of a split.

        Args:
            learned: What was learned last: the next `learn` changes the network that it stands on.
            split: Whose photos.
            dataset: Another one, all photos of which `compute` has been asked for, too.
        """
        cached = self._features
        if learned.tail is None:
            part = cached.pooled(dataset or self._dataset, split, 1, keep=dataset is None)
            return np.asarray(part.values[part.rows[:, 0]], dtype=np.float32)
        part = cached.middle(dataset or self._dataset, split, 1)
        return run_in_batches(learned.tail, part.values, part.rows[:, 0])

    @property
    def classes(self) -> int:
        """C, number of categories."""
        return len(self._dataset.categories)

    def _frozen_part(self) -> FrozenPart:
        loaded, cut = self._loaded, self._cut
        if isinstance(loaded, LoadedEncoder):
            identity = loaded.description.identity
        else:
            identity = f"{loaded.description.name}/{loaded.weights.sha256}"
        return FrozenPart(
            identity=identity,
            at=cut.at if cut else "",
            feature_dim=loaded.description.feature_dim,
            middle=tuple(int(side) for side in cut.trunk.output.shape[1:]) if cut else None,
            load=self._load_trunk,
        )

    def _load_trunk(self) -> Callable[[Pixels], Computed]:
        loaded = self._loaded
        if isinstance(loaded, LoadedEncoder):
            encode = frozen_trunk(loaded.description, loaded.model)
            return lambda pixels: (encode(pixels),)
        if self._cut:
            self._cut.tail.set_weights(self._initial)
        return FrozenTrunk(loaded.network, self._cut)


def _phase_file(checkpoint: Path | None, phase: int) -> Path | None:
    return None if checkpoint is None else checkpoint.with_name(f"{checkpoint.name}-{phase}.npz")
