"""Makes the archives that shops install, the same to the last byte wherever they are made.

python integrations/build.py [FOLDER]      dist/ unless named

vitrina-woocommerce.zip   a WordPress plugin
vitrina.ocmod.zip         an extension for OpenCart 3 and 4: version 3 takes what lies in upload/,
                          version 4 all the rest
"""

from __future__ import annotations

import ast
import struct
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a ZIP archive can hold."""
_MO_MAGIC = 0x950412DE


def build(out: Path) -> list[Path]:
    """Writes both archives.

    Args:
        out: Folder; it is made where it is missing.

    Returns:
        The archives.
    """
    out.mkdir(parents=True, exist_ok=True)
    archives = {
        "vitrina-woocommerce.zip": woocommerce_files(),
        "vitrina.ocmod.zip": opencart_files(),
    }
    for name, files in archives.items():
        pack(out / name, files)
    return [out / name for name in archives]


def woocommerce_files() -> dict[str, bytes]:
    """The plugin's files by their place in the archive."""
    source, top = ROOT / "woocommerce", "vitrina-woocommerce/"
    files = {top + path: content for path, content in _folder(source).items()}
    files |= _copied(ROOT / "shared", top + "includes/shared/")
    for path in sorted((source / "languages").glob("*.po")):
        files[f"{top}languages/{path.stem}.mo"] = compiled(path.read_text("utf-8"))
    return files | _licence(top)


def opencart_files() -> dict[str, bytes]:
    """The extension's files by their place in the archive, for both versions of OpenCart."""
    source = ROOT / "opencart"
    files = _folder(source / "opencart-3") | _folder(source / "opencart-4")
    files["install.json"] = (source / "install.json").read_bytes()
    template = (source / "vitrina.twig").read_bytes()
    # version 3 has a place of its own for extensions within each of its folders, version 4 has none
    for top, within in (("upload/", "extension/module/"), ("", "module/")):
        files |= _copied(ROOT / "shared", f"{top}system/library/vitrina/")
        files |= _copied(source / "library", f"{top}system/library/vitrina/")
        files[f"{top}admin/view/template/{within}vitrina.twig"] = template
        for path in sorted((source / "language").glob("*.php")):
            files[f"{top}admin/language/{path.stem}/{within}vitrina.php"] = path.read_bytes()
    return files | _licence("")


def pack(archive: Path, files: dict[str, bytes]) -> None:
    """Writes files sorted, without their dates, and stored: compressors differ, bytes do not."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _LONG_AGO)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            file.writestr(entry, content)


def compiled(po: str) -> bytes:
    """A catalogue of translations as the .mo file that WordPress reads.

    Args:
        po: Its source: msgid and msgstr, each perhaps over several lines; no plurals, no contexts.

    Raises:
        ValueError: a line is of neither kind.
    """
    texts: dict[str, list[str]] = {"msgid": [], "msgstr": []}
    messages: dict[str, str] = {}
    current = ""
    for number, line in enumerate([*po.splitlines(), 'msgid ""'], 1):
        word, _, rest = line.partition(" ")
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith('"'):
            rest = line
        elif word == "msgid" and current == "msgstr":
            messages["".join(texts["msgid"])] = "".join(texts["msgstr"])
            texts = {"msgid": [], "msgstr": []}
            current = word
        elif word in texts:
            current = word
        else:
            raise ValueError(f"line {number} is neither msgid nor msgstr: {line[:60]}")
        texts[current].append(ast.literal_eval(rest))
    return _mo(sorted((source.encode(), text.encode()) for source, text in messages.items()))


def _mo(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Header, two tables of (length, offset), then the texts with a zero byte after each."""
    tables, texts = [b"", b""], b""
    begin = 28 + 16 * len(pairs)
    for column in (0, 1):
        for pair in pairs:
            tables[column] += struct.pack("<II", len(pair[column]), begin + len(texts))
            texts += pair[column] + b"\0"
    head = struct.pack(
        "<7I", _MO_MAGIC, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 28 + 16 * len(pairs)
    )
    return head + tables[0] + tables[1] + texts


def _folder(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _copied(folder: Path, to: str) -> dict[str, bytes]:
    return {to + path: content for path, content in _folder(folder).items()}


def _licence(top: str) -> dict[str, bytes]:
    return {f"{top}LICENSE": (ROOT.parent / "LICENSE").read_bytes()}


if __name__ == "__main__":
    for written in build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")):
        sys.stdout.write(f"{written}\n")
