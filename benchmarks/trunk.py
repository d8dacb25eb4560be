"""What one photo costs in the frozen trunk: Keras against ONNX Runtime, side by side.

    python benchmarks/trunk.py [BACKBONE ...]

Processor milliseconds a photo (user and system, all threads), the two in turn, medians of rounds.
"""

from __future__ import annotations

import resource
import statistics
import sys
from collections.abc import Callable

import numpy as np

from vitrina.training.framework import load_framework

ROUNDS, PHOTOS = 5, 64


def main(backbones: list[str]) -> None:
    """Prints a line a backbone."""
    load_framework()
    from vitrina.training.cut import cut_network
    from vitrina.training.loading import load_backbone
    from vitrina.training.trunk import FrozenTrunk

    photos = np.random.default_rng(0).integers(0, 256, (PHOTOS, 224, 224, 3), dtype=np.uint8)
    for name in backbones:
        keras_trunk = cut_network(load_backbone(name).network, 30).trunk
        frozen = FrozenTrunk(keras_trunk)

        def in_keras(trunk=keras_trunk) -> None:
            for start in range(0, PHOTOS, 32):
                trunk.predict_on_batch(photos[start : start + 32].astype(np.float32))

        def in_onnx(trunk=frozen) -> None:
            for photo in photos:
                trunk(photo)

        in_keras(), in_onnx()  # compiled, warmed
        pairs = [(cpu_ms(in_keras), cpu_ms(in_onnx)) for _ in range(ROUNDS)]
        keras_ms, onnx_ms = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{name}: Keras {keras_ms:.2f} ms, ONNX {onnx_ms:.2f} ms, {keras_ms / onnx_ms:.2f} x")


def cpu_ms(work: Callable[[], None]) -> float:
    """Processor milliseconds a photo."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds * 1e3 / PHOTOS


if __name__ == "__main__":
    main(sys.argv[1:] or ["mobilenet_v2", "efficientnet_lite0", "efficientnet_b0", "resnet50"])
