"""Names and passwords of those who may see the merchant's screens.

There are no screens until the first password is set, which is done on the machine itself. A hash
costs 19 MiB and some 35 ms of one core, and one at a time is computed: tries, however many, are no
way to use up the machine.
"""

from __future__ import annotations

import re
import threading
import time
from functools import cache
from typing import TYPE_CHECKING

from vitrina.errors import AdminRefused, NotFound, SettingError
from vitrina.store.server_database import ServerDatabase

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 200
USUAL_NAME = "admin"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_one_at_a_time = threading.Lock()


def set_password(database: ServerDatabase, name: str, password: str) -> None:
    """Lets somebody in, or gives them another password; who was signed in no longer is.

    Args:
        database: What the server writes.
        name: Lower-case letters, digits, dots, dashes and underlines.
        password: 12 to 200 characters.

    Raises:
        SettingError: the name or the password is none.
        ShopError: nothing can be written.
    """
    if not _NAME.fullmatch(name):
        raise SettingError(
            f"{name[:60]!r} is no name to sign in with; expected lower-case Latin letters, digits, "
            "dots, dashes and underlines, 40 at most.",
            hint="Choose another one with --name.",
        )
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise SettingError(
            f"The password has {len(password)} characters; expected {LEAST_CHARACTERS} to "
            f"{MOST_CHARACTERS}.",
            hint="Four words that do not belong together make a good one.",
        )
    made = _hasher().hash(password)
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO admins (name, password_hash, changed) VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, "
            "changed = excluded.changed",
            (name, made, time.time_ns() // 1_000_000),
        )
        connection.execute("DELETE FROM sessions WHERE name = ?", (name,))


def remove_account(database: ServerDatabase, name: str) -> None:
    """Lets somebody in no longer; who was signed in under that name no longer is.

    Raises:
        NotFound: there is no such name.
    """
    if name not in names(database):
        raise NotFound(f"There is nobody called {name[:60]!r}.", hint="Look at the name again.")
    with database.writing() as connection:
        connection.execute("DELETE FROM admins WHERE name = ?", (name,))


def names(database: ServerDatabase) -> list[str]:
    """Who may sign in; nobody before the first password."""
    if not database.exists:
        return []
    with database.reading() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM admins ORDER BY name")]


def require_password(database: ServerDatabase, name: str, password: str) -> None:
    """Makes sure that a name and a password belong together; takes as long where they do not.

    Raises:
        AdminRefused: they do not.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    with database.reading() as connection:
        found = connection.execute(
            "SELECT password_hash FROM admins WHERE name = ?", (name,)
        ).fetchone()
    try:
        with _one_at_a_time:
            _hasher().verify(_of_nobody() if found is None else found[0], password)
    except (VerificationError, InvalidHashError):
        found = None
    if found is None:
        raise AdminRefused("The name or the password is wrong.", hint="Write both again.")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _of_nobody() -> str:
    """A hash that is verified for names that there are not, so that time tells nothing of them."""
    import secrets

    return _hasher().hash(secrets.token_urlsafe())
