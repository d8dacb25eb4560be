"""How often one client may ask, and who counts as one."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from contextlib import suppress

import pytest
from asking import AppClient
from starlette.types import Scope
from test_api_photo import LAMP, refused

from vitrina import Shop
from vitrina.errors import RateExceeded
from vitrina.serving import rate_limit
from vitrina.serving.app import create_app
from vitrina.serving.rate_limit import Networks, RateLimit, client_name
from vitrina.serving.rate_storage import BoundedStorage


def scope(address: str, key: str = "") -> Scope:
    headers = [(b"x-api-key", key.encode())] if key else []
    return {"type": "http", "client": (address, 1), "headers": headers}


def allowed(limit: RateLimit, *asking: Scope) -> int:
    """How many of a crowd of requests pass."""
    passed = 0
    for one in asking:
        with suppress(RateExceeded):
            limit.check(one)
            passed += 1
    return passed


@pytest.fixture
def limit() -> RateLimit:
    loaded = RateLimit(
        5, keys=["the shop's server"], key_times=10, unlimited=Networks(["10.0.0.1"])
    )
    loaded.load()
    return loaded


def test_each_address_has_its_own_count(limit: RateLimit) -> None:
    assert allowed(limit, *[scope("192.0.2.1")] * 20) == 5
    assert allowed(limit, *[scope("192.0.2.2")] * 3) == 3
    assert allowed(limit, scope("192.0.2.1")) == 0


def test_an_ipv6_network_of_64_bits_is_one_client(limit: RateLimit) -> None:
    assert allowed(limit, *(scope(f"2001:db8:1:2::{host:x}") for host in range(1, 100))) == 5
    assert allowed(limit, scope("2001:db8:1:3::1")) == 1


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", client_name("2001:DB8:0:0:1::")),
        ("unknown", "unknown"),
        ("x" * 1000, "x" * 64),
        ("", ""),
    ],
)
def test_one_client_has_one_name(host: str, name: str) -> None:
    assert client_name(host) == name


def test_a_key_counts_by_itself_and_may_ask_more_often(limit: RateLimit) -> None:
    assert allowed(limit, *[scope("192.0.2.1")] * 20) == 5
    key = "the shop's server"
    assert allowed(limit, *(scope(f"192.0.2.{n % 9}", key) for n in range(80))) == 50


def test_keys_that_nobody_gave_out_change_nothing(limit: RateLimit) -> None:
    assert allowed(limit, *(scope("192.0.2.1", f"guess {n}") for n in range(20))) == 5


def test_a_proxy_itself_is_not_limited(limit: RateLimit) -> None:
    assert allowed(limit, *[scope("10.0.0.1")] * 50) == 50
    assert allowed(limit, *[scope("::ffff:10.0.0.1")] * 50) == 50
    assert allowed(limit, *[scope("10.0.0.2")] * 50) == 5


def test_zero_is_any_number() -> None:
    assert allowed(RateLimit(0), *[scope("192.0.2.1")] * 500) == 500


def test_a_window_ends(monkeypatch: pytest.MonkeyPatch, limit: RateLimit) -> None:
    now = [1000.0]
    assert limit._counting
    monkeypatch.setattr(limit._counting._storage, "clock", lambda: now[0])
    client = scope("192.0.2.1")
    assert allowed(limit, *[client] * 20) == 5
    now[0] += 59
    with pytest.raises(RateExceeded) as refusal:
        limit.check(client)
    assert refusal.value.retry_after == 1
    now[0] += 2
    assert allowed(limit, *[client] * 20) == 5


def test_memory_is_bounded_for_a_million_addresses(limit: RateLimit) -> None:
    storage = BoundedStorage()
    tracemalloc.start()
    try:
        for number in range(60_000):
            storage.incr(f"LIMITER/{number}/1/1/minute", 60)
        full = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert full < 20e6
    for number in range(60_000, 1_000_000):
        storage.incr(f"LIMITER/{number}/1/1/minute", 60)
    assert len(storage) == 50_000
    # the newest are known, and somebody who keeps asking is counted on
    assert storage.get("LIMITER/999999/1/1/minute") == 1
    assert storage.incr("LIMITER/999999/1/1/minute", 60) == 2
    assert storage.reset() == 50_000
    assert storage.get("LIMITER/999999/1/1/minute") == 0


class Loading:
    """A thread that is only told to start."""

    started = 0

    def __init__(self, **_options: object) -> None:
        pass

    def start(self) -> None:
        Loading.started += 1


def test_nobody_waits_for_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit.threading, "Thread", Loading)
    limit = RateLimit(1)
    assert allowed(limit, *[scope("192.0.2.1")] * 3) == 3
    assert Loading.started == 1
    limit.load()
    assert allowed(limit, *[scope("192.0.2.1")] * 3) == 1


def test_a_start_does_not_load_the_library() -> None:
    program = "import sys, vitrina.serving.process; sys.exit('limits' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def limited(shop: Shop, address: str, **settings: object) -> AppClient:
    """A server that lets each client send three photos, and ask five times, in a minute."""
    lines = {"photos_per_minute": 3, "requests_per_minute": 5} | settings
    text = "\n".join(f"{name} = {value}" for name, value in lines.items())
    shop.folder.toml.write_text(shop.folder.toml.read_text("utf-8") + f"\n{text}\n", "utf-8")
    app = create_app(Shop.open(shop.folder.root).folder)
    app.middleware_stack = app.build_middleware_stack()
    return AppClient(app, address)


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Counting begins with the first request, not beside it."""
    if "published_shop" in request.fixturenames:
        before = RateLimit.__init__

        def begin(self: RateLimit, *arguments: object, **options: object) -> None:
            before(self, *arguments, **options)  # type: ignore[arg-type]
            self.load()

        monkeypatch.setattr(RateLimit, "__init__", begin)


def test_one_address_that_floods_is_told_when_to_come_back(published_shop: Shop) -> None:
    with limited(published_shop, "192.0.2.1") as client:
        for _ in range(3):
            assert client.send_photo(LAMP).status_code == 200
        answer = client.send_photo(LAMP)
        refused(answer, 429, "rate")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        # words are counted apart; what shows that the server lives, and files, not at all
        for _ in range(5):
            assert client.get("/v1/categories").status_code == 200
        refused(client.get("/"), 429, "rate")
        for address in ("/healthz", "/readyz", "/photos/x", "/static/x/y"):
            assert client.get(address).status_code != 429


def test_a_header_about_the_client_is_not_believed_from_strangers(published_shop: Shop) -> None:
    with limited(published_shop, "192.0.2.1") as client:
        statuses = [
            client.send_photo(LAMP, headers={"x-forwarded-for": f"198.51.100.{n}"}).status_code
            for n in range(6)
        ]
        assert statuses == [200, 200, 200, 429, 429, 429]


def test_a_proxy_names_the_client_and_what_the_client_adds_is_not_believed(
    published_shop: Shop,
) -> None:
    with limited(published_shop, "127.0.0.1") as client:
        # what stands left of the last address, the client may have made up
        statuses = [
            client.send_photo(
                LAMP, headers={"x-forwarded-for": f"198.51.100.{n}, 192.0.2.1"}
            ).status_code
            for n in range(6)
        ]
        assert statuses == [200, 200, 200, 429, 429, 429]
        # made up to look like a proxy
        spoofed = {"x-forwarded-for": "127.0.0.1, 192.0.2.1"}
        assert client.send_photo(LAMP, headers=spoofed).status_code == 429
        # another client by the same proxy, and the proxy itself
        other = {"x-forwarded-for": "192.0.2.2"}
        assert client.send_photo(LAMP, headers=other).status_code == 200
        assert [client.send_photo(LAMP).status_code for _ in range(5)] == [200] * 5


def test_a_chain_of_proxies_in_named_networks(published_shop: Shop) -> None:
    proxies = ["10.0.0.0/8", "2001:db8:9::/48"]
    with limited(published_shop, "10.1.2.3", trusted_proxies=proxies) as client:
        chain = {"x-forwarded-for": "203.0.113.9, 192.0.2.1, 2001:db8:9::7, 10.9.9.9"}
        statuses = [client.send_photo(LAMP, headers=chain).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(
    "value",
    ["", ",", "nonsense", "\xff", "1" * 5000, ", ".join(["192.0.2.9"] * 500), "[::1", "%00"],
)
def test_a_broken_header_about_the_client_harms_nothing(published_shop: Shop, value: str) -> None:
    with limited(published_shop, "127.0.0.1") as client:
        headers = {"x-forwarded-for": value.encode("latin-1")}
        assert client.get("/v1/categories", headers=headers).status_code == 200


def test_a_key_from_the_settings(published_shop: Shop) -> None:
    with limited(published_shop, "192.0.2.1", api_keys='["secret"]', api_key_times=2) as client:
        statuses = [
            client.send_photo(LAMP, headers={"x-api-key": "secret"}).status_code for _ in range(8)
        ]
        assert statuses == [200] * 6 + [429] * 2
