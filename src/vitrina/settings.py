"""One table of settings: name, default, unit and help stand here and nowhere else.

A value comes, in this order, from the environment (`VITRINA_PORT`), from the shop's `shop.toml`,
or from the default below.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from vitrina.errors import SettingError
from vitrina.photos import Limits


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
    host: str = Field("127.0.0.1", description="Address that the server listens on.")
    port: int = Field(8000, description="Port that the server listens on.", ge=0, le=65535)
    threads: int = Field(2, description="Processor threads for one inference.", ge=1, le=64)
    slots: int = Field(2, description="Photos worked on at the same time.", ge=1, le=64)
    max_photo_mb: float = Field(20.0, description="Largest photo accepted, megabytes.", gt=0)
    max_photo_megapixels: float = Field(
        64.0, description="Largest picture opened, millions of pixels.", gt=0
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

    @property
    def photo_limits(self) -> Limits:
        """The limits on photos, in bytes and pixels."""
        return Limits(
            max_bytes=int(self.max_photo_mb * 1e6),
            max_pixels=int(self.max_photo_megapixels * 1e6),
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
    # TOML writes text as JSON does
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
