"""The load generator in a process of its own: it shares no interpreter with what it measures."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from vitrina.bench.open_loop import Offered, Order, Sent, ask_in_turn, offer
from vitrina.errors import EvaluationError

_ENDING_SECONDS = 5.0


class LoadGenerator:
    """Sends rounds of requests; to be used in a `with` block.

    Args:
        photos: Sent to the process once; a round's schedule names them by number.
    """

    def __init__(self, photos: Sequence[Sent]) -> None:
        self._photos = list(photos)

    def __enter__(self) -> Self:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe.send(self._photos)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # a round that is under way is not waited for
        self._process.terminate()
        self._process.join(_ENDING_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self._pipe.close()

    def offer(self, order: Order) -> Offered:
        """Sends each request at its time.

        Raises:
            EvaluationError: the process ended.
        """
        return self._ask(offer, order)

    def ask_in_turn(self, order: Order) -> Offered:
        """Sends one request after the other.

        Raises:
            EvaluationError: the process ended.
        """
        return self._ask(ask_in_turn, order)

    def _ask(self, work: Callable[[Sequence[Sent], Order], Offered], order: Order) -> Offered:
        try:
            self._pipe.send((work, order))
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise EvaluationError(
                "The process that sends the photos ended.",
                hint="Look whether the machine has run out of memory.",
            ) from error
        assert isinstance(answer, Offered)
        return answer


def _work(pipe: Connection) -> None:
    with suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        photos = pipe.recv()
        while True:
            work, order = pipe.recv()
            pipe.send(work(photos, order))
