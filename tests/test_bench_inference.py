"""`vitrina bench inference`: every way in turns, beside the floor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from convolutional import convolutional_model
from typer.testing import CliRunner

from vitrina.bench import inference
from vitrina.bench.inference import InferenceBenchmark, benchmark_inference, ways
from vitrina.bench.inference_worker import Started, Turn, Way, Worker, multiply_adds_per_second
from vitrina.bench.measured_networks import Measured
from vitrina.cli.commands import app
from vitrina.shop import Shop


def test_every_way_once() -> None:
    tried = ways(["fp32", "int8"], [1, 2])
    assert len(tried) == len(set(tried))
    plain = {(way.precision, way.engine, way.threads) for name, way in tried if not name}
    engines = {engine for _, engine, _ in plain}
    assert plain == {(p, e, t) for p in ("fp32", "int8") for e in engines for t in (1, 2)}
    others = {name: way for name, way in tried if name}
    assert set(others) == set(inference.OTHER_CHOICES)
    assert others["threads that spin"].threads == 2
    assert not any(way.choices.spinning for _, way in ways(["fp32"], [1]))


def test_a_worker_works(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(convolutional_model())
    worker = Worker(model, Way("fp32", "onnxruntime", 1))
    try:
        assert worker.started.seconds > 0
        turn = worker.turn(2, 4)
        assert turn.ms > 0
        assert turn.photos_per_second > 0
    finally:
        worker.close()


def test_a_worker_that_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(RuntimeError, match="cannot be loaded"):
        Worker(tmp_path / "model.onnx", Way("fp32", "onnxruntime", 1))


def test_the_floor_is_what_matrices_take() -> None:
    assert multiply_adds_per_second(Turn(ms=9.0, photos_per_second=0, processor_ms=1.0)) == (
        384**3 * 1000
    )


class MadeUp:
    """A worker whose time is made up: of threads, precision and engine, nothing of the machine."""

    ms = {"fp32": 8.0, "int8": 4.0}  # noqa: RUF012

    def __init__(self, model: Path | None, way: Way) -> None:
        if way.engine == "openvino":
            raise RuntimeError("it has no such instruction")
        self._model, self._way = model, way
        self.started = Started(0.05, 0.0, 30.0)

    def turn(self, callers: int, _photos: int) -> Turn:
        if self._model is None:
            return Turn(9.0, 0.0, 1.0)
        ms = self.ms[self._way.precision] / self._way.threads
        slower = 1.0 if self._way.choices.arena else 1.5
        return Turn(ms * slower, callers * 1e3 / ms, self.ms[self._way.precision] * slower)

    def close(self) -> None:
        pass


def measured(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> InferenceBenchmark:
    class Said:
        def say(self, sentence: str) -> None:
            said.append(sentence)

        def step(self, _label: str, _total: int) -> Said:
            return self

        def advance(self) -> None:
            pass

        def __enter__(self) -> Said:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(inference, "Worker", MadeUp)
    monkeypatch.setattr(inference, "_IDLE_SECONDS", 0)
    monkeypatch.setattr(inference, "openvino_installed", lambda: True)
    network = Measured("made_up", {"fp32": Path("a"), "int8": Path("b")}, 2 * 384**3)
    return benchmark_inference([network], 3, [1, 2], Said())  # type: ignore[arg-type]


def test_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    result = measured(monkeypatch, said)
    assert any("openvino" in each and "no such instruction" in each for each in said)
    rows = {(r.precision, r.threads, r.callers, r.choice): r for r in result.rows}
    assert result.floor_ms["made_up"] == pytest.approx(2.0)
    plain = rows["fp32", 1, 1, ""]
    assert (plain.ms, plain.ratio, plain.floor_share) == (8.0, 1.0, pytest.approx(0.25))
    assert rows["fp32", 2, 1, ""].floor_share == pytest.approx(0.25)
    assert rows["fp32", 2, 1, ""].ms == 4.0
    assert rows["int8", 1, 1, ""].ratio == pytest.approx(0.5)
    assert rows["int8", 1, 1, ""].floor_share is None
    assert rows["fp32", 1, 2, "no arena"].ratio == pytest.approx(1.5)
    assert rows["fp32", 1, 2, ""].photos_per_second == pytest.approx(250)
    assert result.rounds == 3


def test_the_command(published_shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(inference, "Worker", MadeUp)
    shop = ["--shop", str(published_shop.folder.root)]
    done = CliRunner().invoke(
        app, ["bench", "inference", *shop, "--rounds", "2", "--threads", "1", "--json"]
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert {row["threads"] for row in result["rows"]} == {1}
    told = CliRunner().invoke(app, ["bench", "inference", *shop, "--rounds", "1"])
    assert told.exit_code == 0, told.output
    assert "fp32 ORT 1T" in told.stdout
    assert "Matrix products on one thread" in told.stdout


@pytest.mark.parametrize("threads", ["none", "0", "1,-2"])
def test_threads_that_are_no_numbers(published_shop: Shop, threads: str) -> None:
    arguments: Sequence[str] = ["bench", "inference", "--threads", threads]
    done = CliRunner().invoke(app, [*arguments, "--shop", str(published_shop.folder.root)])
    assert done.exit_code == 2
