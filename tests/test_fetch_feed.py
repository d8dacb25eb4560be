"""A feed at an address: fetched whole, or the old file stays."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from picture_server import (
    Behaviour,
    PictureServer,
    breaks_off,
    redirects,
    says_nothing,
    sends,
    streams,
)

from vitrina.catalogue.fetch.feed import feed_file, fetch_feed
from vitrina.catalogue.fetch.http import FetchLimits
from vitrina.errors import FeedError


def test_feed_is_fetched_into_a_file(tmp_path: Path) -> None:
    target = tmp_path / "imports" / "feed.xml"
    with PictureServer(feed=redirects("moved"), moved=sends(b"<yml_catalog/>")) as server:
        assert fetch_feed(server.address("feed"), target, allow_private=True) == target
        assert target.read_bytes() == b"<yml_catalog/>"
        server.behaviours["/moved"] = sends(gzip.compress(b"<rss/>"), Content_Encoding="gzip")
        fetch_feed(server.address("feed"), target, allow_private=True)
    assert target.read_bytes() == b"<rss/>"
    assert [path.name for path in target.parent.iterdir()] == ["feed.xml"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (sends(b"", 404), "404"),
        (sends(b"", 503, Retry_After="1"), "503"),
        (streams(), "has more than 0.1 MB"),
        (says_nothing, "said nothing for 0.2 seconds"),
        (streams([bytes([n]) for n in range(100)], seconds=0.1), "took longer than 0.6 seconds"),
        (breaks_off(bytes(5000)), "broke off"),
    ],
)
def test_feed_that_does_not_come_leaves_the_old_file(
    tmp_path: Path, behaviour: Behaviour, reason: str
) -> None:
    limits = FetchLimits(100_000, seconds=0.6, silent_seconds=0.2)
    target = tmp_path / "feed.xml"
    target.write_bytes(b"old")
    with (
        PictureServer(feed=behaviour) as server,
        pytest.raises(FeedError, match=reason) as refusal,
    ):
        fetch_feed(server.address("feed"), target, allow_private=True, limits=limits)
    assert refusal.value.hint
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"old"


def test_feed_in_a_private_network_is_refused(tmp_path: Path) -> None:
    with (
        PictureServer(feed=sends(b"<rss/>")) as server,
        pytest.raises(FeedError, match="no public address") as refusal,
    ):
        fetch_feed(server.address("feed"), tmp_path / "feed.xml")
    assert "fetch_from" in refusal.value.hint
    assert server.asked == []


def test_feed_of_one_address_is_always_the_same_file(tmp_path: Path) -> None:
    first = feed_file(tmp_path, "https://shop.test/export.xml?all=1")
    assert first == feed_file(tmp_path, "https://shop.test/export.xml?all=1")
    assert first.suffix == ".xml"
    other = feed_file(tmp_path, "https://shop.test/../../export.php")
    assert (other.parent, other.suffix) == (tmp_path, "")
