"""A page that embeds the widget, and what a shopper does there, in the words of the tests."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from embedding import PhotoServer, Shop
from playwright.sync_api import Locator, Page, expect

SCRIPT = resources.files("vitrina.storefront").joinpath("static", "widget.js").read_text("utf-8")


def _texts() -> dict[str, dict[str, str]]:
    found = re.search(r"const TEXTS = (\{.*?\n  \});", SCRIPT, re.DOTALL)
    assert found
    tables: dict[str, dict[str, str]] = json.loads(found[1])
    return tables


TEXTS = _texts()
"""What the widget says, by language and key."""


OpenEmbedded = Callable[..., "Embedded"]


class Embedded:
    """A page with the widget, and what a shopper does to it.

    Args:
        page: The shop's page.
        photo_server: Who answers.
        shop: Whose page it is.
    """

    def __init__(self, page: Page, photo_server: PhotoServer, shop: Shop) -> None:
        self.page = page
        self.photo_server = photo_server
        self.shop = shop
        self.widgets = page.locator("vitrina-photo")
        self.widget = self.widgets.first
        self.button = self.widget.locator(".open")
        self.dialog = self.widget.locator("dialog")
        self.view = self.widget.locator(".body")
        self.field = page.locator("[name=search]").first

    def press(self, name: str) -> None:
        """A button of the dialog."""
        self.dialog.get_by_role("button", name=name, exact=True).click()

    def choose(self, photo: Path, by: str = "file") -> None:
        """Presses the button in the field and chooses a file."""
        if not self.dialog.is_visible():
            self.button.click()
        with self.page.expect_file_chooser() as chooser:
            self.press(TEXTS["ru"][by])
        chooser.value.set_files(photo)

    def search(self, photo: Path, by: str = "file") -> None:
        """Chooses a file and looks for all of it."""
        self.choose(photo, by)
        self.press(TEXTS["ru"]["find"])

    def give(self, photo: Path, how: str, to: Locator) -> None:
        """Gives `to` a picture by `paste` or by an event of dragging, as the system would."""
        to.evaluate(
            """(target, [bytes, how]) => {
                const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
                const carried = new DataTransfer();
                carried.items.add(new File([data], "photo.jpg", { type: "image/jpeg" }));
                const flags = { bubbles: true, cancelable: true };
                target.dispatchEvent(how === "paste"
                    ? new ClipboardEvent(how, { clipboardData: carried, ...flags })
                    : new DragEvent(how, { dataTransfer: carried, ...flags }));
            }""",
            [base64.b64encode(photo.read_bytes()).decode(), how],
        )

    def expect_searched(self, words: str) -> None:
        """The shop's own search was asked for `words`, and nothing else."""
        expect(self.page).to_have_title(words)
        assert [parse_qs(query)["search"] for query in self.shop.searched] == [[words]]

    def hear(self, name: str, answer: str = "") -> None:
        """Notes an event's detail in `window.heard`; `answer` is what a script of the shop does."""
        self.page.evaluate(
            f"window.heard = []; document.addEventListener('{name}', (event) => "
            f"{{ window.heard.push(event.detail); {answer} }})"
        )

    def heard(self) -> list[dict[str, Any]]:
        details: list[dict[str, Any]] = self.page.evaluate("window.heard")
        return details
