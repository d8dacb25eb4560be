"""`GET /metrics`: the server's numbers as Prometheus reads them, for those who may read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import TYPE_CHECKING

from vitrina.serving.metrics import FAMILIES, Family, ServerMetrics

if TYPE_CHECKING:
    from prometheus_client import Metric


def exposition(
    metrics: ServerMetrics,
    accept: str = "",
    *,
    families: Iterable[Family] = FAMILIES,
    shops: Mapping[str, ServerMetrics] | None = None,
) -> tuple[bytes, str]:
    """The text of /metrics and its media type.

    Args:
        metrics: What was counted.
        accept: The request's Accept header: OpenMetrics, or the plain text form.
        families: What is shown of it.
        shops: What was counted for each of several shops; all of `FAMILIES` is shown of it that is
            not in `families`, with the label `shop`.
    """
    # Only here: nobody who waits for the first answer waits for this library.
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    shown: list[tuple[Family, _Counted]] = [(family, {(): metrics}) for family in families]
    if shops is not None:
        named: _Counted = {(name,): counted for name, counted in shops.items()}
        shown += [(family, named) for family in FAMILIES if family not in set(families)]
    registry.register(_Collected(shown))
    ProcessCollector(registry=registry)
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


_Counted = Mapping[tuple[str, ...], ServerMetrics]


def _labels(family: Family, counted: _Counted) -> tuple[str, ...]:
    return (*(("shop",) if any(counted) else ()), *family.labels)


class _Collected:
    """Every family of a server, made anew for each reader.

    Args:
        shown: Each family, and who counted it by the values of the labels that say so.
    """

    def __init__(self, shown: list[tuple[Family, _Counted]]) -> None:
        self._shown = shown

    def collect(self) -> Iterator[Metric]:
        """What the library asks of a collector."""
        for family, counted in self._shown:
            yield _histogram(family, counted) if family.bounds else _plain(family, counted)

    def describe(self) -> list[Metric]:
        """Asked when it is registered: nothing needs to be said before there is a reader."""
        return []


def _plain(family: Family, counted: _Counted) -> Metric:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        InfoMetricFamily,
    )

    values = {
        (*shop, *labels): value
        for shop, metrics in counted.items()
        for labels, value in metrics.values(family).items()
    }
    if family.kind == "info":
        info = InfoMetricFamily(family.name, family.help, labels=_labels(family, counted))
        for labels in values:
            info.add_metric(labels, {})
        return info
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    shown = kind(family.name, family.help, labels=_labels(family, counted))
    for labels, value in values.items():
        shown.add_metric(labels, value)
    return shown


def _histogram(family: Family, counted: _Counted) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    shown = HistogramMetricFamily(family.name, family.help, labels=_labels(family, counted))
    for shop, metrics in counted.items():
        for labels, found in metrics.distributions(family).items():
            below, buckets = 0, []
            for bound, count in zip((*family.bounds, inf), found.counts, strict=True):
                below += count
                buckets.append(("+Inf" if bound == inf else str(bound), float(below)))
            shown.add_metric((*shop, *labels), buckets, found.total)
    return shown
