"""Bodies that are no photos: read whole, as long as they are small and come in time."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from vitrina.errors import BodyTooLarge, UploadTooSlow

SECONDS = 10.0


async def read_small(request: Request, most: int) -> bytes:
    """The whole body.

    Args:
        request: Whose body it is.
        most: Bytes that are taken.

    Raises:
        BodyTooLarge: there are more.
        UploadTooSlow: they take too long to arrive.
        ClientDisconnect: the client left.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and declared.isascii() and int(declared[:20]) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    held = 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                held += len(part)
                if held > most:
                    raise _too_large(most)
                parts.append(part)
    except TimeoutError:
        raise UploadTooSlow(
            "The body takes too long to arrive.", hint="Send it again on a better connection."
        ) from None
    return b"".join(parts)


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body has more than {most} bytes.", hint="Send less at once, in several requests."
    )
