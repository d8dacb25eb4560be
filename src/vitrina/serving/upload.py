"""A shopper's photo from the request into memory: counted while it arrives, never on the disk."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from vitrina.errors import EmptyPhoto, NotAPhoto, PhotoTooLarge, QueryError

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


async def read_photo(request: Request, max_bytes: int) -> bytes:
    """The photo of a request: its body, or the part `photo` of a form.

    Args:
        request: Nothing of its body has been read.
        max_bytes: Largest photo; more is refused by its declared length before a byte is read,
            else as soon as it has arrived.

    Raises:
        EmptyPhoto: there are no bytes.
        NotAPhoto: the content type is neither image/* nor a form.
        PhotoTooLarge: there are more than `max_bytes`.
        QueryError: the form is broken or has no part of that name.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = content_type == "multipart/form-data"
    if not form and not content_type.startswith(("image/", "application/octet-stream")):
        raise NotAPhoto(
            f"The content type is {content_type[:80]!r}; expected image/* or a multipart form.",
            hint=f"Send the photo as the body, or as the form field {FIELD!r}.",
        )
    allowed = max_bytes + (_MULTIPART_OVERHEAD if form else 0)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > allowed:
        raise _too_large(max_bytes)
    stream = _counted(request, allowed, max_bytes)
    photo = await _from_form(request, stream, max_bytes) if form else await _joined(stream)
    if not photo:
        raise EmptyPhoto("The photo is empty: 0 bytes.", hint="Choose a photo and send it again.")
    return photo


async def _joined(stream: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def _counted(request: Request, allowed: int, max_bytes: int) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > allowed:
            raise _too_large(max_bytes)
        yield chunk


async def _from_form(
    request: Request, stream: AsyncGenerator[bytes, None], max_bytes: int
) -> bytes:
    parser = _InMemoryParser(request, stream, max_bytes)
    try:
        try:
            form = await parser.parse()
        except (MultiPartException, KeyError, ValueError) as error:
            raise QueryError(
                f"The form cannot be read: {getattr(error, 'message', error)}.",
                hint=f"Send one file in the field {FIELD!r}.",
            ) from error
        part = form.get(FIELD)
        if not isinstance(part, UploadFile):
            raise QueryError(
                f"The form has no file in the field {FIELD!r}.",
                hint=f"Send one file in the field {FIELD!r}.",
            )
        return await part.read()
    finally:
        parser.close()


def _too_large(max_bytes: int) -> PhotoTooLarge:
    return PhotoTooLarge(
        f"The photo has more than {max_bytes / 1e6:g} MB.", hint="Send a smaller copy of it."
    )
