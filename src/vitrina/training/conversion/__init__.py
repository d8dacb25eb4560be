"""Turning weights of other formats into Keras layers.

Each module here has `convert(members, network)`: from the contents of a package's files to the
arrays of each layer. Nothing is guessed: what is missing, left over, of another shape or not
finite stops the conversion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vitrina.errors import WeightsDamaged

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]
LayerArrays = dict[str, list[Array]]
"""The arrays of each layer by the layer's name, in the order of `layer.get_weights()`."""


class NamedArrays:
    """The arrays of a file, of which each is to be taken exactly once."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._left = dict(arrays)

    def take(self, name: str) -> Array:
        """Hands the array called `name` out.

        Raises:
            WeightsDamaged: There is none, or it was taken before.
        """
        if name not in self._left:
            raise WeightsDamaged(f"Expected an array {name!r} in the weights file; it has none.")
        return self._left.pop(name)

    def finish(self, *, unused: Iterable[str]) -> None:
        """Makes sure that all arrays were taken but those called `unused`.

        Raises:
            WeightsDamaged: Some are left over.
        """
        left = sorted(self._left.keys() - set(unused))
        if left:
            raise WeightsDamaged(
                f"{len(left)} arrays of the weights file belong to no layer: {', '.join(left[:5])}."
            )


def fill(network: keras.Model, converted: LayerArrays) -> None:
    """Gives every layer of `network` its arrays.

    Raises:
        WeightsDamaged: A layer gets none, an array has no layer, or one has another shape than
            its layer or holds values that are not finite. The network must not be used then.
    """
    expecting = {layer.name: layer for layer in network.layers if layer.weights}
    unset = sorted(expecting.keys() - converted.keys())
    unknown = sorted(converted.keys() - expecting.keys())
    if unset or unknown:
        raise WeightsDamaged(
            f"The weights do not fit {network.name}: {len(unset)} layers get none "
            f"({', '.join(unset[:5])}), {len(unknown)} names are no layers "
            f"({', '.join(unknown[:5])})."
        )
    for name, layer in expecting.items():
        expected = [tuple(variable.shape) for variable in layer.weights]
        found = [array.shape for array in converted[name]]
        if expected != found:
            raise WeightsDamaged(f"Layer {name}: expected shapes {expected}, found {found}.")
        if not all(np.isfinite(array).all() for array in converted[name]):
            raise WeightsDamaged(f"Layer {name}: expected finite values, found others.")
        layer.set_weights(converted[name])
