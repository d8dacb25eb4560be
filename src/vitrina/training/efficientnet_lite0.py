"""EfficientNet-Lite0, which Keras Applications lacks.

EfficientNet (Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", ICML 2019) as its authors cut it down for processors and phones: no squeeze-and-excite,
ReLU6 in place of swish, stem and head of a fixed width. Layers carry the names that Keras gives
those of EfficientNet-B0.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers


@dataclass(frozen=True)
class Stage:
    """Inverted residual blocks alike but for the first, which alone may stride."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    repeats: int


STEM_CHANNELS = 32
STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
HEAD_CHANNELS = 1280


def efficientnet_lite0(scaled: keras.KerasTensor) -> keras.Model:
    """Builds the network on `scaled` pixels, with random weights and no classifier.

    Args:
        scaled: (N, 224, 224, 3) float32 in about -1..1, of a functional graph.

    Returns:
        The model from that graph's input to (N, 7, 7, 1280) float32 in 0..6.
    """
    x = layers.Conv2D(
        STEM_CHANNELS, 3, strides=2, padding="same", use_bias=False, name="stem_conv"
    )(scaled)
    x = _normalised(x, "stem_", activate=True)
    for number, stage in enumerate(STAGES, start=1):
        for repeat in range(stage.repeats):
            stride = stage.stride if repeat == 0 else 1
            x = _block(x, stage, stride, f"block{number}{chr(ord('a') + repeat)}_")
    x = layers.Conv2D(HEAD_CHANNELS, 1, padding="same", use_bias=False, name="top_conv")(x)
    x = _normalised(x, "top_", activate=True)
    return keras.Model(keras.utils.get_source_inputs(scaled), x, name="efficientnet_lite0")


def _block(x: keras.KerasTensor, stage: Stage, stride: int, name: str) -> keras.KerasTensor:
    """An inverted residual block (Sandler et al., "MobileNetV2", CVPR 2018)."""
    entered = x
    channels = x.shape[-1]
    if stage.expansion != 1:
        x = layers.Conv2D(
            channels * stage.expansion, 1, padding="same", use_bias=False, name=f"{name}expand_conv"
        )(x)
        x = _normalised(x, f"{name}expand_", activate=True)
    x = layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}dwconv"
    )(x)
    x = _normalised(x, name, activate=True)
    x = layers.Conv2D(
        stage.channels, 1, padding="same", use_bias=False, name=f"{name}project_conv"
    )(x)
    x = _normalised(x, f"{name}project_", activate=False)
    if stride == 1 and channels == stage.channels:
        x = layers.Add(name=f"{name}add")([x, entered])
    return x


def _normalised(x: keras.KerasTensor, name: str, *, activate: bool) -> keras.KerasTensor:
    x = layers.BatchNormalization(name=f"{name}bn")(x)
    return layers.ReLU(6.0, name=f"{name}activation")(x) if activate else x
