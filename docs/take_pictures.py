"""Takes the pictures of the page that the README shows, from the demo shop that `make demo` made.

    python docs/take_pictures.py [SHOP] [PHOTO]

Needs Chromium (`chromium` on the PATH, or named in CHROMIUM) and Pillow.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
WIDTHS = {"shop-page": (1280, 860), "shop-page-phone": (390, 844)}


def main(shop: Path, photo: Path) -> None:
    """Serves the shop, searches by the photo at two widths, writes docs/images/*.webp."""
    command = [sys.executable, "-m", "vitrina", "serve", "--port", "0", "--shop", str(shop)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        (address,) = re.findall(r"http://\S+?:\d+", server.stderr.readline())
        with sync_playwright() as playwright:
            path = os.environ.get("CHROMIUM") or shutil.which("chromium")
            chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            for name, (width, height) in WIDTHS.items():
                page = chromium.new_page(
                    viewport={"width": width, "height": height}, locale="ru-RU"
                )
                page.goto(address)
                with page.expect_file_chooser() as chooser:
                    page.get_by_role("button", name="Фото", exact=True).click()
                chooser.value.set_files(photo)
                page.locator("#goods .card img").first.wait_for()
                page.wait_for_load_state("networkidle")
                picture = Image.open(io.BytesIO(page.screenshot()))
                picture.save(HERE / "images" / f"{name}.webp", quality=82, method=6)
            chromium.close()
    finally:
        server.terminate()
        server.communicate(timeout=30)


if __name__ == "__main__":
    given = [Path(argument) for argument in sys.argv[1:]]
    shop_folder = given[0] if given else HERE.parent / "build" / "demo-shop"
    query = given[1] if len(given) > 1 else HERE.parent / "demo" / "phone" / "sockets-2.jpg"
    main(shop_folder, query)
