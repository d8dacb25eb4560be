"""Which addresses are public, and that connections are made to no other."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import anyio
import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_server import PictureServer, sends

from vitrina.catalogue.fetch.public_address import (
    AddressRefused,
    CheckedBackend,
    parse_address,
    require_public,
    resolve_by_system,
)

PUBLIC = (
    "1.1.1.1", "8.8.8.8", "77.88.55.88", "192.0.1.1", "100.63.255.255", "100.128.0.0",
    "172.15.255.255", "172.32.0.0", "223.255.255.255", "2a02:6b8::2:242", "2606:4700::1111",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
)  # fmt: skip
PRIVATE = (
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "100.127.255.255", "::1", "fc00::1", "fd12::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
)  # fmt: skip
NEVER = (
    "0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.169.254", "100.100.100.200", "192.0.0.1",
    "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "fe80::1",
    "fe80::1%eth0", "2a02:6b8::1%1", "fec0::1", "ff02::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::", "2002:808:808::", "3fff::1", "::127.0.0.1", "::ffff:169.254.169.254",
    "::ffff:0.0.0.0", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "fd00:ec2::254",
    "4000::1", "", "shop.test", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "1.1.1.1/32",
)  # fmt: skip


@pytest.mark.parametrize("numeric", PUBLIC)
def test_public_addresses_are_taken(numeric: str) -> None:
    require_public(numeric)
    require_public(numeric, allow_private=True)


@pytest.mark.parametrize("numeric", PRIVATE)
def test_private_addresses_are_taken_where_allowed(numeric: str) -> None:
    require_public(numeric, allow_private=True)
    with pytest.raises(AddressRefused, match="no public address"):
        require_public(numeric)


@pytest.mark.parametrize("numeric", NEVER)
@pytest.mark.parametrize("allow_private", [False, True])
def test_other_addresses_are_never_taken(numeric: str, allow_private: bool) -> None:
    with pytest.raises(AddressRefused):
        require_public(numeric, allow_private=allow_private)


@given(st.ip_addresses())
def test_what_is_taken_is_global_for_python_too(address: IPv4Address | IPv6Address) -> None:
    try:
        require_public(str(address))
    except AddressRefused:
        return
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    assert (address.is_global, address.is_multicast) == (True, False)


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        (" https://Shop.test/a.jpg#top ", b"shop.test", b"/a.jpg"),
        (
            "http://ёлки.рф/фото 1.jpg",
            b"xn--h1adc1g.xn--p1ai",
            b"/%D1%84%D0%BE%D1%82%D0%BE%201.jpg",
        ),
        ("http://[2a02:6b8::1]:8080/a?b=%20c", b"2a02:6b8::1", b"/a?b=%20c"),
    ],
)
def test_addresses_are_understood_as_browsers_do(text: str, host: bytes, path: bytes) -> None:
    url = parse_address(text)
    assert (url.raw_host, url.raw_path) == (host, path)


@pytest.mark.parametrize(
    "text",
    [
        "", "a.jpg", "//shop.test/a.jpg", "ftp://shop.test/", "file:///etc/passwd",
        "javascript:alert(1)", "gopher://127.0.0.1:11211/", "data:image/png;base64,AA", "http://",
        "http:///a", "http://u@shop.test/", "http://u:p@shop.test/", "http://shop.test:0/",
        "http://shop.test:65536/", "http://shop.test:x/", "http://[::1", "http://a\nb/",
        "http://shop.test/\ud800", "http://1.2.3.0400/", "http://" + "a" * 3000,
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        parse_address(text)


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    for address in (text, f"http://{text}", f"https://shop.test/{text}"):
        try:
            assert parse_address(address).scheme in ("http", "https")
        except AddressRefused:
            continue


def connect(backend: CheckedBackend, host: str, port: int) -> str:
    """Which address a connection was made to."""

    async def connecting() -> str:
        stream = await backend.connect_tcp(host, port, timeout=5)
        try:
            return str(stream.get_extra_info("server_addr")[0])
        finally:
            await stream.aclose()

    return anyio.run(connecting)


def test_connection_is_made_to_the_address_that_was_checked() -> None:
    asked: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with PictureServer() as server:
        backend = CheckedBackend(allow_private=True, resolve=resolve)
        assert connect(backend, "shop.test", server.port) == "127.0.0.1"
        assert asked == [("shop.test", server.port)]


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.1"]

    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        connect(CheckedBackend(resolve=resolve), "shop.test", 80)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1", "::1"])
def test_other_ways_to_write_this_machine_are_seen_through(host: str) -> None:
    with PictureServer(one=sends(b"")) as server, pytest.raises(AddressRefused, match="no public"):
        connect(CheckedBackend(), host, server.port)


@pytest.mark.parametrize("found", [[], OSError("no such name"), UnicodeError("label too long")])
def test_name_without_an_address_is_told(found: list[str] | Exception) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        if isinstance(found, Exception):
            raise found
        return found

    with pytest.raises(httpcore.ConnectError, match=r"shop\.test"):
        connect(CheckedBackend(resolve=resolve), "shop.test", 80)


def test_slow_resolver_is_not_waited_for() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        await anyio.sleep(30)
        return []

    async def connecting() -> None:
        await CheckedBackend(resolve=resolve).connect_tcp("shop.test", 80, timeout=0.05)

    with pytest.raises(httpcore.ConnectTimeout, match="not resolved in time"):
        anyio.run(connecting)


def test_numeric_addresses_resolve_to_themselves() -> None:
    assert anyio.run(resolve_by_system, "127.0.0.1", 80) == ["127.0.0.1"]
