"""One table of settings: name, default, unit and help stand here and nowhere else.

A value comes, in this order, from the environment (`VITRINA_PORT`), from the shop's `shop.toml`,
or from the default below.
"""

from __future__ import annotations

import json
import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from vitrina.errors import SettingError
from vitrina.machine import usable_cores
from vitrina.photos import Limits

_ORIGIN = re.compile(r"https?://([a-z0-9-]+\.)*[a-z0-9-]+(:\d{1,5})?")
"""As a browser sends it: lower case, no path, no slash at its end."""


def _listed(value: object) -> object:
    """A list as the environment holds it: names with commas between them."""
    if not isinstance(value, str):
        return value
    return [name for part in value.split(",") if (name := part.strip())]


_Names = Annotated[list[str], NoDecode, BeforeValidator(_listed)]


class Settings(BaseSettings):
    """What a shop may set; every field has a default that works."""

    model_config = SettingsConfigDict(env_prefix="VITRINA_", extra="forbid", frozen=True)

    name: str = Field("Vitrina", description="The shop's name, shown on its page.", max_length=100)
    language: Literal["ru", "en"] = Field(
        "ru", description="Language of the page where the browser asks for neither ru nor en."
    )
    currency: str = Field(
        "RUB",
        description="Currency of prices whose row names none (ISO 4217).",
        pattern="^[A-Z]{3}$",
    )
    database_url: str = Field(
        "",
        description="PostgreSQL instead of SQLite files, postgresql://user:password@host/database; "
        "better named in the environment than here.",
    )
    database_schema: str = Field(
        "public", description="Schema there that is this shop's: several may share a database."
    )
    host: str = Field("127.0.0.1", description="Address that the server listens on.")
    port: int = Field(8000, description="Port that the server listens on.", ge=0, le=65535)
    threads: int = Field(
        0,
        description="Processor threads for one inference; 0: as the processors allow.",
        ge=0,
        le=64,
    )
    engine: Literal["auto", "onnxruntime", "openvino"] = Field(
        "auto", description="What runs the network; auto: ONNX Runtime."
    )
    slots: int = Field(2, description="Photos worked on at the same time.", ge=1, le=64)
    queue: int = Field(64, description="Photos that may wait for that.", ge=0, le=10_000)
    deadline_seconds: float = Field(
        0.8,
        description="Longest time from a photo's arrival to its answer, seconds; what would take "
        "longer is turned away.",
        gt=0,
        le=600,
    )
    upload_seconds: float = Field(
        30.0, description="Longest time that a photo may take to arrive, seconds.", gt=0, le=3600
    )
    upload_idle_seconds: float = Field(
        5.0, description="Longest pause within that, seconds.", gt=0, le=600
    )
    upload_memory_mb: float = Field(
        64.0,
        description="Photos held in memory together, megabytes; at least max_photo_mb is taken.",
        gt=0,
    )
    models_memory_mb: int = Field(
        0,
        description="Memory for the models of all shops of one server, megabytes; 0: half of what "
        "the process may have. Only where one server has several shops.",
        ge=0,
    )
    connections: int = Field(
        1000, description="Connections held open at the same time.", ge=8, le=100_000
    )
    drain_seconds: float = Field(
        10.0,
        description="Time for what was accepted when the server is stopped, seconds.",
        ge=0,
        le=600,
    )
    photos_per_minute: int = Field(
        120, description="Photos that one client may send in a minute; 0 for any number.", ge=0
    )
    requests_per_minute: int = Field(
        1200, description="Other requests of one client in a minute; 0 for any number.", ge=0
    )
    trusted_proxies: _Names = Field(
        ["127.0.0.1", "::1"],
        description="Addresses or networks of proxies whose X-Forwarded-For names the client. "
        "What they ask themselves is not limited.",
    )
    api_keys: _Names = Field(
        [], description="Values of X-Api-Key whose requests count by the key, not by the address."
    )
    api_key_times: int = Field(
        10, description="How many times as often as an address a key may ask.", ge=1, le=10_000
    )
    cors_origins: _Names = Field(
        [], description="Origins, such as https://shop.ru, whose pages may use this server."
    )
    max_photo_mb: float = Field(20.0, description="Largest photo accepted, megabytes.", gt=0)
    max_photo_megapixels: float = Field(
        64.0, description="Largest picture opened, millions of pixels.", gt=0
    )
    heic: bool = Field(True, description="Whether HEIC and AVIF pictures are opened.")
    heic_seconds: float = Field(
        5.0, description="Longest time that decoding one of them may take, seconds.", gt=0, le=600
    )
    fetch_parallel: int = Field(
        8, description="Pictures fetched from a feed's addresses at the same time.", ge=1, le=64
    )
    fetch_per_host: int = Field(
        4, description="Of those, at most so many from the same server.", ge=1, le=64
    )
    fetch_seconds: float = Field(
        20.0, description="Longest time that one picture may take, seconds.", gt=0, le=600
    )
    fetch_from: Literal["internet", "anywhere"] = Field(
        "internet",
        description="Whether addresses in the shop's own network are fetched, too: anywhere.",
    )
    results: int = Field(24, description="Goods in one answer unless asked.", ge=1, le=100)
    wrong_fills: float = Field(
        0.05,
        description="Share of wrong answers that the shop accepts among filled search boxes.",
        gt=0,
        lt=1,
    )
    unsold_photos: float = Field(
        0.125,
        description="Share of shoppers' photos that show nothing the shop sells.",
        ge=0,
        lt=1,
    )
    wrong_unknowns: float = Field(
        0.05,
        description="Share of photos of goods the shop sells that may be called unknown.",
        ge=0,
        lt=1,
    )
    events: bool = Field(
        True,
        description="Whether queries, and what shoppers did with their answers, are kept.",
    )
    events_days: int = Field(
        400, description="Days that they are kept for; older ones are deleted.", ge=1, le=10_000
    )
    review_photos: bool = Field(
        False,
        description="Whether photos of doubtful answers are kept, small and without their EXIF, "
        "for the merchant to say what they show.",
    )
    review_days: int = Field(
        30, description="Days that they are kept for; older ones are deleted.", ge=1, le=400
    )
    review_most: int = Field(
        2000, description="Photos kept at most; the newest stay.", ge=1, le=100_000
    )
    events_per_minute: int = Field(
        120,
        description="Batches of events of one client in a minute, and of its searches by words "
        "those that are noted; 0 for any number.",
        ge=0,
    )
    metrics_from: _Names = Field(
        ["127.0.0.0/8", "::1/128"],
        description="Addresses or networks that may read /metrics.",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="Form of log lines; auto: text on a terminal, else json."
    )
    log_level: Literal["debug", "info", "warning"] = Field(
        "info", description="Least level that is logged; warning: refusals and faults only."
    )
    log_clients: Literal["pseudonym", "network", "none"] = Field(
        "pseudonym",
        description="How a client is named in the log: a word that changes with each start, "
        "its network, or not at all.",
    )

    @field_validator("trusted_proxies", "metrics_from")
    @classmethod
    def _are_networks(cls, proxies: list[str]) -> list[str]:
        for proxy in proxies:
            ip_network(proxy)
        return proxies

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            # "*" and "null" would let in pages of anybody
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin[:80]!r} is no origin such as https://shop.ru")
        return origins

    @property
    def inference_threads(self) -> int:
        """Processor threads for one inference, 1 or more."""
        cores = usable_cores()
        # photos mostly come one at a time: two threads answer sooner (docs/inference.md)
        return self.threads or min(cores, max(2, cores // self.slots))

    @property
    def photo_limits(self) -> Limits:
        """The limits on photos, in bytes and pixels."""
        return Limits(
            max_bytes=int(self.max_photo_mb * 1e6),
            max_pixels=int(self.max_photo_megapixels * 1e6),
            heic=self.heic,
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file; the file's values arrive through the constructor."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def read_settings(toml: Path) -> Settings:
    """Settings of the shop whose shop.toml is at `toml`.

    Raises:
        SettingError: the file is no TOML, or a value is unknown or out of range; the message
            names every wrong field.
    """
    try:
        values = tomllib.loads(toml.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{toml} is not valid TOML: {error}.",
            hint="Mend the line that is named, or run `vitrina init` in a new folder and compare.",
        ) from error
    try:
        return Settings(**values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']} (received {fault['input']!r})"
            for fault in error.errors()
        )
        raise SettingError(
            f"Settings of {toml} or of the environment cannot be used: {wrong}.",
            hint="docs/settings.md and the shop.toml that `vitrina init` writes list the settings.",
        ) from error


def settings_as_toml(values: dict[str, object]) -> str:
    """A commented shop.toml: `values` set, every other setting shown with its default.

    Raises:
        SettingError: one of `values` is no setting.
    """
    if unknown := sorted(set(values) - set(Settings.model_fields)):
        raise SettingError(
            f"There is no setting {', '.join(unknown)}.",
            hint=f"Settings: {', '.join(Settings.model_fields)}.",
        )
    lines = ["# Settings of this shop. A line that starts with # shows a default.\n"]
    for name, field in Settings.model_fields.items():
        chosen = name in values
        value = values[name] if chosen else field.default
        lines.append(f"# {field.description}")
        lines.append(f"{'' if chosen else '# '}{name} = {_toml(value)}\n")
    return "\n".join(lines)


def _toml(value: object) -> str:
    # TOML writes text, lists of it, true and false as JSON does
    as_json = isinstance(value, str | list | bool)
    return json.dumps(value, ensure_ascii=False) if as_json else str(value)
