"""Which shop a request is for: by its host, or by a key where the host is no shop's own.

A key is no secret, it stands in the shop's pages. It comes in the header `X-Vitrina-Key`, in the
address as `/shop/KEY/...`, which the widget's tag takes, or as the parameter `key`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Scope

from vitrina.errors import ShopUnknown
from vitrina.serving.many.shops_file import ShopPlan, host_name

KEY_HEADER = "x-vitrina-key"
_PREFIX = "/shop/"
_HINT = "Look at the address, or at the key, that the shop was given."

AnyShop = TypeVar("AnyShop")


class Directory(Generic[AnyShop]):
    """Shops by what names them.

    Args:
        shops: Each with what is said of it.
    """

    def __init__(self, shops: Iterable[tuple[ShopPlan, AnyShop]]) -> None:
        self._hosts: dict[str, AnyShop] = {}
        self._keys: dict[str, AnyShop] = {}
        for plan, shop in shops:
            self._hosts.update(dict.fromkeys(plan.hosts, shop))
            self._keys.update(dict.fromkeys(plan.keys, shop))

    def find(self, scope: Scope) -> tuple[AnyShop | None, Scope]:
        """The shop that a request is for, and the request as that shop sees it.

        Returns:
            None where it names no shop at all.

        Raises:
            ShopUnknown: it names one that is not there.
        """
        headers = Headers(scope=scope)
        if (key := headers.get(KEY_HEADER)) is not None:
            return self._of(key), scope
        host = headers.get("host", "")
        shop = self._hosts.get(host)  # nearly always as it is written
        if shop is None:
            name = host_name(host.rpartition(":")[0] if ":" in host else host)
            shop = self._hosts.get(name or "")
        if shop is not None:
            return shop, scope
        path: str = scope["path"]
        if path.startswith(_PREFIX):
            key, _, rest = path.removeprefix(_PREFIX).partition("/")
            inner = {**scope, "path": f"/{rest}"}
            inner.pop("raw_path", None)
            return self._of(key), inner
        if b"key=" in scope["query_string"]:
            asked = parse_qs(scope["query_string"].decode("latin-1"))
            if keys := asked.get("key"):
                return self._of(keys[0]), scope
        return None, scope

    def _of(self, key: str) -> AnyShop:
        shop = self._keys.get(key)
        if shop is None:
            raise ShopUnknown("No shop has this key.", hint=_HINT)
        return shop


def unknown_host(scope: Scope) -> ShopUnknown:
    """What is said where a request names no shop."""
    host = Headers(scope=scope).get("host", "")
    return ShopUnknown(f"No shop is at the host {host[:80]!r}.", hint=_HINT)
