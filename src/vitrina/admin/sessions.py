"""Who is signed in: a token in the browser, its hash in the database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

from vitrina.store.server_database import ServerDatabase

LONGEST_S = 12 * 3600
IDLE_S = 2 * 3600
_NOTED_EVERY_S = 60


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in.

    Attributes:
        name: Who.
        form_token: What every form of theirs must bring along.
    """

    name: str
    form_token: str


def begin(database: ServerDatabase, name: str) -> str:
    """Signs somebody in under a new token, whatever token the browser had; returns it."""
    token, now = new_token(), _now_ms()
    with database.writing() as connection:
        connection.execute("DELETE FROM sessions WHERE began < ?", (now - LONGEST_S * 1000,))
        connection.execute(
            "INSERT INTO sessions (token_hash, name, began, seen) VALUES (?, ?, ?, ?)",
            (_hash(token), name, now, now),
        )
    return token


def find(database: ServerDatabase, token: str) -> Session | None:
    """Who holds that token; None where nobody does, or no longer."""
    if not token or not database.exists:
        return None
    now = _now_ms()
    with database.reading() as connection:
        row = connection.execute(
            "SELECT name, began, seen FROM sessions WHERE token_hash = ?", (_hash(token),)
        ).fetchone()
    if row is None:
        return None
    name, began, seen = row
    if now - began > LONGEST_S * 1000 or now - seen > IDLE_S * 1000:
        end(database, token)
        return None
    if now - seen > _NOTED_EVERY_S * 1000:
        with database.writing() as connection:
            connection.execute(
                "UPDATE sessions SET seen = ? WHERE token_hash = ?", (now, _hash(token))
            )
    return Session(name, form_token(token))


def end(database: ServerDatabase, token: str) -> None:
    """Signs out whoever holds that token."""
    with database.writing() as connection:
        connection.execute("DELETE FROM sessions WHERE token_hash = ?", (_hash(token),))


def new_token() -> str:
    """256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


def form_token(token: str) -> str:
    """What the forms of a browser bring along, which holds `token` as a cookie."""
    return hmac.digest(token.encode(), b"form", "sha256").hex()


def is_form_token(given: str, token: str) -> bool:
    """Whether a form was made for the browser that holds `token`."""
    return bool(token) and hmac.compare_digest(given.encode(), form_token(token).encode())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
