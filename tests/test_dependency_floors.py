"""Nothing older than docs/security.md allows is installed, pinned or declared."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = {"all": ROOT / "constraints.txt", "serving": ROOT / "deploy" / "constraints.txt"}


class Floor(NamedTuple):
    name: str
    version: Version
    where: str
    why: str


def floors() -> list[Floor]:
    table = SECURITY[SECURITY.index("## Floors") :]
    rows = re.findall(r"^\| `([\w-]+)` \| `([\d.]+)` \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    return [Floor(name, Version(version), where, why) for name, version, where, why in rows]


FLOORS = floors()
PACKAGES = [floor for floor in FLOORS if floor.where in ("serves", "trains")]


def pinned(which: str) -> dict[str, Version]:
    text = PINS[which].read_text(encoding="utf-8")
    lowest: dict[str, Version] = {}
    # one package may be pinned differently for different versions of Python: the oldest counts
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE):
        found = Version(version)
        lowest[name] = min(found, lowest.get(name, found))
    return lowest


def declared() -> dict[str, Version]:
    """The oldest version of each package that pip may take."""
    extras = PROJECT["optional-dependencies"].values()
    oldest: dict[str, Version] = {}
    for line in (*PROJECT["dependencies"], *(line for extra in extras for line in extra)):
        wanted = Requirement(line)
        (least,) = (one for one in wanted.specifier if one.operator == ">=")
        oldest[wanted.name] = Version(least.version)
    return oldest


def ids(floor: Floor) -> str:
    return floor.name


def test_the_table_is_whole() -> None:
    assert {floor.name for floor in FLOORS} == {
        "pillow", "pillow-heif", "libheif", "webp", "python-multipart", "starlette", "h11",
        "jinja2", "onnx", "keras", "sqlite",
    }  # fmt: skip
    for floor in FLOORS:
        assert floor.where in ("serves", "trains", "linked") or floor.where.startswith("inside `")
        assert re.search(r"CVE-\d{4}-\d+|may damage it", floor.why)


@pytest.mark.parametrize("floor", PACKAGES, ids=ids)
def test_what_is_pinned(floor: Floor) -> None:
    assert pinned("all")[floor.name] >= floor.version
    if floor.where == "serves":
        assert pinned("serving")[floor.name] >= floor.version


@pytest.mark.parametrize("floor", PACKAGES, ids=ids)
def test_what_is_installed(floor: Floor) -> None:
    try:
        found = metadata.version(floor.name)
    except metadata.PackageNotFoundError:
        assert floor.where == "trains", f"{floor.name} is missing from a plain installation"
        return
    assert Version(found) >= floor.version


@pytest.mark.parametrize("floor", PACKAGES, ids=ids)
def test_what_is_declared(floor: Floor) -> None:
    if floor.name == "h11":
        assert "h11" not in declared()  # it comes with uvicorn: only its pin can be looked at
        return
    assert declared()[floor.name] >= floor.version


def test_what_wheels_bring_along() -> None:
    import pillow_heif
    from PIL import features

    inside = {floor.name: floor.version for floor in FLOORS if floor.where.startswith("inside")}
    assert Version(pillow_heif.libheif_version()) >= inside.pop("libheif")
    assert Version(str(features.version("webp"))) >= inside.pop("webp")
    assert not inside


def test_nothing_that_trains_is_where_it_serves() -> None:
    trains = {Requirement(line).name for line in PROJECT["optional-dependencies"]["train"]}
    plain = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert not trains & (plain | set(pinned("serving")))
    assert not {"keras", "tensorflow", "tensorflow-cpu", "torch", "onnx"} & set(pinned("serving"))


def test_what_serves_is_pinned_once() -> None:
    """deploy/constraints.txt is a part of constraints.txt: `make constraints` writes both."""
    everything = PINS["all"].read_text(encoding="utf-8")
    part = PINS["serving"].read_text(encoding="utf-8")
    pin = re.compile(r"^\S+==.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)

    def content(block: str) -> tuple[str, ...]:
        name, *hashes = re.findall(r"^\S+==\S+|sha256:[0-9a-f]{64}", block)
        assert hashes, f"{name} has no hash"
        return (name, *sorted(hashes))

    assert {content(block) for block in pin.findall(part)} <= {
        content(block) for block in pin.findall(everything)
    }
    plain = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert plain <= set(pinned("serving"))


def test_what_the_page_names_is_there() -> None:
    places = re.findall(r"\| ([^|]+) \| ((?:`test_\w+\.py`(?:, )?)+) \|$", SECURITY, re.MULTILINE)
    assert len(places) > 25
    package = ROOT / "src" / "vitrina"
    named = [
        path
        for modules, tests in places
        for path in (
            *(package / module for module in re.findall(r"`([\w/.]+)`", modules)),
            *(ROOT / "tests" / test for test in re.findall(r"`(\w+\.py)`", tests)),
        )
    ]
    assert not [str(path) for path in named if not path.exists()]
