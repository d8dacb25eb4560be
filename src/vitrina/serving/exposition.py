"""`GET /metrics`: the server's numbers as Prometheus reads them, for those who may read them."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from vitrina.serving.metrics import FAMILIES, Family, ServerMetrics

if TYPE_CHECKING:
    from prometheus_client import Metric


def exposition(metrics: ServerMetrics, accept: str = "") -> tuple[bytes, str]:
    """The text of /metrics and its media type.

    Args:
        metrics: What was counted.
        accept: The request's Accept header: OpenMetrics, or the plain text form.
    """
    # Only here: nobody who waits for the first answer waits for this library.
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(_Collected(metrics))
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Collected:
    """Every family of a server, made anew for each reader."""

    def __init__(self, metrics: ServerMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """What the library asks of a collector."""
        for family in FAMILIES:
            yield (
                _histogram(self._metrics, family)
                if family.bounds
                else _plain(self._metrics, family)
            )

    def describe(self) -> list[Metric]:
        """Asked when it is registered: nothing needs to be said before there is a reader."""
        return []


def _plain(metrics: ServerMetrics, family: Family) -> Metric:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        InfoMetricFamily,
    )

    values = metrics.values(family)
    if family.kind == "info":
        info = InfoMetricFamily(family.name, family.help, labels=family.labels)
        for labels in values:
            info.add_metric(labels, {})
        return info
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    shown = kind(family.name, family.help, labels=family.labels)
    for labels, value in values.items():
        shown.add_metric(labels, value)
    return shown


def _histogram(metrics: ServerMetrics, family: Family) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    shown = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for labels, found in metrics.distributions(family).items():
        below, buckets = 0, []
        for bound, count in zip((*family.bounds, inf), found.counts, strict=True):
            below += count
            buckets.append(("+Inf" if bound == inf else str(bound), float(below)))
        shown.add_metric(labels, buckets, found.total)
    return shown
