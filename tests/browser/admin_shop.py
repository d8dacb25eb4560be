"""A shop with some weeks behind it, served by a real process, for the tests of its screens."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from asking import LiveServer
from tiny_network import write_tiny

from vitrina import Shop
from vitrina.admin import accounts
from vitrina.events.kept import keep
from vitrina.store.server_database import ServerDatabase

PASSWORD = "four words of no song"
SLUGS = ("lamps", "sockets", "kabeli")


def prepare(shop: Shop) -> ServerDatabase:
    """Another model, a password, and what shoppers did within thirty days."""
    changes = {"metrics": {"test": {"photos": 480, "top1": 0.914, "top3": 0.988}}}
    write_tiny(shop.folder, version="tiny-2", changes=changes)
    database = ServerDatabase(shop.folder.server_database)
    accounts.set_password(database, "admin", PASSWORD)
    fill(database)
    return database


def fill(database: ServerDatabase, days: int = 30) -> None:
    """Searches and events, the same at each call but for their moments."""
    chance = random.Random(7)
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    now = time.time_ns() // 1_000_000
    queries: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for back in range(days):
        begins = int((midnight - timedelta(days=back)).timestamp() * 1000)
        for number in range(20 + chance.randrange(25)):
            query_id = f"{back:016x}{number:016x}"
            asked = min(begins + chance.randrange(86_400_000), now)
            decision = chance.choices(("category", "unsure", "unknown"), (80, 13, 7))[0]
            queries.append(
                {
                    "id": query_id, "asked": asked, "bundle": "tiny-1", "decision": decision,
                    "category": None if decision == "unknown" else chance.choice(SLUGS),
                    "confidence": None if decision == "unknown" else chance.uniform(0.4, 1),
                    "milliseconds": chance.gammavariate(9, 2),
                }
            )  # fmt: skip
            kinds = (("chip", 0.08), ("click", 0.4), ("cart", 0.1), ("order", 0.04))
            for kind, share in kinds:
                if chance.random() < share:
                    events.append(_event(query_id, asked, kind, chance))
        for number in range(40 + chance.randrange(30)):
            query_id = f"{back:08x}{number:08x}{0:016x}"
            asked = min(begins + chance.randrange(86_400_000), now)
            decision = chance.choices(("found", "nothing"), (88, 12))[0]
            queries.append(
                {
                    "id": query_id, "asked": asked, "search": "text", "decision": decision,
                    "milliseconds": chance.gammavariate(4, 1),
                }
            )  # fmt: skip
            events += [
                _event(query_id, asked, kind, chance)
                for kind, share in (("click", 0.31), ("cart", 0.06), ("order", 0.02))
                if decision == "found" and chance.random() < share
            ]
    visitors = [(one["query_id"], one["query_id"][8:]) for one in events]
    with database.writing() as connection:
        keep(connection, queries, events, visitors)


def _event(query_id: str, asked: int, kind: str, chance: random.Random) -> dict[str, Any]:
    order = kind == "order"
    return {
        "query_id": query_id, "id": kind, "received": asked, "kind": kind,
        "category": None, "sku": None, "position": None,
        "value_minor": chance.randrange(50_000, 900_000) if order else None,
        "currency": "RUB" if order else None,
    }  # fmt: skip


def serve(shop: Shop, scratch: Path) -> LiveServer:
    scratch.mkdir()
    return LiveServer(shop.folder.root, scratch)
