"""A shop's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from vitrina import Shop
from vitrina.errors import NotAShop, SettingError, ShopError, ShopExists
from vitrina.folder import ShopFolder


def test_create_and_find(tmp_path: Path) -> None:
    made = ShopFolder.create(tmp_path / "new" / "лавка", name="Лавка", language="en")
    found = ShopFolder.find(tmp_path / "new" / "лавка")
    assert found == made
    assert (found.settings.name, found.settings.language) == ("Лавка", "en")
    for part in (found.photos, found.imports, found.runs, found.bundles, found.cache):
        assert part.is_dir()
        assert part.parent == found.root
    assert found.photo("abcd", ".jpg") == found.photos / "ab" / "abcd.jpg"


def test_create_twice(tmp_path: Path) -> None:
    ShopFolder.create(tmp_path, name="first")
    with pytest.raises(ShopExists, match="already is a shop"):
        ShopFolder.create(tmp_path, name="second")
    assert ShopFolder.find(tmp_path).settings.name == "first"


def test_no_shop(tmp_path: Path) -> None:
    with pytest.raises(NotAShop) as refusal:
        ShopFolder.find(tmp_path)
    assert "vitrina init" in refusal.value.hint
    with pytest.raises(NotAShop):
        Shop.open(tmp_path / "missing")


@pytest.mark.parametrize("wrong", [{"language": "de"}, {"colour": "red"}, {"name": "x" * 101}])
def test_wrong_settings_make_no_shop(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        ShopFolder.create(tmp_path, **wrong)
    assert not (tmp_path / "shop.toml").exists()
    ShopFolder.create(tmp_path, name="right")


def test_place_that_cannot_be_a_shop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ShopError, match="cannot be made a shop"):
        ShopFolder.create(tmp_path / "file" / "shop")
    with pytest.raises(ShopError, match="cannot be made a shop"):
        ShopFolder.create(tmp_path / ("long" * 100))


@pytest.mark.parametrize("name", ["50% off", "a?b#c", "x[bold]", "ла вка", "a&b;c'd"])
def test_folder_names_that_are_special_elsewhere(
    tmp_path: Path, catalogue_table: Path, name: str
) -> None:
    shop = Shop.create(tmp_path / name)
    assert shop.import_catalogue(catalogue_table).products == 12
    assert (tmp_path / name / "vitrina.db").is_file()
    assert Shop.open(tmp_path / name).search_text("лампа").total == 4
