"""What is known of one model after it was measured: what tables, choice and report read.

Plain records that go to JSON and back through pydantic; nothing here computes a figure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from vitrina.machine import Machine

HyperParameter = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A measured figure over repeats.

    Attributes:
        median: Of the repeats.
        low: The smallest.
        high: The largest.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class SetFigures:
    """What a model scores on one set of photos that it never saw.

    Attributes:
        photos: How many.
        top1: Share whose category came first, 0 to 1.
        top1_interval: 95 % bootstrap interval of it.
        top3: Share whose category was among the first three, 0 to 1.
        top3_interval: Likewise.
        loss: Cross-entropy, nats.
        macro_f1: Mean over categories of the harmonic mean of precision and recall, 0 to 1.
        calibration_error: Expected calibration error of the first category's confidence, 0 to 1.
        by_category: Top-1 of each category that has photos in the set, by slug.
    """

    photos: int
    top1: float
    top1_interval: tuple[float, float]
    top3: float
    top3_interval: tuple[float, float]
    loss: float
    macro_f1: float
    calibration_error: float
    by_category: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class PhotoAnswer:
    """What a model answered to one test photo.

    Attributes:
        sha256: Of the photo's bytes.
        category: The right one, slug.
        guess: The one that came first, slug.
        confidence: Probability of `guess`.
        own: Probability of `category`.
    """

    sha256: str
    category: str
    guess: str
    confidence: float
    own: float


@dataclass(frozen=True, kw_only=True)
class OfflineRecord:
    """runs/<id>/offline.json: measured on the exported file in ONNX Runtime, one photo a call.

    Attributes:
        bundle: Version of the bundle.
        model_sha256: Of its model.onnx.
        fingerprint: Of the dataset.
        test: Figures on the photos that were kept away.
        phone: Figures on the same photos, made to look like a shopper's.
        phone_version: How they were made to look so; figures compare only within one version.
        answers: To the test photos, in the dataset's order.
        size_mb: The network's file, 10^6 bytes.
        parameters_m: Numbers that it holds, millions, head included.
        cpu_ms: Mean time of one inference, milliseconds; p50 and p95 beside it.
        cpu_ms_p50: Median.
        cpu_ms_p95: 95th percentile.
        evaluation_s: Time for the test set, one photo after the other, seconds.
        threads: For one inference.
        machine: Where it was measured.
    """

    bundle: str
    model_sha256: str
    fingerprint: str
    test: SetFigures
    phone: SetFigures
    phone_version: str = ""
    answers: tuple[PhotoAnswer, ...]
    size_mb: float
    parameters_m: float
    cpu_ms: float
    cpu_ms_p50: float
    cpu_ms_p95: float
    evaluation_s: float
    threads: int
    machine: Machine


@dataclass(frozen=True, kw_only=True)
class OnlineRecord:
    """runs/<id>/online.json: measured inside a running web application, through HTTP.

    Attributes:
        way: "vitrina": a bundle in `vitrina serve`; "keras": the study's own way, `model.predict`
            in a FastAPI process.
        inference_time_ms: The network's part of an answer, as the server times it; the median of
            a repeat's requests.
        request_ms: The whole answer as a client sees it: upload, decoding, network, search.
        cold_start_ms: From the start of the process to its first answer to a photo.
        ram_usage_mb: Peak resident memory of the process during the requests, 10^6 bytes.
        cpu_percent: Processor time during the requests per wall time; 100 is one whole core.
        model_size_mb: All files that are deployed, 10^6 bytes.
        requests: Measured ones a repeat, after the warm-up.
        repeats: Fresh processes.
        threads: For one inference.
        cores: That the server was allowed to use.
        machine: Where it was measured.
    """

    way: Literal["vitrina", "keras"]
    inference_time_ms: Spread
    request_ms: Spread
    cold_start_ms: Spread
    ram_usage_mb: Spread
    cpu_percent: Spread
    model_size_mb: float
    requests: int
    repeats: int
    threads: int
    cores: int
    machine: Machine


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial of tuning.

    Attributes:
        number: From 1.
        status: "completed", or "failed" with the reason in `note`.
        values: The hyper-parameters, by name.
        top1: On the validation photos, 0 to 1; None where it failed.
        loss: Cross-entropy there, which decides which trial is best; None where it failed.
        seconds: It took.
        chosen: Whether training went on with it.
        note: Why it failed, or that these are the recipe's own values.
    """

    number: int
    status: Literal["completed", "failed"]
    values: dict[str, HyperParameter]
    top1: float | None
    loss: float | None
    seconds: float
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One backbone of a comparison.

    Attributes:
        backbone: Its name.
        title: What people call it.
        failed: Why there are no figures of it, as the program says it; empty where there are.
        failed_code: `code` of that error, from which the report says it in the reader's language.
        run: Id of its run.
        bundle: Version of its bundle.
        weights: Where its ImageNet weights came from, for people.
        offline: Measured on test photos.
        online: Measured in `vitrina serve`.
        keras: The same network the study's own way, where that was asked for.
        trials: All of tuning, in their order.
        history: One entry an epoch: phase, epoch, loss, accuracy, val_loss, val_accuracy.
        seconds: Duration of each stage, by name.
    """

    backbone: str
    title: str
    failed: str = ""
    failed_code: str = ""
    run: str = ""
    bundle: str = ""
    weights: str = ""
    offline: OfflineRecord | None = None
    online: OnlineRecord | None = None
    keras: OnlineRecord | None = None
    trials: tuple[TrialRecord, ...] = ()
    history: tuple[dict[str, float], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
