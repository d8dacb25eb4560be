"""What a training run is asked to do; needs no Keras."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from vitrina.errors import SettingError
from vitrina.training.views import Augmentation, require_augmentation

Optimizer = Literal["adam", "rmsprop", "sgd"]
OPTIMIZERS: tuple[Optimizer, ...] = ("adam", "rmsprop", "sgd")
Schedule = Literal["cosine", "constant"]

_DEEP = {"mobilenet_v2": 91, "efficientnet_lite0": 90, "efficientnet_b0": 148}
"""Layers of the blocks behind the first that are 14 x 14, where a photo's activations are smallest
for how much lies behind: 24 to 30 KB a view."""

_LEAST = {
    "views": 1,
    "head_epochs": 1,
    "tail_epochs": 0,
    "head_batch": 1,
    "tail_batch": 1,
    "patience": 1,
}


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """The recipe of one run; one plan on one dataset gives the same model, up to rounding.

    An epoch shows every photo once, each time in another of its views.

    Attributes:
        backbone: A name from `vitrina.training.backbones`, or `onnx:FILE`.
        seed: Of the split, the views, the first weights and the order.
        views: How many pictures each photo counts for: itself and changed ones.
        augmentation: "phone": as shoppers might have taken them; "study": turned, zoomed, moved
            and flipped.
        head_epochs: Epochs of phase 1, in which only the head learns, at most.
        tail_epochs: Epochs of phase 2, in which the last layers learn too; 0 leaves it out.
        unfrozen_layers: How many of the backbone's last layers learn in phase 2; 0 leaves it out.
        hidden: Units of each Dense layer between the embedding and the categories.
        optimizer: Of both phases.
        head_rate: Learning rate of phase 1; halved whenever the validation loss stops falling.
        tail_rate: Learning rate at the start of phase 2.
        tail_schedule: "cosine": falls to 0 over the epochs of phase 2; "constant": halved and
            ended as phase 1 is, which with a `tail_rate` of 1e-5 is the study's phase 2.
        head_batch: Photos a step of phase 1.
        tail_batch: Photos a step of phase 2.
        dropout: Share of the embedding that is left out at each step.
        label_smoothing: Share of certainty taken from each label; wrong labels hurt less.
        balance: 0 counts each photo alike; 1 counts each category alike, however many photos it
            has; between them weights are n ** -balance.
        patience: Epochs without a better validation loss after which a phase ends.
    """

    backbone: str
    seed: int = 0
    views: int = 4
    augmentation: Augmentation = "phone"
    head_epochs: int = 100
    tail_epochs: int = 20
    unfrozen_layers: int = 30
    hidden: tuple[int, ...] = ()
    optimizer: Optimizer = "adam"
    head_rate: float = 2e-3
    tail_rate: float = 5e-4
    tail_schedule: Schedule = "cosine"
    head_batch: int = 128
    tail_batch: int = 32
    dropout: float = 0.4
    label_smoothing: float = 0.1
    balance: float = 0.5
    patience: int = 10

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise _refused(f"{name} is {value}; it must be at least {least}.")
        for name in ("dropout", "label_smoothing"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise _refused(f"{name} is {value}; it must be at least 0 and below 1.")
        require_augmentation(self.augmentation)
        if not 0 <= self.balance <= 1:
            raise _refused(f"balance is {self.balance}; it must lie between 0 and 1.")
        if self.unfrozen_layers < 0:
            raise _refused(
                f"The number of unfrozen layers is {self.unfrozen_layers}; it cannot be negative."
            )
        if any(units < 1 for units in self.hidden):
            raise _refused(f"hidden is {self.hidden}; every Dense layer needs at least one unit.")
        if self.optimizer not in OPTIMIZERS:
            near = difflib.get_close_matches(str(self.optimizer).lower(), OPTIMIZERS, 1, 0.5)
            raise _refused(
                f"There is no optimizer {self.optimizer!r}; there are {', '.join(OPTIMIZERS)}."
                + (f" Did you mean {near[0]}?" if near else "")
            )

    @property
    def learns_tail(self) -> bool:
        """Whether there is a phase 2."""
        return self.tail_epochs > 0 and self.unfrozen_layers > 0

    def changed(self, values: dict[str, Any]) -> TrainingPlan:
        """The same plan with other values.

        Raises:
            SettingError: one of them is no field of a plan, or out of range.
        """
        if unknown := sorted(set(values) - {each.name for each in fields(self)}):
            raise _refused(f"A training plan has no {', '.join(unknown)}.")
        return replace(self, **values)


@dataclass(frozen=True)
class Tuning:
    """How much is tried before training.

    Attributes:
        trials: How many; 0 trains with the plan as it is.
        max_minutes: No trial begins after that; 0 for no limit.
    """

    trials: int = 0
    max_minutes: float = 0

    def __post_init__(self) -> None:
        if self.trials < 0 or not self.max_minutes >= 0:
            raise _refused(
                f"{self.trials} trials in at most {self.max_minutes} minutes: neither can be "
                "negative."
            )


def vitrina_plan(backbone: str, **values: Any) -> TrainingPlan:
    """The default recipe.

    Where the network's activations stay small far from its end, more of it learns, from more
    views: phone photos gain by both (docs/experiments.md).
    """
    deep: dict[str, Any] = {}
    if layers := _DEEP.get(backbone):
        deep = {"views": 8, "unfrozen_layers": layers, "tail_epochs": 12}
    return TrainingPlan(backbone=backbone).changed(deep | values)


def study_plan(backbone: str, **values: Any) -> TrainingPlan:
    """The recipe of the study that Vitrina grew out of, on the last 30 layers at 1e-5.

    Its head is one Dense layer of 256 units unless `values` say otherwise.
    """
    study = TrainingPlan(
        backbone=backbone,
        augmentation="study",
        head_epochs=15,
        tail_epochs=10,
        hidden=(256,),
        head_rate=1e-3,
        tail_rate=1e-5,
        tail_schedule="constant",
        head_batch=32,
        dropout=0.3,
        label_smoothing=0.0,
        balance=0.0,
        patience=3,
    )
    return study.changed(values)


RECIPES: dict[str, Callable[..., TrainingPlan]] = {"vitrina": vitrina_plan, "study": study_plan}


def _refused(message: str) -> SettingError:
    return SettingError(message, hint="See docs/train.md.")
