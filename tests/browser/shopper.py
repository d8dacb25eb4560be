"""What a shopper does to the page, in the words of the tests."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from vitrina.storefront.texts import texts

MakePhoto = Callable[..., Path]

RU = texts("ru")


def choose(page: Page, photo: Path) -> None:
    """Presses "Photo" and chooses a file."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=RU["photo_button"], exact=True).click()
    chooser.value.set_files(photo)


def send(page: Page, photo: Path, how: str) -> None:
    """Gives the page a picture by `paste` or by `drop`, as the system would."""
    page.evaluate(
        """([bytes, how]) => {
            const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([data], "photo.jpg", { type: "image/jpeg" }));
            const event = how === "paste"
                ? new ClipboardEvent("paste", { clipboardData: carried, bubbles: true })
                : new DragEvent(how, { dataTransfer: carried, bubbles: true, cancelable: true });
            document.body.dispatchEvent(event);
        }""",
        [base64.b64encode(photo.read_bytes()).decode(), how],
    )


def expect_category(page: Page, category: str, heading: str, text: str) -> None:
    """The category's words are in the box and only its goods are below."""
    expect(page.locator("#q")).to_have_value(text)
    expect(page.locator("#results-heading")).to_have_text(heading)
    expect(page.locator("#goods .card")).to_have_count(24)
    expect(page.locator(f'#goods .card[data-sku^="{category}-"]')).to_have_count(24)


def expect_address(page: Page, path: str) -> None:
    expect(page).to_have_url(re.compile(re.escape(path) + "$"))
