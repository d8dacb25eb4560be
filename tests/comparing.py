"""Candidates of a comparison, made up: only what decides a choice is told."""

from __future__ import annotations

from collections.abc import Sequence

from vitrina.evaluation.candidate import (
    Candidate,
    OfflineRecord,
    OnlineRecord,
    PhotoAnswer,
    SetFigures,
    Spread,
)
from vitrina.machine import Machine

MACHINE = Machine(processor="any", cores=2, memory_gb=8, system="any", python="3")


def figures(top1: float, photos: int = 10) -> SetFigures:
    return SetFigures(
        photos=photos,
        top1=top1,
        top1_interval=(0, 1),
        top3=1,
        top3_interval=(0, 1),
        loss=1,
        macro_f1=top1,
        calibration_error=0.1,
        by_category={"lampy": top1},
    )


def answers(right: Sequence[bool]) -> tuple[PhotoAnswer, ...]:
    return tuple(
        PhotoAnswer(
            sha256=f"{number:064x}",
            category="lampy",
            guess="lampy" if each else "kabeli",
            confidence=0.9,
            own=0.9 if each else 0.1,
        )
        for number, each in enumerate(right)
    )


def offline(right: Sequence[bool], phone: float = 0.5) -> OfflineRecord:
    """Of a model whose answers to the test photos were right or wrong like that."""
    return OfflineRecord(
        bundle="any",
        model_sha256="0" * 64,
        fingerprint="any",
        test=figures(sum(right) / len(right), len(right)),
        phone=figures(phone, len(right)),
        answers=answers(right),
        size_mb=10,
        parameters_m=2,
        cpu_ms=10,
        cpu_ms_p50=10,
        cpu_ms_p95=12,
        evaluation_s=1,
        threads=2,
        machine=MACHINE,
    )


def online(
    *, ram: float = 100, latency: float = 20, cold_start: float = 500, size: float = 10
) -> OnlineRecord:
    def spread(value: float) -> Spread:
        return Spread(median=value, low=value, high=value)

    return OnlineRecord(
        way="vitrina",
        inference_time_ms=spread(latency / 2),
        request_ms=spread(latency),
        cold_start_ms=spread(cold_start),
        ram_usage_mb=spread(ram),
        cpu_percent=spread(100),
        model_size_mb=size,
        requests=200,
        repeats=3,
        threads=2,
        cores=2,
        machine=MACHINE,
    )


def candidate(
    backbone: str,
    right: Sequence[bool] = (True, False),
    *,
    phone: float = 0.5,
    online: OnlineRecord | None = None,
    failed: str = "",
) -> Candidate:
    return Candidate(
        backbone=backbone,
        title=backbone,
        failed=failed,
        offline=None if failed else offline(right, phone),
        online=online,
    )
