"""How sure a share of right answers is: intervals by bootstrap (Efron, 1979).

Drawing N photos with replacement, again and again, is not carried out photo by photo. An outcome
has two values (a pair of outcomes three that matter), so how many of each a resample holds follows
the binomial (multinomial) distribution exactly. Counts are drawn from it: 100,000 photos cost as
much as ten.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from vitrina.evaluation.comparison import Lead

RESAMPLES = 2000
Interval = tuple[float, float]
Outcomes = npt.NDArray[np.bool_]

_SEED = 20_170_604
_TAILS = (2.5, 97.5)
_Z = 1.959964
"""Of the normal distribution, for 95 %."""


def share_interval(right: Outcomes, *, resamples: int = RESAMPLES, seed: int = _SEED) -> Interval:
    """95 % percentile bootstrap interval of the share of true values.

    Where all outcomes are equal, every resample is equal too, and the bootstrap would claim that
    nothing is left to chance, even after three photos. Wilson's interval stands in there (E. B.
    Wilson, 1927): its width shrinks with the number of photos and is never 0.

    Args:
        right: (N,) bool.
        resamples: Drawn.
        seed: Of the drawing; the same arguments give the same interval.

    Returns:
        Low and high, 0 to 1; NaN twice for no outcomes.
    """
    photos, hits = len(right), int(np.count_nonzero(right))
    if not photos:
        return math.nan, math.nan
    if hits in (0, photos):
        width = _Z**2 / (photos + _Z**2)  # what Wilson's formula comes to for such outcomes
        return (1 - width, 1.0) if hits else (0.0, width)
    drawn = np.random.default_rng(seed).binomial(photos, hits / photos, size=resamples)
    low, high = np.percentile(drawn / photos, _TAILS)
    return float(low), float(high)


def lead(
    right_a: Outcomes, right_b: Outcomes, *, resamples: int = RESAMPLES, seed: int = _SEED
) -> Lead:
    """How far A is ahead of B on the same photos, by paired bootstrap.

    Photos are resampled, not answers: both models find the same photos hard, so the difference is
    surer than either accuracy. Only photos where one of the two is right tell them apart. Where
    those are few, plain resampling claims too much: no resample would ever hold what was not seen
    once. Half a photo is therefore added to each of the four cells "A right or wrong, B right or
    wrong" (Agresti and Min, 2005), which weighs nothing among hundreds.

    Args:
        right_a: (N,) bool.
        right_b: (N,) bool, of the same photos in the same order.
        resamples: Drawn.
        seed: Of the drawing.

    Returns:
        Points and interval in percentage points; NaN, and not beyond noise, for no photos.

    Raises:
        ValueError: the two are not of the same photos.
    """
    if right_a.shape != right_b.shape:
        raise ValueError(f"{right_a.shape} and {right_b.shape} are not answers to the same photos")
    photos = len(right_a)
    if not photos:
        return Lead(points=math.nan, interval=(math.nan, math.nan), beyond_noise=False)
    ahead = int(np.count_nonzero(right_a & ~right_b))
    behind = int(np.count_nonzero(right_b & ~right_a))
    cells = np.array([ahead + 0.5, behind + 0.5, photos - ahead - behind + 1.0])
    drawn = np.random.default_rng(seed).multinomial(photos, cells / cells.sum(), size=resamples)
    low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) * (100 / photos), _TAILS)
    return Lead(
        points=100 * (ahead - behind) / photos,
        interval=(float(low), float(high)),
        beyond_noise=bool(low > 0 or high < 0),
    )
