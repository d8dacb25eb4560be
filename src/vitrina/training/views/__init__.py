"""Views of a photo: the same product as another shopper might have taken it.

Each photo counts for itself and for some changed copies of it. Two kinds of changes are known:
those of the study, which leave a studio photo a studio photo, and those that a shopper's phone
makes, which are the default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import numpy as np

from vitrina.errors import SettingError
from vitrina.photos import Pixels
from vitrina.training.views.phone import phone_view
from vitrina.training.views.study import study_view

Augmentation = Literal["phone", "study"]

RECIPES: dict[Augmentation, str] = {"phone": "phone-4", "study": "study-1"}
"""Names what each kind does; changes with it, because cached activations depend on it."""

_KINDS: dict[Augmentation, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "phone": phone_view,
    "study": study_view,
}


def augmented_view(
    pixels: Pixels, sha256: str, view: int, seed: int, augmentation: Augmentation = "phone"
) -> Pixels:
    """View number `view` of a photo; the same arguments give the same pixels, in any order.

    Args:
        pixels: (224, 224, 3) uint8.
        sha256: Of the photo, so that each photo gets changes of its own.
        view: 0 is the photo itself, unchanged; each higher number another view.
        seed: Of the run.
        augmentation: Which kind of changes.

    Returns:
        (224, 224, 3) uint8.
    """
    if view == 0:
        return pixels
    name = f"{RECIPES[augmentation]}/{seed}/{sha256}/{view}".encode()
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(name).digest()[:8], "big"))
    return _KINDS[augmentation](pixels, rng)


def require_augmentation(name: str) -> None:
    """Refuses a kind that there is not.

    Raises:
        SettingError: with the kinds that there are.
    """
    if name not in RECIPES:
        raise SettingError(
            f"There is no augmentation {name!r}; there are {', '.join(RECIPES)}.",
            hint="See docs/train.md.",
        )
