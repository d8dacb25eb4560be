"""The head: from the backbone's pooled features to the shop's categories."""

from __future__ import annotations

import keras

from vitrina.training.plan import TrainingPlan


def build_head(feature_dim: int, classes: int, plan: TrainingPlan) -> keras.Model:
    """A new head with weights drawn from the plan's seed.

    Args:
        feature_dim: D, length of the pooled features.
        classes: C, number of categories.
        plan: Dropout and hidden layers.

    Returns:
        (N, D) float32 -> (N, C) float32 probabilities.
    """
    layers: list[keras.layers.Layer] = [keras.layers.Input((feature_dim,))]
    for number, units in enumerate((*plan.hidden, classes)):
        layers.append(keras.layers.Dropout(plan.dropout, seed=plan.seed + number))
        last = number == len(plan.hidden)
        layers.append(
            keras.layers.Dense(
                units,
                activation="softmax" if last else "relu",
                kernel_initializer=keras.initializers.GlorotUniform(seed=plan.seed + number),
                name="probabilities" if last else f"hidden_{number + 1}",
            )
        )
    return keras.Sequential(layers, name="head")
