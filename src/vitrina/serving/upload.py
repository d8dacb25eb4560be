"""A shopper's photo from the request into memory: counted while it arrives, never on the disk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from vitrina.errors import Busy, EmptyPhoto, NotAPhoto, PhotoTooLarge, QueryError, UploadTooSlow

FIELD = "photo"
_MULTIPART_OVERHEAD = 64 * 1024


class _InMemoryParser(MultiPartParser):
    """Starlette's parser writes larger parts to a temporary file; a shopper's photo must not be."""

    def __init__(
        self, request: Request, stream: AsyncGenerator[bytes, None], max_bytes: int
    ) -> None:
        super().__init__(
            request.headers, stream, max_files=1, max_fields=8, max_part_size=_MULTIPART_OVERHEAD
        )
        self.spool_max_size = max_bytes + _MULTIPART_OVERHEAD

    def close(self) -> None:
        """Frees every part, also the one that a form broke off in, which is in no form."""
        for file in self._files_to_close_on_error:
            file.close()


class Uploads:
    """Bodies on their way into memory: how long each may take, and how much all of them may hold.

    A body holds what has arrived of it, however long it says it will be. Where all together would
    hold too much, the largest that is still arriving is turned away: a few large ones, slowly sent,
    must not keep everybody else out.

    Args:
        max_bytes: Largest photo.
        memory: All of them together, bytes.
        seconds: Longest time that one may take to arrive.
        idle_seconds: Longest pause within that.
        beside: What bodies of other shops are in the same memory; None where there are no others.
    """

    def __init__(
        self,
        max_bytes: int,
        memory: int,
        seconds: float,
        idle_seconds: float,
        beside: SharedUploads | None = None,
    ) -> None:
        self.max_bytes = max_bytes
        self._memory = max(memory, max_bytes + _MULTIPART_OVERHEAD)
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._held = 0
        # it would warn of each broken form, with bytes of it
        logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
        self._arriving: set[Upload] = set()
        self._beside = beside
        if beside is not None:
            beside.join(self)

    @property
    def held(self) -> int:
        """Bytes in memory now."""
        return self._held

    def expect(self, request: Request) -> Upload:
        """The body of a request, of which nothing has been read.

        Raises:
            NotAPhoto: the content type is neither image/* nor a form.
            PhotoTooLarge: it says that it is larger than allowed.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        form = kind == "multipart/form-data"
        if not form and not kind.startswith(("image/", "application/octet-stream")):
            raise NotAPhoto(
                f"The content type is {kind[:80]!r}; expected image/* or a multipart form.",
                hint=f"Send the photo as the body, or as the form field {FIELD!r}.",
            )
        upload = Upload(self, request, form=form)
        if upload.declared > upload.allowed:
            raise _too_large(self.max_bytes)
        return upload

    def _make_room(self, upload: Upload, size: int) -> None:
        while self._held + size > self._memory:
            self._turn_away_for(upload)
        if self._beside is not None:
            while not self._beside.has_room(size):
                if not self._beside.turn_away_from_fullest(self):
                    self._turn_away_for(upload)
        self._held += size

    def turn_away_largest(self) -> bool:
        """Ends the largest that is still arriving; whether there was one."""
        if not self._arriving:
            return False
        max(self._arriving, key=lambda one: one.held).turn_away()
        return True

    def _turn_away_for(self, upload: Upload) -> None:
        largest = max(self._arriving, key=lambda one: one.held)
        if largest is upload or largest.held <= upload.held:
            raise _no_room()
        largest.turn_away()


class SharedUploads:
    """Bodies of several shops in one memory: who holds most makes room first.

    Args:
        memory: All of them together, bytes.
    """

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._shops: list[Uploads] = []

    def join(self, shop: Uploads) -> None:
        """Has a shop take part."""
        self._shops.append(shop)

    def has_room(self, size: int) -> bool:
        """Whether that many bytes more are no more than there may be."""
        return sum(shop.held for shop in self._shops) + size <= self._memory

    def turn_away_from_fullest(self, asking: Uploads) -> bool:
        """Ends a body of the shop that holds most; False where that is the one that asks."""
        fullest = max(self._shops, key=lambda shop: shop.held)
        return fullest is not asking and fullest.turn_away_largest()


class Upload:
    """One body; a context manager, at whose end its bytes no longer count as held.

    Attributes:
        form: Whether it is a multipart form.
        allowed: Bytes, a form's own included.
        declared: Bytes that it says it has; 0 where it does not say.
        held: Bytes that have arrived.
    """

    def __init__(self, uploads: Uploads, request: Request, *, form: bool) -> None:
        self._uploads = uploads
        self._request = request
        self.form = form
        self.allowed = uploads.max_bytes + (_MULTIPART_OVERHEAD if form else 0)
        length = request.headers.get("content-length", "")
        self.declared = int(length) if length.isdecimal() and length.isascii() else 0
        self.held = 0
        self._limit: asyncio.Timeout | None = None
        self._turned_away = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._uploads._arriving.discard(self)
        self._uploads._held -= self.held
        self.held = 0

    async def read(self) -> bytes:
        """The photo: the whole body, or the part `photo` of a form.

        Raises:
            EmptyPhoto: there are no bytes.
            PhotoTooLarge: there are more than allowed.
            QueryError: the form is broken, or has not exactly one file of that name.
            UploadTooSlow: it takes too long.
            Busy: too much is held in memory.
            ClientDisconnect: the client left.
        """
        self._uploads._arriving.add(self)
        try:
            async with asyncio.timeout(self._uploads._seconds) as self._limit:
                stream = self._chunks(self._limit)
                if self.form:
                    photo = await _from_form(self._request, stream, self._uploads.max_bytes)
                else:
                    photo = b"".join([chunk async for chunk in stream])
        except TimeoutError:
            if self._turned_away:
                raise _no_room() from None
            raise UploadTooSlow(
                "The photo takes too long to arrive.",
                hint="Send a smaller copy of it, or try again on a better connection.",
            ) from None
        finally:
            self._uploads._arriving.discard(self)
        if not photo:
            raise EmptyPhoto(
                "The photo is empty: 0 bytes.", hint="Choose a photo and send it again."
            )
        return photo

    def turn_away(self) -> None:
        """Ends the reading: others have no room."""
        self._turned_away = True
        self._uploads._arriving.discard(self)
        self._uploads._held -= self.held
        self.held = 0
        if self._limit is not None:
            self._limit.reschedule(0)

    async def _chunks(self, limit: asyncio.Timeout) -> AsyncGenerator[bytes, None]:
        now = asyncio.get_running_loop().time
        latest = limit.when() or 0.0
        limit.reschedule(min(latest, now() + self._uploads._idle_seconds))
        async for chunk in self._request.stream():
            if self._turned_away:
                raise _no_room()
            if self.held + len(chunk) > self.allowed:
                raise _too_large(self._uploads.max_bytes)
            self._uploads._make_room(self, len(chunk))
            self.held += len(chunk)
            limit.reschedule(min(latest, now() + self._uploads._idle_seconds))
            yield chunk


async def _from_form(
    request: Request, stream: AsyncGenerator[bytes, None], max_bytes: int
) -> bytes:
    parser = _InMemoryParser(request, stream, max_bytes)
    try:
        try:
            parts = (await parser.parse()).getlist(FIELD)
        except (MultiPartException, KeyError, ValueError) as error:
            raise QueryError(
                f"The form cannot be read: {str(getattr(error, 'message', error)).rstrip('.')}.",
                hint=f"Send one file in the field {FIELD!r}.",
            ) from error
        if len(parts) != 1 or not isinstance(parts[0], UploadFile):
            raise QueryError(
                f"The form has not exactly one file in the field {FIELD!r}.",
                hint=f"Send one file in the field {FIELD!r}.",
            )
        return await parts[0].read()
    finally:
        parser.close()


def _too_large(max_bytes: int) -> PhotoTooLarge:
    return PhotoTooLarge(
        f"The photo has more than {max_bytes / 1e6:g} MB.", hint="Send a smaller copy of it."
    )


def _no_room() -> Busy:
    return Busy(
        "The server holds as many photos as it has memory for.",
        hint="Send the photo again after the seconds that Retry-After says, or a smaller copy.",
    )
