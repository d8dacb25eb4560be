"""The network that is deployed: backbone, pooling and head, from a photo's bytes to two answers."""

from __future__ import annotations

import keras


def deployed_network(network: keras.Model, head: keras.Model) -> keras.Model:
    """Joins a backbone and its head, sharing their layers.

    Args:
        network: (N, 224, 224, 3) float32 RGB, 0..255 -> (N, h, w, D) float32.
        head: (N, D) float32 -> (N, C) float32 probabilities.

    Returns:
        (N, 224, 224, 3) uint8 RGB `photo` -> (N, C) float32 probabilities and (N, D) float32
        embedding of unit length.
    """
    photo = keras.Input(network.input.shape[1:], dtype="uint8", name="photo")
    # a layer, not `keras.ops.cast`, which the HDF5 format writes but cannot read back
    features = network(keras.layers.Rescaling(1.0, dtype="float32", name="as_numbers")(photo))
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    embedding = keras.layers.UnitNormalization(name="embedding")(pooled)
    return keras.Model(photo, [head(pooled), embedding], name="vitrina")
