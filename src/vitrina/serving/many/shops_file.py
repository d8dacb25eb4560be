"""The file that says which shops a server has: where each lies, and how it is found.

```toml
[service]                       # settings of the whole server, as in a shop.toml
models_memory_mb = 2000

[shops.lamps]
folder = "lamps"                # beside this file, or an absolute path
hosts = ["photo.lamps.example"]
keys = ["lamps-7f3a91c2"]       # for who asks at another host
weight = 1                      # its part, beside those of the others
```
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from vitrina.errors import SettingError
from vitrina.machine import memory_limit
from vitrina.settings import Settings

SERVICE_SETTINGS = frozenset({
    "host", "port", "slots", "models_memory_mb", "upload_memory_mb", "connections",
    "drain_seconds", "heic_seconds", "trusted_proxies", "metrics_from", "log_format", "log_level",
    "log_clients",
})  # fmt: skip
"""Settings that are of the server, not of one shop in it."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_HOST = re.compile(
    r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
)
_LEAST_KEY = 8
_HINT = "docs/many-shops.md shows such a file."
_MODELS_MEMORY = 1_000_000_000
"""Where nobody says how much memory there is, bytes."""

_Key = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9_-]{{{_LEAST_KEY},64}}$")]


class _ShopTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    folder: Annotated[str, Field(min_length=1)]
    hosts: list[str] = []
    keys: list[_Key] = []
    weight: Annotated[float, Field(gt=0, le=100)] = 1.0


@dataclass(frozen=True)
class ShopPlan:
    """One shop of a server.

    Attributes:
        name: In metrics and in the log.
        root: Its folder.
        hosts: Host names that are its own, in lower case, as they are sent.
        keys: What else names it in a request.
        weight: Its part of the server, beside those of the others.
    """

    name: str
    root: Path
    hosts: tuple[str, ...]
    keys: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class ServicePlan:
    """A server of several shops.

    Attributes:
        settings: Of the server; those that are of one shop mean nothing here.
        shops: All of them.
    """

    settings: Settings
    shops: tuple[ShopPlan, ...]

    @property
    def models_bytes(self) -> int:
        """Memory for all models together."""
        said = self.settings.models_memory_mb * 1_000_000
        return said or memory_limit() // 2 or _MODELS_MEMORY


def read_shops(file: Path) -> ServicePlan:
    """Reads the file that names the shops.

    Raises:
        SettingError: it cannot be read, or what it says cannot be; all faults are named.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{file} cannot be read: {error.strerror}.", hint=_HINT) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} is not valid TOML: {error}.", hint=_HINT) from error
    faults = [f"{name}: no such part" for name in content if name not in ("service", "shops")]
    settings = _service(content.get("service", {}), faults)
    tables = content.get("shops", {})
    if not isinstance(tables, dict) or not tables:
        faults.append("there is no shop, expected a part [shops.NAME]")
        tables = {}
    shops = [
        shop
        for name, table in tables.items()
        if (shop := _shop(name, table, file.parent, faults)) is not None
    ]
    _require_unlike(shops, faults)
    if faults or settings is None:
        raise SettingError(f"{file} cannot be used: {'; '.join(faults)}.", hint=_HINT)
    return ServicePlan(settings, tuple(shops))


def host_name(written: str) -> str | None:
    """A host name as a request names it: lower case, ASCII; None where it is none.

    Args:
        written: Without a port.
    """
    name = written.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return name if _HOST.fullmatch(name) else None


def _service(values: Any, faults: list[str]) -> Settings | None:
    if not isinstance(values, dict):
        faults.append("service: expected a part [service]")
        return None
    for name in values:
        if name not in SERVICE_SETTINGS:
            where = (
                "belongs into a shop's shop.toml" if name in Settings.model_fields else "unknown"
            )
            faults.append(f"service.{name}: {where}")
    try:
        return Settings(**{key: one for key, one in values.items() if key in SERVICE_SETTINGS})
    except ValidationError as error:
        faults += _said(error, "service")
        return None


def _shop(name: str, table: Any, beside: Path, faults: list[str]) -> ShopPlan | None:
    where = f"shops.{name[:60]}"
    if not _NAME.fullmatch(name):
        faults.append(f"{where}: a name has up to 40 letters, digits, - and _")
    try:
        told = _ShopTable.model_validate(table)
    except ValidationError as error:
        faults += _said(error, where)
        return None
    hosts = []
    for written in told.hosts:
        if (host := host_name(written)) is None:
            faults.append(f"{where}.hosts: {written[:80]!r} is no host name, without a port")
        else:
            hosts.append(host)
    if not told.hosts and not told.keys:
        faults.append(f"{where}: it has neither hosts nor keys, so nobody would find it")
    root = (beside / told.folder).resolve()
    if not root.is_dir():
        faults.append(f"{where}.folder: there is no folder {root}")
    elif not (root / "shop.toml").is_file():
        faults.append(f"{where}.folder: {root} is not a shop, it holds no shop.toml")
    return ShopPlan(name, root, tuple(hosts), tuple(told.keys), told.weight)


def _require_unlike(shops: list[ShopPlan], faults: list[str]) -> None:
    """Whatever names a shop names one."""
    known: dict[tuple[str, object], str] = {}
    for shop in shops:
        named: list[tuple[str, object]] = [("folder", shop.root)]
        named += [("host", host) for host in shop.hosts] + [("key", key) for key in shop.keys]
        for kind, value in named:
            if (other := known.setdefault((kind, value), shop.name)) != shop.name:
                faults.append(f"the {kind} {value} is of both {other} and {shop.name}")


def _said(error: ValidationError, where: str) -> list[str]:
    return [
        f"{'.'.join((where, *map(str, fault['loc'])))}: {fault['msg']} "
        f"(received {str(fault['input'])[:80]!r})"
        for fault in error.errors()
    ]
