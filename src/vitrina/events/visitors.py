"""A visitor without a name: what a page calls a browser, hashed with a secret of the shop.

The page makes the id at random, so it says nothing by itself. Hashed, the stored word leads back
to no browser either, unless somebody has both the browser's id and the shop's secret.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from pathlib import Path

from vitrina.errors import ShopError

_BYTES = 32
_PATIENCE_S = 1.0


def shop_secret(path: Path) -> bytes:
    """The shop's secret; made, readable for this user alone, where there is none.

    Args:
        path: Of the file: `ShopFolder.secret`.

    Raises:
        ShopError: it can be neither read nor made.
    """
    try:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(_BYTES))
        found = path.read_bytes()
        until = time.monotonic() + _PATIENCE_S
        while len(found) < _BYTES and time.monotonic() < until:
            time.sleep(0.01)  # another thread, or another server, is writing it
            found = path.read_bytes()
    except OSError as error:
        raise ShopError(
            f"The shop's secret cannot be read: {error.strerror}.",
            hint=f"Let the server read and write the file {path.name} in the shop's folder.",
        ) from error
    if len(found) != _BYTES:
        raise ShopError(
            f"The shop's secret has {len(found)} bytes, expected {_BYTES}.",
            hint=f"Delete the file {path.name}: a new one is made, visitors count anew.",
        )
    return found


def hashed_visitor(secret: bytes, visitor: str) -> str:
    """The word under which a visitor is kept: 32 hexadecimal digits."""
    return hashlib.blake2b(visitor.encode(), key=secret, digest_size=16).hexdigest()
