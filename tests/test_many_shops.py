"""Several shops in one server: which is asked, which models are in memory, what goes wrong."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import START_SECONDS, AppClient, environment
from drawing import COLOURS, drawn_photo
from tiny_network import publish_tiny, write_tiny

from vitrina import Shop
from vitrina.bundle import activate
from vitrina.errors import BundleDamaged, SettingError
from vitrina.folder import ShopFolder
from vitrina.serving.many.directory import Directory
from vitrina.serving.many.reckoned import Reckoned
from vitrina.serving.many.service import Service
from vitrina.serving.many.shops_file import ShopPlan, host_name, read_shops
from vitrina.serving.served_bundle import ServedBundle

PHOTO = drawn_photo(COLOURS["rozetki"], seed=5, kind="JPEG")

Serving = Callable[..., AppClient]


@pytest.fixture
def file(tmp_path: Path, published_shop: Shop) -> Path:
    """Three shops alike, a, b and c, and the file that names them."""
    for name in "abc":
        shutil.copytree(published_shop.folder.root, tmp_path / name)
    return write_file(tmp_path)


def write_file(place: Path, names: str = "abc", **service: object) -> Path:
    lines = ["[service]", *(f"{key} = {value}" for key, value in service.items())]
    for name in names:
        lines += [
            f"[shops.{name}]",
            f'folder = "{name}"',
            f'hosts = ["{name}.test", "www.{name}.test"]',
            f'keys = ["key-of-{name}"]',
        ]
    file = place / "shops.toml"
    file.write_text("\n".join(lines))
    return file


@pytest.fixture
def serving(file: Path) -> Iterator[Serving]:
    """Asks a server of the three shops; settings of the service as arguments."""
    opened = []

    def serve(**service: object) -> AppClient:
        client = AppClient(Service(read_shops(write_file(file.parent, **service))))
        opened.append(client)
        return client.__enter__()

    yield serve
    for client in opened:
        client.__exit__(None, None, None)


def ask(client: AppClient, name: str, **options: Any) -> httpx.Response:
    return client.send_photo(PHOTO, headers={"host": f"{name}.test"}, **options)


def states(client: AppClient) -> dict[str, str]:
    each = client.get("/readyz").json()["each"]
    return {name: said["state"] for name, said in each.items()}


def model_mb(place: Path) -> float:
    return Reckoned(ShopFolder.find(place)).active() / 1e6


def test_a_request_goes_to_the_shop_of_its_host_or_key(file: Path, serving: Serving) -> None:
    for name in "abc":
        toml = file.parent / name / "shop.toml"
        toml.write_text(toml.read_text().replace('name = "Лавка"', f'name = "Shop {name}"'))
    client = serving()
    for name in "abc":
        for asked in (
            {"headers": {"host": f"{name}.test"}},
            {"headers": {"host": f"WWW.{name}.test.:8000"}},
            {"headers": {"x-vitrina-key": f"key-of-{name}"}},
            {"params": {"key": f"key-of-{name}"}},
        ):
            assert f"Shop {name}" in client.get("/openapi.json", **asked).text
        assert f"Shop {name}" in client.get(f"/shop/key-of-{name}/openapi.json").text
    # a key in the header says more than a host, and a host more than an address
    both = client.get(
        "/openapi.json?key=key-of-c", headers={"host": "a.test", "x-vitrina-key": "key-of-b"}
    )
    assert "Shop b" in both.text
    plain = client.get("/openapi.json?key=key-of-c", headers={"host": "a.test"})
    assert "Shop a" in plain.text


def test_photos_words_and_pictures_of_a_shop_with_a_key_are_its_own(
    file: Path, serving: Serving
) -> None:
    client = serving()
    base = "/shop/key-of-b"
    answer = client.request(
        "POST",
        f"{base}/v1/search/photo",
        content=PHOTO,
        headers={"content-type": "image/jpeg"},
    )
    assert answer.json()["decision"] == "category"
    picture = answer.json()["products"][0]["image_url"]
    assert client.get(f"{base}{picture}").headers["content-type"] == "image/jpeg"
    assert client.get(f"{base}/widget.js").status_code == 200
    assert client.get(picture).status_code == 404
    event = {"query_id": answer.json()["query_id"], "events": [{"id": "e" * 16, "kind": "click"}]}
    at_another = client.request(
        "POST", "/v1/events", headers={"host": "a.test"}, content=json.dumps(event)
    )
    assert at_another.json()["code"] == "query_unknown"


@pytest.mark.parametrize(
    "asked",
    [
        {"headers": {"host": "d.test"}},
        {"headers": {"host": "a.test", "x-vitrina-key": "key-of-nobody"}},
        {"headers": {"host": "127.0.0.1:8000"}},
        {"headers": {"host": "\udcff".encode("utf-8", "surrogateescape")}},
        {"params": {"key": "key-of-nobody"}},
    ],
)
def test_a_shop_that_is_not_there_is_told_as_a_problem(
    serving: Serving, asked: dict[str, Any]
) -> None:
    client = serving()
    answer = client.get("/v1/search", **asked)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "shop_unknown"
    assert answer.json()["hint"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client.get("/shop/key-of-nobody/").json()["code"] == "shop_unknown"
    assert "vitrina_unknown_shop_requests_total 2.0" in client.get("/metrics").text


def test_each_shop_has_limits_and_counts_of_its_own(file: Path, serving: Serving) -> None:
    with (file.parent / "a" / "shop.toml").open("a") as toml:
        toml.write('\nphotos_per_minute = 1\ntrusted_proxies = ["192.0.2.1"]\n')
    client = serving()
    assert [ask(client, "b").status_code for _ in range(4)] == [200] * 4
    # what comes while the library for counting is loaded passes
    deadline = time.monotonic() + 20
    while ask(client, "a").status_code == 200 and time.monotonic() < deadline:
        pass
    assert ask(client, "a").json()["code"] == "rate"
    assert ask(client, "b").status_code == 200
    text = client.get("/metrics").text
    answered = dict(
        re.findall(r'vitrina_photo_decisions_total\{decision="category",shop="(\w)"\} (\d+)', text)
    )
    assert int(answered["b"]) == 5
    assert int(answered["c"]) == 0
    assert 'vitrina_ready{shop="c"} 1.0' in text
    assert 'vitrina_problems_total{code="rate",shop="a"}' in text
    # the shop's own numbers, at its own host
    own = client.get("/metrics", headers={"host": "b.test"}).text
    assert 'vitrina_photo_decisions_total{decision="category"} 5.0' in own


def test_models_are_loaded_with_a_photo_and_the_least_recently_used_goes(
    file: Path, serving: Serving
) -> None:
    client = serving(models_memory_mb=int(2.5 * model_mb(file.parent / "a")))
    assert states(client) == dict.fromkeys("abc", "cold")
    assert client.get("/readyz", headers={"host": "a.test"}).json()["status"] == "cold"
    assert client.get("/v1/search", headers={"host": "a.test"}).status_code == 200
    assert states(client)["a"] == "cold"  # words need no model
    for name in "ab":
        assert ask(client, name).json()["decision"] == "category"
    assert states(client) == {"a": "warm", "b": "warm", "c": "cold"}
    ask(client, "a")
    assert ask(client, "c").status_code == 200
    assert states(client) == {"a": "warm", "b": "cold", "c": "warm"}
    assert ask(client, "b").status_code == 200
    assert states(client) == {"a": "cold", "b": "warm", "c": "warm"}
    each = client.get("/readyz").json()["each"]
    assert (each["b"]["loads"], each["b"]["evictions"], each["a"]["evictions"]) == (2, 1, 1)
    text = client.get("/metrics").text
    assert 'vitrina_model_loads_total{shop="b"} 2.0' in text
    assert 'vitrina_shop_warm{shop="a"} 0.0' in text
    assert 'vitrina_shops{state="warm"} 2.0' in text
    held = float(re.search(r"^vitrina_models_bytes (\S+)", text, re.MULTILINE)[1])  # type: ignore[index]
    assert held == pytest.approx(2e6 * model_mb(file.parent / "a"))


def test_a_model_that_takes_long_is_waited_for_and_then_told(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    warm = ServedBundle.warm

    def slowly(served: ServedBundle) -> None:
        go_on.wait(20)
        warm(served)

    monkeypatch.setattr(ServedBundle, "warm", slowly)
    monkeypatch.setattr("vitrina.serving.many.warm_models.PATIENCE_S", 0.1)
    client = serving()
    answer = ask(client, "a")
    assert (answer.status_code, answer.json()["code"]) == (503, "cold")
    assert int(answer.headers["retry-after"]) >= 1
    assert client.get("/healthz", headers={"host": "a.test"}).status_code == 200
    go_on.set()
    deadline = time.monotonic() + 20
    while (answer := ask(client, "a")).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert answer.status_code == 200
    assert states(client) == {"a": "warm", "b": "cold", "c": "cold"}


def test_another_bundle_is_taken_by_a_warm_shop_and_by_a_cold_one(
    file: Path, serving: Serving
) -> None:
    for name in "ab":
        write_tiny(ShopFolder.find(file.parent / name), version="tiny-2")
    client = serving()
    assert ask(client, "a").json()["model"]["version"] == "tiny-1"
    for name in "ab":
        activate(file.parent / name / "bundles", "tiny-2")
    assert ask(client, "b").json()["model"]["version"] == "tiny-2"
    deadline = time.monotonic() + 30
    while ask(client, "a").json()["model"]["version"] != "tiny-2":
        assert time.monotonic() < deadline
        # the looking happens in the event loop, which runs only while something is asked
        client.get("/healthz")
        time.sleep(0.05)


def test_a_shop_without_a_model_does_not_keep_the_others_from_answering(
    file: Path, serving: Serving
) -> None:
    place = file.parent
    (place / "a" / "bundles" / "active").unlink()
    (place / "b" / "vitrina.db").unlink()
    for more in (place / "b").glob("vitrina.db-*"):
        more.unlink()
    client = serving()
    assert ask(client, "a").json()["code"] == "no_bundle"
    assert ask(client, "b").status_code == 503
    assert ask(client, "b").json()["code"] == "shop"
    assert str(place) not in ask(client, "b").text  # where it lies is nobody's business
    assert ask(client, "c").status_code == 200
    ready = client.get("/readyz").json()
    assert ready["status"] == "degraded"
    assert ready["shops"] == {"warm": 1, "cold": 0, "failed": 2}
    assert ready["each"]["b"]["code"] == "shop_version"
    assert 'vitrina_shop_failed{shop="b"} 1.0' in client.get("/metrics").text
    publish_tiny(ShopFolder.find(place / "c"), version="tiny-2")  # c is only looked at
    shutil.copytree(place / "c" / "bundles", place / "a" / "bundles", dirs_exist_ok=True)
    deadline = time.monotonic() + 30
    while ask(client, "a").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_shop_that_could_not_be_opened_is_opened_once_it_can_be(
    file: Path, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vitrina.serving.many.hosted_shop._RETRY_S", 0.0)
    toml = file.parent / "b" / "shop.toml"
    good = toml.read_text()
    toml.write_text("slots = many")
    client = serving()
    assert ask(client, "b").json()["code"] == "shop"
    toml.write_text(good)
    assert ask(client, "b").status_code == 200


def test_a_model_too_large_for_the_limit_is_refused_and_the_others_stay(
    file: Path, serving: Serving
) -> None:
    place = file.parent
    client = serving(models_memory_mb=int(model_mb(place / "a")) + 1)
    assert ask(client, "a").status_code == 200
    publish_tiny(ShopFolder.find(place / "b"), version="large")
    with (place / "b" / "bundles" / "large" / "model.onnx").open("ab") as model:
        model.truncate(40_000_000)
    answer = ask(client, "b")
    assert (answer.status_code, answer.json()["code"]) == (503, "too_little_memory")
    assert states(client) == {"a": "warm", "b": "failed", "c": "cold"}


def test_who_may_not_read_metrics_is_told_no_shops_names(file: Path) -> None:
    service = Service(read_shops(file))
    with AppClient(service, address="203.0.113.7") as client:
        assert client.get("/metrics").status_code == 403
        ready = client.get("/readyz").json()
        assert ready["shops"]["cold"] == 3
        assert "each" not in ready
        service.draining.begin()
        assert client.get("/readyz").json()["code"] == "stopping"
        assert ask(client, "a").json()["code"] == "stopping"


def test_photos_of_all_shops_share_one_memory(file: Path, serving: Serving) -> None:
    client = serving(upload_memory_mb=1.5 * len(PHOTO) / 1e6)
    answer = client.send_photo(PHOTO + bytes(len(PHOTO)), headers={"host": "a.test"})
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert ask(client, "b").status_code == 200


def test_damaged_bundles_are_refused_alone(file: Path, serving: Serving) -> None:
    model = file.parent / "b" / "bundles" / "tiny-1" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-10])
    client = serving()
    assert ask(client, "b").json()["code"] == BundleDamaged.code
    assert ask(client, "a").status_code == 200
    assert states(client) == {"a": "warm", "b": "failed", "c": "cold"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no shop"),
        ("[shops", "not valid TOML"),
        ("[shop.a]", "shop: no such part"),
        ('[shops.a]\nfolder = "nowhere"\nhosts = ["a.test"]', "there is no folder"),
        ('[shops.a]\nfolder = "."\nhosts = ["a.test"]', "holds no shop.toml"),
        ('[shops.a]\nfolder = "a"', "neither hosts nor keys"),
        ('[shops.a]\nfolder = "a"\nhost = ["a.test"]', "shops.a.host: Extra inputs"),
        ('[shops.a]\nhosts = ["a.test"]', "shops.a.folder: Field required"),
        ('[shops.a]\nfolder = "a"\nhosts = ["http://a.test/"]', "is no host name"),
        ('[shops.a]\nfolder = "a"\nhosts = ["a.test:80"]', "is no host name"),
        ('[shops.a]\nfolder = "a"\nkeys = ["short"]', "shops.a.keys.0: String should match"),
        ('[shops.a]\nfolder = "a"\nkeys = ["a key with spaces"]', "String should match"),
        ('[shops.a]\nfolder = "a"\nhosts = ["a.test"]\nweight = 0', "greater than 0"),
        ('[shops."a b"]\nfolder = "a"\nhosts = ["a.test"]', "a name has up to 40"),
        ('[service]\nresults = 5\n[shops.a]\nfolder = "a"\nhosts = ["a.test"]', "shop.toml"),
        ('[service]\nslot = 5\n[shops.a]\nfolder = "a"\nhosts = ["a.test"]', "slot: unknown"),
        ('[service]\nslots = 0\n[shops.a]\nfolder = "a"\nhosts = ["a.test"]', "service.slots"),
        ('[shops.a]\nfolder = "a"\nhosts = ["x.test"]\n[shops.b]\nfolder = "b"\n'
         'hosts = ["X.test."]', "the host x.test is of both a and b"),
        ('[shops.a]\nfolder = "a"\nkeys = ["same-key"]\n[shops.b]\nfolder = "b"\n'
         'keys = ["same-key"]', "the key same-key is of both a and b"),
        ('[shops.a]\nfolder = "a"\nkeys = ["one-key-"]\n[shops.b]\nfolder = "./a"\n'
         'keys = ["two-key-"]', "is of both a and b"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingError) as refusal:
        read_shops(file)
    assert said in refusal.value.message
    assert refusal.value.hint


def test_all_faults_of_a_file_are_told_at_once(file: Path) -> None:
    file.write_text('[shops.a]\nfolder = "x"\nhosts = ["?"]\n[shops.b]\nfolder = "b"')
    with pytest.raises(SettingError) as refusal:
        read_shops(file)
    for fault in ("there is no folder", "is no host name", "shops.b: it has neither"):
        assert fault in refusal.value.message
    with pytest.raises(SettingError, match="cannot be read"):
        read_shops(file.parent / "other.toml")


def test_a_limit_smaller_than_one_model_ends_the_start(file: Path) -> None:
    plan = read_shops(write_file(file.parent, models_memory_mb=1))
    with pytest.raises(SettingError) as refusal:
        Service(plan)
    assert "1 MB together" in refusal.value.message
    assert "a needs about 20 MB" in refusal.value.message
    assert "models_memory_mb" in refusal.value.hint


def test_host_names_are_compared_as_they_are_sent() -> None:
    assert host_name("Президент.РФ") == "xn--d1abbgf6aiiy.xn--p1ai"
    assert host_name("A.test.") == "a.test"
    for wrong in ("", "a b", "a/b", "[::1]", "-a.test", "a..b", "x" * 300, "\u0130" * 80):
        assert host_name(wrong) is None
    plan = ShopPlan("a", Path(), ("xn--d1abbgf6aiiy.xn--p1ai",), ())
    asked = b"XN--D1ABBGF6AIIY.xn--p1ai:80"
    scope = {"path": "/", "query_string": b"", "headers": [(b"host", asked)]}
    assert Directory([(plan, "a")]).find(scope)[0] == "a"


@pytest.mark.parametrize("given", [["--shops", "none.toml"], ["--shops", "FILE", "--bundle", "x"]])
def test_the_command_refuses_what_cannot_be(
    file: Path, vitrina: Callable[..., Any], given: list[str]
) -> None:
    told = vitrina("serve", *(str(file) if word == "FILE" else word for word in given))
    assert told.code == 1
    assert "hint" in told.err


def test_the_command_serves_all_and_says_which_are_cold(file: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "vitrina", "serve", "--shops", str(file), "--port", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment(VITRINA_LOG_FORMAT="json", HOME=str(tmp_path)),
    )
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stderr
        lines = []
        for line in process.stderr:
            lines.append(json.loads(line))
            if lines[-1]["event"] == "shops_cold":
                break
        ready = next(line for line in lines if line["event"] == "ready")
        assert (ready["shops"], ready["cold"], ready["failed"]) == (3, 3, 0)
        assert "a, b, c" in lines[-1]["message"]
        answer = httpx.post(
            f"{ready['address']}/v1/search/photo",
            content=PHOTO,
            headers={"content-type": "image/jpeg", "host": "b.test"},
            timeout=30,
        )
        assert answer.json()["decision"] == "category"
        process.terminate()
        rest = [json.loads(line) for line in process.stderr]
        assert process.wait(30) == 0
        assert [line["event"] for line in rest][:1] == ["model_loaded"]
        assert {line.get("shop") for line in rest if line["event"] == "answer"} == {"b"}
        assert rest[-1]["event"] == "stopped"
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stderr.close()  # type: ignore[union-attr]
    # what was answered is kept with the shop that answered it
    assert (file.parent / "b" / "server.db").exists()
    assert not (file.parent / "a" / "server.db").exists()


def test_what_one_shop_needs_is_not_loaded_for_a_single_one(published_shop: Shop) -> None:
    script = (
        "import sys; from vitrina.serving.process import run_server\n"
        "print([name for name in sys.modules if name.startswith('vitrina.serving.many')])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_nothing_is_logged_of_a_key(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    client = serving()
    with caplog.at_level(logging.DEBUG):
        client.get("/v1/search?q=x&key=key-of-a")
        client.get("/shop/key-of-nobody/v1/search")
    assert caplog.records
    assert "key-of" not in " ".join(
        f"{record.getMessage()} {getattr(record, 'fields', '')}"
        for record in caplog.records
        if record.name.startswith("vitrina")
    )
