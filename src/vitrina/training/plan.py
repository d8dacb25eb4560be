"""What a training run is asked to do; needs no Keras."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.errors import SettingError

_LEAST = {"views": 1, "head_epochs": 1, "tail_epochs": 0, "head_batch": 1, "tail_batch": 1}


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """The recipe of one run; one plan on one dataset gives the same model, up to rounding.

    Attributes:
        backbone: A name from `vitrina.training.backbones`.
        seed: Of the split, the views, the first weights and the order.
        views: How many pictures each photo counts for: itself and changed ones.
        head_epochs: Passes of phase 1, in which only the head learns, at most.
        tail_epochs: Passes of phase 2, in which the last layers learn too; 0 leaves it out.
        unfrozen_layers: How many of the backbone's last layers learn in phase 2.
        head_rate: Learning rate of phase 1; halved whenever the validation loss stops falling.
        tail_rate: Learning rate at the start of phase 2; falls to 0 along a cosine. The study's
            1e-5 hardly moves anything in so few passes: see docs/experiments.md.
        head_batch: Views a step of phase 1.
        tail_batch: Views a step of phase 2.
        dropout: Share of the embedding that is left out at each step.
        label_smoothing: Share of certainty taken from each label; wrong labels hurt less.
        patience: Passes without a better validation loss after which phase 1 ends.
    """

    backbone: str
    seed: int = 0
    views: int = 4
    head_epochs: int = 40
    tail_epochs: int = 5
    unfrozen_layers: int = 30
    head_rate: float = 2e-3
    tail_rate: float = 5e-4
    head_batch: int = 128
    tail_batch: int = 32
    dropout: float = 0.4
    label_smoothing: float = 0.1
    patience: int = 4

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise SettingError(
                    f"{name} is {value}; it must be at least {least}.", hint="See docs/train.md."
                )
