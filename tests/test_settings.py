"""Settings: one table, from the environment, from shop.toml, or the default."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from vitrina.errors import SettingError
from vitrina.settings import Settings, read_settings, settings_as_toml


def read(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "shop.toml").write_text(text, encoding="utf-8")
    return read_settings(tmp_path / "shop.toml")


def test_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert (settings.language, settings.currency, settings.port) == ("ru", "RUB", 8000)
    assert settings.host == "127.0.0.1"
    assert settings.photo_limits.max_bytes == 20_000_000
    assert settings.photo_limits.max_pixels == 64_000_000


def test_file_then_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'name = "Лампы"\nport = 9000\nmax_photo_mb = 1.5'
    assert read(tmp_path, text).port == 9000
    monkeypatch.setenv("VITRINA_PORT", "9001")
    settings = read(tmp_path, text)
    assert (settings.name, settings.port) == ("Лампы", 9001)
    assert settings.photo_limits.max_bytes == 1_500_000


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("port = 70000", "port"),
        ("port = 'x'", "port"),
        ("colour = 'red'", "colour"),
        ("language = 'de'", "language"),
        ("currency = 'рубль'", "currency"),
        ("threads = -1", "threads"),
        ("results = 101", "results"),
        ("wrong_fills = 1.0", "wrong_fills"),
        ("max_photo_mb = -1", "max_photo_mb"),
        ("deadline_seconds = 0", "deadline_seconds"),
        ("deadline_seconds = nan", "deadline_seconds"),
        ("queue = -1", "queue"),
        ("trusted_proxies = ['proxy.test']", "trusted_proxies"),
        ("trusted_proxies = ['10.0.0.1/8']", "trusted_proxies"),
        ("trusted_proxies = ['*']", "trusted_proxies"),
        ("cors_origins = ['*']", "cors_origins"),
        ("cors_origins = ['null']", "cors_origins"),
        ("cors_origins = ['https://shop.test/']", "cors_origins"),
        ("cors_origins = ['shop.test']", "cors_origins"),
        ("cors_origins = ['https://*.shop.test']", "cors_origins"),
        ("cors_origins = ['HTTPS://SHOP.TEST']", "cors_origins"),
        ("name = \nport = 1", "not valid TOML.*line 1"),
        ("name = 'a'\nname = 'b'", "not valid TOML"),
    ],
)
def test_wrong_value_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(SettingError, match=named) as refusal:
        read(tmp_path, text)
    assert refusal.value.hint


def test_every_wrong_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"port.*threads"):
        read(tmp_path, "port = -1\nthreads = 99")


def test_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_bytes("name = 'Лампы'".encode("cp1251"))
    with pytest.raises(SettingError, match="not valid TOML"):
        read_settings(tmp_path / "shop.toml")


def test_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'cors_origins = ["https://a.test", "http://b.test:8080"]'
    assert read(tmp_path, text).cors_origins == ["https://a.test", "http://b.test:8080"]
    monkeypatch.setenv("VITRINA_CORS_ORIGINS", "https://c.test, http://localhost:3000,")
    monkeypatch.setenv("VITRINA_TRUSTED_PROXIES", "10.0.0.0/8,2001:db8::/32")
    monkeypatch.setenv("VITRINA_API_KEYS", "")
    settings = read(tmp_path, text)
    assert settings.cors_origins == ["https://c.test", "http://localhost:3000"]
    assert settings.trusted_proxies == ["10.0.0.0/8", "2001:db8::/32"]
    assert settings.api_keys == []
    monkeypatch.setenv("VITRINA_CORS_ORIGINS", "*")
    with pytest.raises(SettingError, match="cors_origins"):
        read(tmp_path, text)


def test_wrong_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINA_SLOTS", "many")
    with pytest.raises(SettingError, match="slots"):
        read(tmp_path, "")


@pytest.mark.parametrize("name", ["Лампы", 'a "b" \\ c', "one\ntwo\ttabs", "x = 1 # y", ""])
def test_written_settings_are_read_back(tmp_path: Path, name: str) -> None:
    settings = read(tmp_path, settings_as_toml({"name": name, "port": 1, "wrong_fills": 0.1}))
    assert (settings.name, settings.port, settings.wrong_fills) == (name, 1, 0.1)


def test_every_setting_is_shown_with_its_default() -> None:
    text = settings_as_toml({"name": "Лампы"})
    assert tomllib.loads(text) == {"name": "Лампы"}
    shown = "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert tomllib.loads(shown) == defaults | {"name": "Лампы"}
    for field in Settings.model_fields.values():
        assert field.description
        assert field.description in text
