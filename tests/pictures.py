"""`python -m tests.pictures [FOLDER]`: every participant page and state, to be looked at.

At 360x740 and 320x640, light and dark, in each language, with an index.html beside them.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from surveyapp.config import Settings, load_keys, make_keys
from surveyapp.services import accounts
from surveyapp.services.site import Site, assemble
from surveyapp.store import schema
from surveyapp.store.database import Database
from surveyapp.store.tables import Participant
from surveyapp.study.library import load_library
from surveyapp.texts import LANGUAGES
from tests.browser.conftest import DAY_8, Server

SIZES = ((360, 740), (320, 640))
SCHEMES = ("light", "dark")
STAFF, PASSWORD = "s@example.org", "a long enough sentence"
FOLDER = Path("build/pictures")
Shoot = Callable[[str], None]


def states(page: Page, server: Server, link: str, shoot: Shoot) -> None:
    """Go through a check-in and shoot each state once."""
    page.goto(link)
    shoot("start")
    page.locator("#help summary").click()
    shoot("help-open")
    page.goto(f"{link}x")
    shoot("unknown-link")
    page.goto(f"{server.url}/help")
    shoot("help")
    page.goto(link)
    page.locator("form button.main").click()
    page.locator("fieldset:visible").wait_for()
    shoot("hads-1")
    page.locator("#next").click()
    shoot("please-choose")
    page.locator("#skip").click()
    shoot("rather-not")
    page.locator("#yes").click()
    tap(page, 1)
    shoot("chosen")
    while page.locator("fieldset:visible").count():
        tap(page, 0)
        page.locator("#next").click()
    shoot("hads-review")
    page.goto(page.url.partition("#")[0] + "/review")
    shoot("review-without-script")
    page.locator("main button.main").click()
    page.wait_for_url("**/meq30**")
    page.locator("fieldset:visible").wait_for()
    shoot("meq30-1")
    page.goto(page.url.partition("#")[0] + "#14")
    shoot("meq30-14")
    page.goto(page.url.partition("#")[0] + "/review")
    shoot("review-open")
    page.goto(page.url.replace("meq30/review", "later"))
    shoot("later")
    page.go_back()
    page.locator("main button.main").click()
    page.wait_for_url("**/thanks")
    shoot("thanks")
    page.goto(link)
    shoot("already-sent")
    messages(page, link, shoot)


def messages(page: Page, link: str, shoot: Shoot) -> None:
    """The page behind a message's last link, and what its buttons come to."""
    page.goto(f"{link}/messages")
    shoot("messages")
    page.locator("button[value=week]").click()
    page.locator("[role=status]").wait_for()
    shoot("messages-paused")
    page.locator("button[value=stop]").click()
    page.locator("button[value=stop]").wait_for(state="detached")
    shoot("messages-stopped")


def tap(page: Page, option: int) -> None:
    page.locator("fieldset:visible .os label").nth(option).click()


def offline(page: Page, server: Server, link: str, shoot: Shoot) -> None:
    page.goto(link)
    page.locator("form button.main").click()
    page.locator("fieldset:visible").wait_for()
    page.evaluate("document.getElementById('waiting').hidden = false")
    server.down()
    tap(page, 0)
    page.wait_for_function("document.getElementById('saved').textContent.length > 25")
    page.evaluate("document.getElementById('waiting').hidden = true")
    shoot("kept-on-phone")
    server.up()


def tablet(page: Page, server: Server, shoot: Shoot) -> None:
    """The hand-over screens, for the retreat of everybody here."""
    page.goto(f"{server.url}/h")
    shoot("tablet-not-handed-over")
    page.goto(f"{server.url}/staff/sign-in")
    page.get_by_label("E-mail").fill(STAFF)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{server.url}/staff/retreats/1/hand-over")
    page.get_by_role("button", name="Use this tablet").click()
    page.locator("#code").wait_for()
    shoot("tablet")
    page.locator("#code").fill("P-000")
    page.locator("#pin").fill("000001")
    page.locator("form button.main").click()
    page.locator("[role=alert]").wait_for()
    shoot("tablet-refused")


@contextmanager
def fresh_site() -> Iterator[Site]:
    """A site of its own, with nobody in it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", public_url="http://127.0.0.1")
        make_keys(settings)
        database = Database(f"sqlite:///{folder}/surveyapp.db")
        schema.migrate(database)
        yield assemble(settings, load_keys(settings), database, load_library(settings.instruments))
        database.close()


@contextmanager
def place() -> Iterator[tuple[Server, Callable[[str], str]]]:
    """A site of its own, and links for a person of a language."""
    with fresh_site() as site:
        server = Server(site)
        server.up()
        count = iter(range(1000))
        token = accounts.ensure_first_account(site, STAFF, DAY_8).token
        accounts.accept_invite(site, token, PASSWORD, DAY_8)

        def link(language: str) -> str:
            code = f"P-{next(count):03}"
            made = server.link(code=code)
            speak(site, code, language)
            return made

        yield server, link
        server.down()


def speak(site: Site, code: str, language: str) -> None:
    with site.database.write() as session:
        query = select(Participant).where(Participant.code == code)
        session.scalars(query).one().language = language


def shoot_all(browser: Browser, folder: Path) -> list[str]:
    names: list[str] = []
    with place() as (server, link):
        for language, _own in LANGUAGES:
            for width, height in SIZES:
                for scheme in SCHEMES:
                    context = browser.new_context(
                        viewport={"width": width, "height": height},
                        color_scheme=scheme,
                        locale=language,
                        service_workers="block",
                    )
                    page = context.new_page()
                    ending = f"{language}-{width}x{height}-{scheme}.png"

                    def shoot(name: str, page: Page = page, ending: str = ending) -> None:
                        page.screenshot(path=folder / f"{name}-{ending}")
                        names.append(f"{name}-{ending}")

                    states(page, server, link(language), shoot)
                    offline(page, server, link(language), shoot)
                    tablet(page, server, shoot)
                    context.close()
                    print(f"{len(names)} pictures, {ending}", flush=True)
    return names


def write_index(folder: Path, names: list[str]) -> None:
    shown = "\n".join(
        f'<figure><img src="{n}"><figcaption>{n}</figcaption></figure>' for n in names
    )
    style = "figure{display:inline-block;margin:8px;font:12px sans-serif}img{width:220px}"
    head = f'<!doctype html><meta charset="utf-8"><title>Pictures</title><style>{style}</style>'
    (folder / "index.html").write_text(f"{head}\n{shown}\n", "utf-8")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        names = shoot_all(browser, folder)
        browser.close()
    write_index(folder, names)
    print(f"{len(names)} pictures and an index.html in {folder}")


if __name__ == "__main__":
    main()
