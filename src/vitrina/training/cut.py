"""Where a network is cut in two: a frozen trunk, and a tail that goes on learning."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from vitrina.errors import SettingError


@dataclass(frozen=True)
class CutNetwork:
    """A network in two halves that share its layers: `tail(trunk(x)) == network(x)`.

    Attributes:
        trunk: (N, 224, 224, 3) float32, 0..255 -> (N, h, w, c) float32; never trained.
        tail: (N, h, w, c) float32 -> the network's output; its last layers may be trained.
        at: Name of the layer whose output is handed over.
        network: The whole.
    """

    trunk: keras.Model
    tail: keras.Model
    at: str
    network: keras.Model


def cut_network(network: keras.Model, unfrozen_layers: int) -> CutNetwork:
    """Cuts where everything passes through one layer, `unfrozen_layers` or more from the end.

    A residual network can only be cut between its blocks. Layers behind the cut but further than
    `unfrozen_layers` from the end stay frozen, and so do all BatchNormalization layers: their
    statistics belong to ImageNet, and a frozen one also runs in inference mode.

    Args:
        network: Functional and flat.
        unfrozen_layers: How many of the last layers learn, counted as Keras lists them.

    Raises:
        SettingError: the number is not between 1 and that of the layers after the input.
    """
    layers = network.layers
    if not 1 <= unfrozen_layers < len(layers):
        raise SettingError(
            f"The number of unfrozen layers is {unfrozen_layers}; {network.name} has "
            f"{len(layers) - 1} that can learn.",
            hint="Choose a number between 1 and that, such as 30.",
        )
    first_free = len(layers) - unfrozen_layers
    place = {layer.name: number for number, layer in enumerate(layers)}
    last_use = _last_uses(layers, place)
    cut = next(
        number
        for number in range(first_free - 1, -1, -1)
        # all that is made up to here and still needed behind here is this one output
        if all(last_use[layers[early].name] <= number for early in range(number))
    )
    unfreeze(network, unfrozen_layers)
    middle = layers[cut].output
    return CutNetwork(
        trunk=keras.Model(network.input, middle, name="trunk"),
        tail=keras.Model(middle, network.output, name="tail"),
        at=layers[cut].name,
        network=network,
    )


def unfreeze(network: keras.Model, unfrozen_layers: int) -> None:
    """Lets the last layers learn and no others; BatchNormalization layers never.

    Args:
        network: Flat, as `cut_network` takes it; may have been cut at more layers than these.
        unfrozen_layers: How many of its last layers.
    """
    first_free = len(network.layers) - unfrozen_layers
    for number, layer in enumerate(network.layers):
        layer.trainable = number >= first_free and not isinstance(
            layer, keras.layers.BatchNormalization
        )


def _last_uses(layers: list[keras.Layer], place: dict[str, int]) -> dict[str, int]:
    """For each layer the number of the last layer that takes its output."""
    last = {layer.name: place[layer.name] for layer in layers}
    for layer in layers:
        for source in _sources(layer):
            last[source] = max(last[source], place[layer.name])
    return last


def _sources(layer: keras.Layer) -> list[str]:
    """Names of the layers whose outputs `layer` takes."""
    inputs = layer.input if isinstance(layer.input, list) else [layer.input]
    return [
        tensor._keras_history.operation.name
        for tensor in inputs
        if tensor._keras_history.operation is not layer
    ]
