"""`vitrina bench serve`: how its figures come about, and a short run against a real server."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import struct
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from asking import AppClient
from drawing import COLOURS, drawn_photo
from PIL import Image
from typer.testing import CliRunner

from vitrina import Shop
from vitrina.bench.load_figures import RoundFigures, latency, round_figures
from vitrina.bench.load_process import LoadGenerator
from vitrina.bench.open_loop import Offered, Outcome, Sent
from vitrina.bench.photo_mix import KINDS, MIXES, PHONE_SIZE, PhotoMix, make_mix, read_mix
from vitrina.bench.plain_server import create_plain
from vitrina.bench.resources import Held, held_now
from vitrina.bench.serve import (
    UNLIMITED,
    LoadPlan,
    ServeBenchmark,
    benchmark_serving,
    shop_pictures,
)
from vitrina.bench.server_load import ServerLoad
from vitrina.bench.sustainable import find_sustainable_rate
from vitrina.cli.commands import app
from vitrina.errors import EvaluationError, NoBundle, PhotoError
from vitrina.evaluation.online import serve_command
from vitrina.evaluation.server_process import ServerProcess
from vitrina.photos import decode
from vitrina.settings import Settings

SHORT = LoadPlan(
    mix="widget=9,bad=1",
    starts=1,
    in_turn=10,
    low_rate=20,
    low_seconds=1,
    confirm_seconds=2,
    overload_seconds=2,
    rate=20,
)


def outcome(
    status: int, seconds: float = 0.1, photo: int = 0, *, retry_after: bool = False
) -> Outcome:
    return Outcome(photo, 1.0, 1.001, 1.0 + seconds, status, "answered", retry_after)


def counted(outcomes: list[Outcome], seconds: float = 2.0) -> RoundFigures:
    offered = Offered(outcomes, wall_seconds=4.0, cpu_seconds=0.2)
    return round_figures(offered, ("widget", "bad"), rate=5, seconds=seconds, deadline=1.0)


def test_each_ending_is_counted_apart() -> None:
    figures = counted(
        [
            outcome(200),
            outcome(200, 1.5),  # answered, though too late to be of use
            outcome(422, photo=1),
            outcome(200, photo=1),  # a bad photo was taken for a good one
            outcome(415),
            outcome(503, 0.01, retry_after=True),
            outcome(429, 0.02),
            outcome(0)._replace(ending="timed_out"),
            outcome(0)._replace(ending="broken"),
        ]
    )
    assert (figures.answered, figures.refused_429, figures.refused_503) == (3, 1, 1)
    assert (figures.wrong, figures.wrong_answers) == (2, {"bad 200": 1, "widget 415": 1})
    assert (figures.timed_out, figures.broken, figures.requests) == (1, 1, 9)
    assert figures.without_retry_after == 1
    assert figures.goodput == 1.0  # two answers in time, in two seconds
    assert figures.not_answered == pytest.approx(6 / 9)
    assert (figures.accepted.count, figures.accepted.most) == (3, 1500)
    assert (figures.refused.p50, figures.refused.most) == (10, 20)
    assert figures.by_kind["bad"].count == 1
    assert figures.late_ms_p99 == pytest.approx(1.0)
    assert figures.client_cpu_percent == 5.0


def test_percentiles_are_of_requests_that_were() -> None:
    shown = latency([number / 1000 for number in range(1, 101)])
    assert (shown.count, shown.p50, shown.p95, shown.p99, shown.most) == (100, 50, 95, 99, 100)
    assert latency([]).count == 0


def server_that_keeps_up_with(most: float) -> tuple[list[float], object]:
    tried: list[float] = []

    def answer(rate: float) -> RoundFigures:
        tried.append(rate)
        refused = round(100 * max(0.0, 1 - most / rate))
        figures = counted([outcome(200)] * (100 - refused) + [outcome(503)] * refused)
        return replace(figures, rate=rate)

    return tried, answer


@pytest.mark.parametrize("start", [1.0, 38.0, 41.0, 700.0])
def test_the_highest_rate_is_found(start: float) -> None:
    tried, answer = server_that_keeps_up_with(40)
    found = find_sustainable_rate(answer, answer, start=start, deadline=1.0)  # type: ignore[arg-type]
    assert 40 / 1.06 <= found.confirmed.rate <= 40 * 1.02
    assert [step.figures.rate for step in found.steps] == tried
    assert found.steps[-1].held
    assert len(tried) < 25


def test_a_rate_that_does_not_hold_for_long_is_lowered() -> None:
    _, short = server_that_keeps_up_with(40)
    _, long = server_that_keeps_up_with(30)
    found = find_sustainable_rate(short, long, start=20, deadline=1.0)  # type: ignore[arg-type]
    assert 27 < found.confirmed.rate <= 30.6


def test_slow_answers_are_no_way_to_keep_up() -> None:
    def answer(rate: float) -> RoundFigures:
        return replace(counted([outcome(200, 0.4 if rate <= 10 else 1.2)] * 50), rate=rate)

    found = find_sustainable_rate(answer, answer, start=8, deadline=1.0)
    assert 9.4 < found.confirmed.rate <= 10


def test_a_server_that_never_keeps_up_is_told() -> None:
    _, answer = server_that_keeps_up_with(1e-9)
    with pytest.raises(EvaluationError, match="kept up with no rate"):
        find_sustainable_rate(answer, answer, start=8, deadline=1.0)  # type: ignore[arg-type]


def test_mixes_are_read() -> None:
    for name, shares in MIXES.items():
        assert read_mix(name) == shares
        assert sum(shares.values()) == pytest.approx(1)
        assert set(shares) <= set(KINDS)
    assert read_mix("phone=1, widget=3") == {"phone": 0.25, "widget": 0.75}
    for wrong in ("", "phone", "photos", "phone=1,gif=2", "phone=x", "phone=0", "phone=-1,widget=3",
                  "phone=nan", "phone=inf"):  # fmt: skip
        if wrong != "phone":
            with pytest.raises(EvaluationError, match="no mix"):
                read_mix(wrong)


def test_photos_are_what_their_kind_says() -> None:
    mix = make_mix(MIXES["all"], [drawn_photo(COLOURS["lampy"])], seed=3)
    assert sum(mix.weights.values()) == pytest.approx(1)
    for photo, kind in zip(mix.photos, mix.kinds, strict=True):
        if kind == "bad":
            with pytest.raises(PhotoError):
                decode(photo.content)
            continue
        if kind != "heic":  # decoded by a child process; the server's own tests do that
            assert decode(photo.content).shape == (224, 224, 3)
    for kind, low, high in (
        ("phone", 3000, 4000), ("widget", 60, 100), ("heic", 1000, 3500), ("webp", 80, 500),
    ):  # fmt: skip
        assert low < mix.kilobytes(kind) < high
    phone = Image.open(io.BytesIO(mix.photos[mix.numbers("phone")[1]].content))
    assert phone.size == PHONE_SIZE
    assert phone.getexif()[0x0112] == 6
    assert phone.getexif().get_ifd(0x8825)[2][0] == 55
    widget = Image.open(io.BytesIO(mix.photos[mix.numbers("widget")[0]].content))
    assert widget.size == (640, 480)


def test_photos_follow_from_their_seed() -> None:
    shares = read_mix("widget=1,png=1")
    mix = make_mix(shares, seed=1)
    assert mix == make_mix(shares, seed=1)
    assert mix.photos != make_mix(shares, seed=2).photos
    # a kind's photos do not change with what else is in the mix
    assert make_mix({"png": 1.0}, seed=1).photos == mix.photos[-3:]
    assert make_mix(shares, [drawn_photo()], seed=1).photos != mix.photos
    assert len(set(mix.photos)) == len(mix.photos)


def test_a_kind_may_be_left_out_or_stand_beside() -> None:
    mix = make_mix(read_mix("widget=1,png=3"))
    alone = mix.without("png")
    assert alone.weights == {"widget": 1.0}
    assert alone.shares.photos == [mix.numbers("widget")]
    with pytest.raises(EvaluationError, match="takes no widget"):
        alone.without("widget")
    beside = alone.beside("bad")
    assert beside.shares.photos == alone.shares.photos
    assert len(beside.numbers("bad")) == 6
    assert beside.beside("bad") is beside


def test_a_shop_s_own_pictures(published_shop: Shop) -> None:
    pictures = shop_pictures(published_shop.folder, 5)
    assert len(pictures) == 5
    assert len(set(pictures)) == 5


@pytest.fixture(scope="module")
def measured(
    tmp_path_factory: pytest.TempPathFactory, _published: Path
) -> tuple[Shop, ServeBenchmark]:
    """A shop, and a short benchmark of its server and the plain one."""
    root = shutil.copytree(_published, tmp_path_factory.mktemp("measured") / "shop")
    shop = Shop.open(root)
    return shop, benchmark_serving(shop.folder, SHORT, ["plain"])


def test_both_ways_are_measured(measured: tuple[Shop, ServeBenchmark]) -> None:
    _, result = measured
    assert [way.way for way in result.ways] == ["vitrina", "plain"]
    for way in result.ways:
        assert way.left_out == ()
        assert way.cold_start_ms.low > 100
        assert 30 < way.idle_mb < 2000
        assert way.one_at_a_time.count == 10
        assert way.low.answered > 0
        assert way.low.wrong == way.low.broken == 0
        assert way.sustained.rate == 20
        assert set(way.sustained.by_kind) <= {"widget", "bad"}
        assert way.sustained.client_cpu_percent > 0
        assert way.sustained.server_cpu_percent > 0
        assert way.sustained.peak_mb > 30
        assert way.overload is not None
        assert way.overload.figures.rate == 40
        assert way.overload.figures.wrong == 0
        assert way.overload.memory_peak_mb >= way.overload.memory_before_mb
        assert way.flood is None
    assert result.source == "shop"
    assert result.photos["widget"]["share"] == 0.9
    assert {"vitrina", "onnxruntime", "pillow", "uvicorn"} <= set(result.versions)
    assert set(result.ratios(result.ways[1])) == {
        "throughput", "latency", "cold_start", "idle_memory", "end_memory",
    }  # fmt: skip
    assert all(ratio > 0 for ratio in result.ratios(result.ways[1]).values())


def test_the_record_is_kept(measured: tuple[Shop, ServeBenchmark]) -> None:
    shop, result = measured
    (file,) = (shop.folder.root / "bench").iterdir()
    assert file.name == "serve-widget-9-bad-1.json"
    record = json.loads(file.read_text())
    assert record["plan"]["seed"] == 0
    assert record["machine"]["cores"] == result.machine.cores
    assert record["ways"][0]["sustained"]["goodput"] == result.ways[0].sustained.goodput
    assert record["environment"] == UNLIMITED


def test_the_limit_that_is_switched_off_is_a_setting() -> None:
    names = {f"VITRINA_{name.upper()}" for name in Settings.model_fields}
    assert set(UNLIMITED) <= names


def test_people_read_tables(
    measured: tuple[Shop, ServeBenchmark], capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    from vitrina.cli.load_tables import print_serving

    _, result = measured
    print_serving(Console(width=120), result)
    told = capsys.readouterr().out
    assert "sustained, answers a second" in told
    assert "Twice that rate for 2 s" in told
    assert "Times better than plain FastAPI" in told
    assert "limit on requests of one client was off" in told


def test_it_is_a_command(published_shop: Shop) -> None:
    options = [
        "--mix", "widget", "--rate", "10", "--starts", "1", "--confirm-seconds", "1",
        "--overload-seconds", "0", "--shop", str(published_shop.folder.root), "--json",
    ]  # fmt: skip
    ended = CliRunner().invoke(app, ["bench", "serve", *options])
    assert ended.exit_code == 0, ended.output
    record = json.loads(ended.stdout)
    assert record["ways"][0]["overload"] is None
    assert record["ways"][0]["sustained"]["rate"] == 10
    assert record["plan"]["mix"] == "widget"


def test_what_cannot_be_measured_is_told(published_shop: Shop) -> None:
    with pytest.raises(EvaluationError, match="no baseline slow"):
        benchmark_serving(published_shop.folder, SHORT, ["slow"])
    with pytest.raises(EvaluationError, match="no mix"):
        benchmark_serving(published_shop.folder, replace(SHORT, mix="photos"))
    assert not (published_shop.folder.root / "bench").exists()


def test_nothing_published_is_told(shop: Shop) -> None:
    with pytest.raises(NoBundle):
        benchmark_serving(shop.folder, SHORT)


def test_a_server_that_refuses_all_is_told(published_shop: Shop) -> None:
    mix = make_mix({"widget": 1.0})
    model = next(published_shop.folder.bundles.glob("*/model.onnx"))
    command = serve_command(published_shop.folder.root, model.parent.name)
    small = {"VITRINA_MAX_PHOTO_MB": "0.01"}
    with (
        LoadGenerator(mix.photos) as generator,
        ServerProcess(command, environment=small) as server,
    ):
        load = ServerLoad(server, generator, mix)
        assert not load.takes("widget")
        with pytest.raises(EvaluationError, match=r"10 of 10 photos .* 10 x widget 413"):
            load.one_at_a_time(10, warm_up=2)


def test_the_plain_way_answers_what_the_network_answers(published_shop: Shop) -> None:
    (bundle,) = (path.parent for path in published_shop.folder.bundles.glob("*/model.onnx"))
    heic = make_mix({"heic": 1.0}).photos[0].content
    with AppClient(create_plain(bundle)) as client:
        answer = client.send_photo(drawn_photo(COLOURS["lampy"], (900, 700), kind="JPEG")).json()
        assert answer["categories"][0]["id"] == "lamps"
        assert len(answer["products"]) == 15
        assert answer["timings_ms"]["total"] >= answer["timings_ms"]["infer"] > 0
        assert client.send_photo(b"no photo").status_code == 422
        assert client.send_photo(heic, "image/heic").status_code == 200


def test_what_a_process_holds(published_shop: Shop) -> None:
    held = held_now(os.getpid())
    assert held.resident_mb > 30
    assert held.threads >= 1
    assert held.files > 2
    assert held_now(2**22 + 1) == Held(0.0, 0.0, 0, 0)


def test_beyond_its_limits_a_server_says_so_and_recovers(published_shop: Shop) -> None:
    """Many times as much as it can do: every request ends, most are refused, memory is bounded.

    The photos are few bytes and much work, so that sending them is none.
    """
    flat = Sent(drawn_photo(COLOURS["lampy"], (5000, 4000)), "image/png")
    assert len(flat.content) < 200_000
    mix = PhotoMix((flat,), ("png",), {"png": 1.0}, seed=0)
    (bundle,) = (path.parent.name for path in published_shop.folder.bundles.glob("*/model.onnx"))
    command = serve_command(published_shop.folder.root, bundle)
    with (
        LoadGenerator(mix.photos) as generator,
        ServerProcess(command, environment=UNLIMITED) as server,
    ):
        load = ServerLoad(server, generator, mix)
        load.one_at_a_time(10, warm_up=5)
        over = load.overload(100, 3)
    figures = over.figures
    assert figures.requests > 200
    assert figures.wrong == figures.broken == figures.timed_out == 0
    assert figures.refused_503 > figures.answered > 0
    assert figures.refused_429 == 0
    assert figures.without_retry_after == 0
    assert over.normal_after is not None
    assert over.memory_peak_mb < 450


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    """benchmarks/soak.py."""
    place = Path(__file__).parent.parent / "benchmarks" / "soak.py"
    spec = importlib.util.spec_from_file_location("soak", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["soak"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def looks(slope: float, noise: float, minutes: float = 24) -> list[Held]:
    """Memory that grows by `slope` MB an hour under a slow wave and quick noise."""
    import math
    import random

    draw = random.Random(1)
    return [
        Held(at, 200 + slope * at / 3600 + noise * math.sin(at / 40) + draw.gauss(0, noise), 20, 9)
        for at in range(0, int(minutes * 60), 5)
    ]


def test_growth_is_told_from_noise(soak: ModuleType) -> None:
    assert soak.growth(looks(0, 1)).verdict == "does not grow"
    assert soak.growth(looks(30, 1)).verdict == "grows"
    grown = soak.growth(looks(30, 1))
    assert grown.low < 30 < grown.high
    assert soak.growth(looks(0, 60, minutes=2)).verdict == "cannot be told"
    assert soak.growth(looks(0, 1)[:3]).verdict == "cannot be told"


def test_faults_of_a_soak(soak: ModuleType) -> None:
    good = {
        "growth": {"verdict": "does not grow", "mb_per_hour": 0}, "files": (20, 21),
        "threads": (9, 9), "traces": [], "wrong": {}, "no_answer": 0,
    }  # fmt: skip
    assert soak.faults(good) == []
    for change in (
        {"growth": {"verdict": "grows", "mb_per_hour": 40}}, {"files": (20, 60)},
        {"threads": (9, 40)}, {"traces": ["text in log"]}, {"wrong": {"heic 422": 3}},
        {"no_answer": 1},
    ):  # fmt: skip
        assert len(soak.faults(good | change)) == 1


def test_a_short_soak(
    soak: ModuleType,
    published_shop: Shop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "soak.json"
    options = ["--minutes", "0.1", "--rate", "5", "--mix", "widget=4,bad=1", "--out", str(out)]
    arguments = ["soak.py", str(published_shop.folder.root), *options]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        soak.main()
    record = json.loads(out.read_text())
    assert (ended.value.code, record["faults"]) == (0, [])
    assert record["requests"] >= record["answered"] > 10
    assert record["growth"]["verdict"] == "cannot be told"
    assert "traces: []" in capsys.readouterr().out
    assert not (published_shop.folder.root / "bench").exists()


def test_a_place_is_written_as_phones_write_it() -> None:
    content = make_mix({"widget": 1.0}).photos[0].content
    assert struct.pack(">II", 1_234_567, 31_337) in content
