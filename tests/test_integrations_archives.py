"""The archives that shops install: always the same bytes, whole, in both languages, for old PHP."""

from __future__ import annotations

import gettext
import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from platforms.archives import INTEGRATIONS, build_module
from platforms.php_shop import php

pytestmark = pytest.mark.php

ROOT = Path(__file__).parent.parent
PHP_FILES = sorted(INTEGRATIONS.rglob("*.php"))


def run_php(script: str, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [php(), "-d", "display_errors=1", "-r", script, "--", *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_archives_are_the_same_bytes_wherever_they_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_module().build(tmp_path / "first")
    assert [path.name for path in first] == ["vitrina-woocommerce.zip", "vitrina.ocmod.zip"]
    copy = Path(shutil.copytree(INTEGRATIONS, tmp_path / "elsewhere" / "integrations"))
    shutil.copy(ROOT / "LICENSE", copy.parent)
    for path in sorted(copy.rglob("*"), reverse=True):
        path.touch()
        path.chmod(0o777)
    module = build_module()
    monkeypatch.setattr(module, "ROOT", copy)
    second = module.build(tmp_path / "second")
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()


def test_all_php_can_be_read(tmp_path: Path) -> None:
    build_module().build(tmp_path)
    for archive in tmp_path.glob("*.zip"):
        with zipfile.ZipFile(archive) as file:
            file.extractall(tmp_path / archive.stem)
    files = sorted(tmp_path.rglob("*.php"))
    assert len(files) > 25
    script = (
        "foreach (array_slice($argv, 1) as $f) token_get_all(file_get_contents($f), TOKEN_PARSE);"
    )
    told = run_php(script, *files)
    assert (told.returncode, told.stdout) == (0, "")
    (broken := tmp_path / "broken.php").write_text("<?php function (")
    assert run_php(script, broken).returncode


def test_nothing_is_newer_than_php_7_4() -> None:
    """By PHP's own tokens: what versions 8 brought would not even be read by version 7.4."""
    script = r"""
        $new = ['T_MATCH', 'T_ENUM', 'T_READONLY', 'T_ATTRIBUTE', 'T_NULLSAFE_OBJECT_OPERATOR'];
        $functions = ['str_contains', 'str_starts_with', 'str_ends_with', 'array_is_list',
            'get_debug_type', 'array_find', 'json_validate', 'mb_trim'];
        foreach (array_slice($argv, 1) as $file) {
            $tokens = PhpToken::tokenize(file_get_contents($file));
            $tokens = array_values(array_filter($tokens, fn ($token) => !$token->isIgnorable()));
            foreach ($tokens as $i => $token) {
                $next = $tokens[$i + 1]->text ?? '';
                $previous = $tokens[$i - 1]->text ?? '';
                $is_named = $token->is(T_STRING) && $next === ':' && in_array($previous, ['(', ','])
                    && ($tokens[$i + 2]->text ?? '') !== ':';
                $is_union = $token->is(T_STRING) && $next === '|'
                    && ($tokens[$i + 3] ?? null)?->is(T_VARIABLE);
                $is_promoted = $token->is([T_PUBLIC, T_PROTECTED, T_PRIVATE])
                    && in_array($previous, ['(', ',']);
                $is_thrown = $token->is(T_THROW) && !in_array($previous, [';', '{', '}', ':']);
                $is_mixed = $token->text === 'mixed' && $next !== '(';
                if (in_array($token->getTokenName(), $new) || in_array($token->text, $functions)
                    || $is_named || $is_union || $is_promoted || $is_thrown || $is_mixed) {
                    echo basename($file), ':', $token->line, ' ', $token->text, "\n";
                }
            }
        }
    """
    told = run_php(script, *PHP_FILES)
    assert (told.returncode, told.stdout) == (0, "")
    stand_in = Path(__file__).parent / "platforms" / "opencart.php"  # which may be newer, and is
    assert "throw" in run_php(script, stand_in).stdout


def test_no_file_of_a_shop_module_asks_another_server() -> None:
    for path in PHP_FILES:
        assert not re.search(
            r"wp_remote|curl_|fsockopen|stream_socket|file_get_contents|eval\(|unserialize|exec\(",
            path.read_text("utf-8"),
        ), path


def test_the_feeds_secret_is_compared_in_constant_time() -> None:
    source = (INTEGRATIONS / "shared" / "feed.php").read_text("utf-8")
    assert "hash_equals($token, $given)" in source
    asking = [path for path in PHP_FILES if "is_allowed(" in path.read_text("utf-8")]
    assert {path.name for path in asking} == {
        "feed.php",
        "shop_side.php",
        "vitrina-woocommerce.php",
    }


def test_every_text_of_the_plugin_is_in_russian(tmp_path: Path) -> None:
    archive, _ = build_module().build(tmp_path)
    with zipfile.ZipFile(archive) as file:
        name = "vitrina-woocommerce/languages/vitrina-woocommerce-ru_RU.mo"
        russian = gettext.GNUTranslations(io.BytesIO(file.read(name)))
    used: set[str] = set()
    for path in (INTEGRATIONS / "woocommerce").rglob("*.php"):
        calls = re.findall(
            r"(?<!\w)(?:esc_html)?_?_[e_]?\(\s*'((?:[^'\\]|\\.)*)'", path.read_text()
        )
        used |= {text.replace("\\'", "'") for text in calls}
    header = (INTEGRATIONS / "woocommerce" / "vitrina-woocommerce.php").read_text()
    used |= set(re.findall(r"^ \* (?:Plugin Name|Description): +(.+)$", header, re.MULTILINE))
    assert len(used) > 15
    for text in sorted(used):
        assert re.search("[а-яё]", russian.gettext(text)), text
    source = (INTEGRATIONS / "woocommerce" / "languages").glob("*.po")
    texts = re.findall(r'^msgid "(.+)"$', next(source).read_text("utf-8"), re.MULTILINE)
    assert set(texts) == used


def test_unreadable_translations_are_refused() -> None:
    with pytest.raises(ValueError, match="line 1"):
        build_module().compiled('msgctxt "a"\nmsgid "b"\nmsgstr "c"\n')


def test_both_languages_of_the_extension_have_the_same_texts() -> None:
    pages = sorted((INTEGRATIONS / "opencart" / "language").glob("*.php"))
    assert [page.stem for page in pages] == ["en-gb", "ru-ru"]
    english, russian = (
        dict(re.findall(r"^\$_\['(\w+)'\] += '(.+)';$", page.read_text("utf-8"), re.MULTILINE))
        for page in pages
    )
    assert list(english) == list(russian)
    assert all(re.search("[а-яё]", text) for text in russian.values())
    template = (INTEGRATIONS / "opencart" / "vitrina.twig").read_text("utf-8")
    shown = set(re.findall(r"\{\{ ((?:text|entry|help|button|error|heading)_\w+)", template))
    assert shown <= set(english)


def test_versions_agree() -> None:
    extension = json.loads((INTEGRATIONS / "opencart" / "install.json").read_text("utf-8"))
    header = (INTEGRATIONS / "woocommerce" / "vitrina-woocommerce.php").read_text("utf-8")
    readme = (INTEGRATIONS / "woocommerce" / "readme.txt").read_text("utf-8")
    (plugin,) = re.findall(r"^ \* Version: +(\S+)$", header, re.MULTILINE)
    (stable,) = re.findall(r"^Stable tag: (\S+)$", readme, re.MULTILINE)
    assert plugin == stable == extension["version"]


def test_make_says_what_to_install_where_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    ended = subprocess.run(
        ["/usr/bin/make", "-C", str(ROOT), ".php"],
        capture_output=True, text=True, check=False, timeout=60, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert ended.returncode
    assert "error: the shop modules are tested by PHP with SQLite and Twig" in ended.stderr
    assert "hint: install your system's php-cli php-sqlite3 php-twig" in ended.stderr
