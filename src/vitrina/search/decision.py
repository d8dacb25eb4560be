"""Whether a photo's category fills the search box, is asked about, or is none that the shop has.

Two thresholds follow from what the shop accepts and from the outcomes of the photos that were
watched in training; they are found when a server starts, so a setting changes them at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vitrina.evaluation.decisions import DecisionModel, Outcomes
from vitrina.evaluation.evidence import Evidence, Floats
from vitrina.search.answers import Decision
from vitrina.settings import Settings

_DOUBT = 0.1
"""Chance that the promised share of wrong fills is exceeded."""

_UNHEARD = 3.0
"""A category that the network never saw is taken to fill the box so many times as often as one that
was only masked. With it, wrong answers among filled boxes kept to the accepted share on average
where whole categories were held out of training: `vitrina bench decisions`, docs/decisions.md."""

_FIRST_TESTED = 1 / 3
"""Share of the watched photos that the first threshold tested fills the box for."""


_MANY = 100
"""Photos among which a slip or two do not forbid a proof."""


@dataclass(frozen=True)
class AcceptedRisk:
    """What the shop accepts.

    Attributes:
        wrong_fills: Share of wrong answers among filled boxes.
        unsold_photos: Share of shoppers' photos that show nothing that the shop sells.
        wrong_unknowns: Share of photos of what it does sell that may be called unknown.
    """

    wrong_fills: float = 0.05
    unsold_photos: float = 0.125
    wrong_unknowns: float = 0.05

    @classmethod
    def of(cls, settings: Settings) -> AcceptedRisk:
        """As the shop has set it."""
        return cls(settings.wrong_fills, settings.unsold_photos, settings.wrong_unknowns)


@dataclass(frozen=True)
class Verdict:
    """What is made of one photo.

    Attributes:
        decision: "category", "unsure" or "unknown".
        probabilities: (C,) float32, calibrated; the largest is the confidence that is shown.
    """

    decision: Decision
    probabilities: Floats


class Decider:
    """Decides about photos; microseconds each, and may be used from several threads.

    Args:
        model: What was fitted; None where too few photos had been watched for that.
        fill_threshold: Confidence from which the box is filled without a model.
        risk: What the shop accepts.
    """

    def __init__(
        self,
        model: DecisionModel | None,
        fill_threshold: float,
        risk: AcceptedRisk = AcceptedRisk(),
    ) -> None:
        self._model = model
        self._fill_threshold = fill_threshold
        self._strange_up_to = -math.inf
        self.proven = False
        if model is None:
            return
        sold = model.sold
        self._usual = [np.sort(kind) for kind in _familiar_signs(sold)]
        familiar = self._familiarity(sold, watched=True)
        self._strange_up_to = _lower_quantile(familiar, risk.wrong_unknowns)
        unsold = self._familiarity(model.unsold)
        self._certain_from, self.proven = fill_threshold_for(
            _fillable(sold.certainty, familiar > self._strange_up_to),
            sold.right,
            _fillable(model.unsold.certainty, unsold > self._strange_up_to),
            risk,
        )

    def decide(self, probabilities: Floats, embedding: Floats) -> Verdict:
        """What is made of a photo.

        Args:
            probabilities: (C,) float32, the network's.
            embedding: (D,) float32, unit length.
        """
        calibrated, decisions = self.decide_many(probabilities[None], embedding[None])
        return Verdict(decisions[0], calibrated[0])

    def decide_many(
        self, probabilities: Floats, embeddings: Floats
    ) -> tuple[Floats, list[Decision]]:
        """The same for N photos: (N, C) float32 calibrated probabilities, and N decisions."""
        if self._model is None:
            filled = probabilities.max(axis=1) >= self._fill_threshold
            return probabilities, ["category" if sure else "unsure" for sure in filled]
        found = self._model.weigh(probabilities, embeddings)
        strange = self._familiarity(found) <= self._strange_up_to
        filled = found.certainty >= self._certain_from
        return found.probabilities, [
            "unknown" if odd else "category" if sure else "unsure"
            for odd, sure in zip(strange, filled, strict=True)
        ]

    def _familiarity(
        self, found: Evidence | Outcomes, *, watched: bool = False
    ) -> npt.NDArray[np.float64]:
        """How usual photos are among those of what is sold, 0 to 1.

        The product of three shares: of watched photos with no less entropy, of those that were no
        nearer to what was learned from, and of those that were no more typical of any category.
        Each is a conformal p-value (Bates et al., "Testing for Outliers with Conformal p-values",
        Annals of Statistics 2023).

        Args:
            found: About N photos.
            watched: Whether these are the watched photos: none is compared with itself then.
        """
        familiarity = np.ones(len(found.entropy))
        for usual, signs in zip(self._usual, _familiar_signs(found), strict=True):
            as_strange = 1 + np.searchsorted(usual, signs, side="right")
            count = len(usual) + 1
            familiarity *= (as_strange - watched) / (count - watched)
        return familiarity


def _familiar_signs(found: Evidence | Outcomes) -> tuple[Floats, Floats, Floats]:
    """Each (N,) float32; the larger, the more usual."""
    return -found.entropy, found.nearness, found.typicality


def fill_threshold_for(
    sold: Floats,
    right: npt.NDArray[np.bool_],
    unsold: Floats,
    risk: AcceptedRisk,
) -> tuple[float, bool]:
    """The lowest certainty from which boxes may be filled.

    Two things must hold. Among photos of what is sold, filled boxes are wrong more often than
    `wrong_fills` with a chance of at most 10 %: thresholds are tested from a high one down
    with the exact binomial test until one fails ("Learn then Test", Angelopoulos et al., 2021, with
    fixed-sequence testing). And the share is kept by estimate when `unsold_photos` of all photos
    show what is not sold.

    Args:
        sold: (N,) certainty of photos of what is sold; minus infinity is never filled.
        right: (N,) bool.
        unsold: (M,) certainty of photos of what is not sold, which are wrong whenever filled.
        risk: What is accepted.

    Returns:
        The threshold; and whether the first condition was tested, for which some dozens of photos
        are needed (45 for 5 %), and none of a few dozen may be wrong. Where it was not, the
        estimate alone decides.
    """
    order = np.argsort(-sold, kind="stable")
    ranked = sold[order]
    filled = np.arange(1, len(ranked) + 1)
    wrong = np.cumsum(~right[order])
    falls = np.isfinite(ranked) & np.append(ranked[1:] < ranked[:-1], True)
    steps = np.flatnonzero(falls)  # equal certainties are filled all or none
    share = risk.unsold_photos
    from_unsold = len(unsold) - np.searchsorted(np.sort(unsold), ranked[steps], side="left")
    known_part = (1 - share) * filled[steps] / max(len(sold), 1)
    known_wrong = (1 - share) * wrong[steps] / max(len(sold), 1)
    unsold_part = share * _UNHEARD * from_unsold / max(len(unsold), 1)
    estimate = (known_wrong + unsold_part) / np.maximum(known_part + unsold_part, 1e-12)
    kept = estimate <= risk.wrong_fills
    # with fewer not even a flawless record passes; with few a single slip ends the sequence
    least = max(math.log(_DOUBT) / math.log(1 - risk.wrong_fills), len(sold) * _FIRST_TESTED)
    tested = filled[steps] >= least
    proven = False
    if tested.any():
        passed = np.cumprod(
            [
                binomial_tail(int(wrong[step]), int(filled[step]), risk.wrong_fills) <= _DOUBT
                for step in steps[tested]
            ]
        ).astype(np.bool_)
        # a single slip among a few dozen photos forbids any proof: as where there are fewer, the
        # estimate alone decides then, or the box would never be filled
        few = filled[steps[tested][0]] < _MANY
        if proven := bool(passed[0]) or not few:
            kept &= np.concatenate([np.repeat(passed[0], (~tested).sum()), passed])
    if not kept.any():
        return math.inf, proven
    return float(ranked[steps[np.flatnonzero(kept)[-1]]]), proven


def binomial_tail(successes: int, trials: int, chance: float) -> float:
    """How probable at most so many successes are."""
    logs = [
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(chance)
        + (trials - k) * math.log1p(-chance)
        for k in range(successes + 1)
    ]
    return min(1.0, sum(math.exp(each) for each in logs))


def _fillable(certainty: Floats, familiar: npt.NDArray[np.bool_]) -> Floats:
    """Certainty, but minus infinity where the photo is called unknown before anything is filled."""
    only: Floats = np.where(familiar, certainty, -np.inf).astype(np.float32)
    return only


def _lower_quantile(values: npt.NDArray[np.float64], share: float) -> float:
    """The largest value that at most that share of `values` does not exceed."""
    ordered = np.sort(values)
    allowed = math.floor(share * len(ordered))
    # ties all count, so the last value that leaves no more than `allowed` at or below it
    below = np.searchsorted(ordered, ordered, side="right")
    fitting = ordered[below <= allowed]
    return float(fitting[-1]) if len(fitting) else -math.inf
