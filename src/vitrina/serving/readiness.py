"""Whether photos can be searched right now; if not, why."""

from __future__ import annotations

import sqlite3

from anyio import CapacityLimiter, move_on_after, to_thread

from vitrina.errors import Busy, ShopError, VitrinaError
from vitrina.serving.admission import Admission
from vitrina.serving.gate import Draining
from vitrina.serving.photo_load import load_of
from vitrina.serving.shop_state import ShopState

_PATIENCE_SECONDS = 1.0


class Readiness:
    """Asked by /readyz and /metrics, also where everything else is overrun.

    Args:
        state: The shop.
        admission: Who may use the slots.
        draining: Whether the server is being stopped.
    """

    def __init__(self, state: ShopState, admission: Admission, draining: Draining) -> None:
        self._state = state
        self._admission = admission
        self._draining = draining
        # a thread of its own: those of the routes may all be busy
        self._thread = CapacityLimiter(1)

    async def problem(self) -> VitrinaError | None:
        """What keeps the server from answering photos; None where nothing does."""
        if self._draining.since is not None:
            return self._draining.problem()
        self._state.served.look()
        if (bundle := self._state.not_ready) is not None:
            return bundle
        if (database := await self._database()) is not None:
            return database
        deadline = self._state.settings.deadline_seconds
        if self._admission.expected_wait(load_of("jpeg", 0)) >= deadline:
            return Busy(
                "The server has as many photos as it can answer in time.",
                hint="This passes by itself; where it does not, the server is too small.",
            )
        return None

    async def _database(self) -> ShopError | None:
        with move_on_after(_PATIENCE_SECONDS):
            return await to_thread.run_sync(
                self._read_database, abandon_on_cancel=True, limiter=self._thread
            )
        return ShopError(
            f"The shop's database did not answer within {_PATIENCE_SECONDS:g} s.",
            hint="Look whether the disk is overloaded, or another program holds vitrina.db.",
        )

    def _read_database(self) -> ShopError | None:
        try:
            with self._state.database.asking() as connection:
                connection.execute("SELECT id FROM categories LIMIT 1").fetchone()
        except ShopError as error:
            return error
        except sqlite3.Error as error:
            return ShopError(
                f"The shop's database cannot be read ({type(error).__name__}).",
                hint="Look whether vitrina.db is there, whole, and may be read by the server.",
            )
        return None
