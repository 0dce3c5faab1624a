"""`python -m tests.pictures_staff [FOLDER]`: every staff page as a picture, to be looked at.

At 1280x800 and 768x1024, light and dark, whole pages, with an index.html beside them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests import pictures, staffwalk

SIZES = ((1280, 800), (768, 1024))
FOLDER = pictures.FOLDER / "staff"


def shoot(page: Page, folder: Path, name: str) -> list[str]:
    """One page in each size and scheme; the names of its pictures."""
    names: list[str] = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            names.append(f"{name}-{width}x{height}-{scheme}.png")
            page.screenshot(path=folder / names[-1], full_page=True)
    return names


def shoot_all(page: Page, folder: Path) -> list[str]:
    names: list[str] = []
    with pictures.fresh_site() as site:
        staffwalk.furnish(site)
        server = staffwalk.serve(site)
        missed = list(
            staffwalk.walk(page, server, lambda name: names.extend(shoot(page, folder, name)))
        )
        server.down()
    print("\n".join(missed), file=sys.stderr)
    return names


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        names = shoot_all(browser.new_page(), folder)
        browser.close()
    pictures.write_index(folder, names)
    print(f"{len(names)} pictures and an index.html in {folder}")


if __name__ == "__main__":
    main()
