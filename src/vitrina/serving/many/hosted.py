"""What the application of one shop has from the server that it is in with others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.middleware import Middleware

from vitrina.serving.admission import Turns
from vitrina.serving.gate import Draining
from vitrina.serving.upload import SharedUploads


@dataclass(frozen=True)
class Hosted:
    """What is shared, and the shop's part of it.

    Attributes:
        name: What the shop is called in metrics and in the log.
        turns: Of its photos.
        uploads: Memory for photos on their way.
        draining: Whether the server is being stopped.
        middleware: What a request passes after the shop's own limits.
    """

    name: str
    turns: Turns
    uploads: SharedUploads
    draining: Draining
    middleware: Sequence[Middleware]
