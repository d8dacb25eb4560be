"""Search by photo beside search by words: what each leads to, and whether that is chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vitrina.admin.figures import Figures, Outcome
from vitrina.evaluation.sequential import Share, compare_shares

Step = Literal["click", "cart", "order"]
STEPS: tuple[Step, ...] = ("click", "cart", "order")
Verdict = Literal["more", "less", "open"]


@dataclass(frozen=True)
class Beside:
    """Both searches within one period.

    Attributes:
        sides: Search by photo, then search by words.
        judged: By which step they are compared: orders, or clicks where no order is known of.
        verdict: Whether photos lead there more or less often than words; "open" where chance may
            have made the difference.
        shares: Of the searches that led there, 0 to 1, by photo and by words.
    """

    sides: tuple[Outcome, Outcome]
    judged: Step
    verdict: Verdict
    shares: tuple[float, float]

    @property
    def can_compare(self) -> bool:
        """Whether there were searches of both kinds."""
        return all(side.searches for side in self.sides)

    @property
    def knows_orders(self) -> bool:
        """Whether anybody told of a cart or an order."""
        return any(side.events.get(kind) for side in self.sides for kind in ("cart", "order"))


def beside(found: Figures) -> Beside:
    """Compares the two of a period."""
    sides = (found.photos, found.words)
    judged: Step = "order" if any(side.events.get("order") for side in sides) else "click"
    photos, words = (Share(side.with_event.get(judged, 0), side.searches) for side in sides)
    difference = compare_shares(words, photos)
    verdict: Verdict = "open"
    if difference.is_sure:
        verdict = "more" if difference.estimate > 0 else "less"
    return Beside(sides, judged, verdict, (photos.value, words.value))
