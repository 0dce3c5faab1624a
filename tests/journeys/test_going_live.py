"""From an empty system, through the checklist, to the first live invitation: in a real browser."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from surveyapp.config import Settings
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services.second_factor import code_at
from surveyapp.services.site import open_site
from surveyapp.services.stewardship import prepare
from surveyapp.worker import Ticker
from tests.browser.conftest import DAY_8, Phone, Server
from tests.browser.conftest import phone as phone
from tests.fillers import filled
from tests.services.test_going_live import other_disk
from tests.staffwalk import PASSWORD, enter
from tests.world import MailServer

ADMIN = "ada@clinic.somewhere.nl"
PERSON = "first@somewhere.nl"
LAPTOP = (1280, 800)
LINES = {
    "emergency": "112",
    "crisis_line": "0800 0113",
    "phone": "+31 20 123 4567",
    "hours": "weekdays 9:00 to 17:00",
    "readers": "the study nurse",
    "read_when": "within three working days",
}
LINK = re.compile(r"https://\S+/s/\S+")


@pytest.fixture
def mail() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def begun(tmp_path: Path, mail: MailServer) -> Generator[tuple[Server, str]]:
    """What `init` leaves behind, served, and the first account's link."""
    settings = Settings(
        data_dir=tmp_path / "data",
        public_url="https://checkin.somewhere.nl",
        smtp_url=mail.url,
        mail_from="checkin@somewhere.nl",
        backup_dir=other_disk(tmp_path),
        backup_key="age1filler",
        ping_url="https://watch.somewhere.nl/x",
    )
    link = prepare(settings, ADMIN, DAY_8).link
    site = open_site(settings)
    server = Server(site)
    server.up()
    yield server, urlsplit(link).path
    server.down()
    site.database.close()


def missing(page: Page) -> set[str]:
    """What the checklist lacks."""
    rows = page.locator("tbody tr").all()
    cells = [(row.locator("th").inner_text(), row.locator("td").first.inner_text()) for row in rows]
    return {name for name, state in cells if "Missing" in state}


def second_factor(page: Page, server: Server) -> None:
    """What a live study asks of everybody who sees scores."""
    page.goto(f"{server.url}/staff/account/second-factor")
    shown = (e.inner_text().replace(" ", "") for e in page.locator("strong").all())
    secret = next(words for words in shown if len(words) == 32)
    page.locator("#code").fill(code_at(secret, datetime.now(UTC)))
    page.locator("#password").fill(PASSWORD)
    page.locator("#password").press("Enter")
    page.get_by_role("heading", name="Your second factor is on").wait_for()


def set_up(page: Page, server: Server) -> None:
    """What the study needs of its own: lines, roster, notice, one language."""
    page.goto(f"{server.url}/staff/study")
    page.get_by_role("link", name="Start a study").click()
    page.get_by_role("button", name="Start it").click()
    for name, text in LINES.items():
        page.locator(f"#{name}").fill(text)
    page.get_by_role("button", name="Save").click()
    page.goto(f"{server.url}/staff/study/1/told")
    page.locator("#name").fill("Ada")
    page.locator("#email").fill(ADMIN)
    page.locator("form button.main").click()
    page.goto(f"{server.url}/staff/study/1/notice")
    page.locator("#en").fill("What we keep, and who reads it.")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Publish as version 1").click()
    page.goto(f"{server.url}/staff/study/1/languages")
    for language in ("Nederlands", "Deutsch", "Español"):
        page.get_by_label(language).uncheck()
    page.get_by_role("button", name="Save the languages").click()


def install(page: Page, server: Server, name: str) -> None:
    """Upload a filler, look at its screens, confirm."""
    page.goto(f"{server.url}/staff/wordings/install")
    page.locator("#instrument").select_option(name)
    raw = filled(server.site.library.instruments[name])
    chosen = {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": raw}
    page.locator("#file").set_input_files(chosen)  # pyright: ignore[reportArgumentType]
    page.get_by_label("Written permission").check()
    page.locator("#holder").fill("Filler House")
    page.locator("#reference").fill("F-1")
    for field in ("electronic", "reproduction"):
        page.locator(f"#{field}").get_by_label("Yes").check()
    page.locator("#expires").fill("never")
    page.locator("#maximum").fill("500")
    page.get_by_role("button", name="Look at every screen").click()
    frames = page.locator("section.phone")
    assert frames.count() == len(server.site.library.instruments[name].items)
    assert {frame.bounding_box()["width"] for frame in frames.all()[:3]} == {360}  # pyright: ignore[reportOptionalSubscript]
    page.get_by_role("button", name="Install it").click()
    page.get_by_text("The wording is installed.").wait_for()


def enrol(page: Page, server: Server) -> None:
    """A live retreat with one person who consented."""
    page.goto(f"{server.url}/staff/retreats/new")
    page.locator("#name").fill("First of Trial A")
    page.locator("#study").select_option(label="Live: Trial A")
    page.locator("#time_zone").fill("Europe/Amsterdam")
    page.locator("#dosing_date").fill("2027-04-10")
    page.get_by_role("button", name="Add the retreat").click()
    page.goto(f"{server.url}/staff/retreats/1/people")
    page.locator("#code").fill("A-01")
    page.locator("#email").fill(PERSON)
    page.get_by_role("button", name="Add this person").click()
    page.goto(f"{server.url}/staff/people/A-01/1/consent")
    page.locator("#given_on").fill("2027-03-28")
    page.get_by_role("button", name="Record consent").click()


def test_the_first_live_invitation(
    begun: tuple[Server, str], mail: MailServer, phone: Phone
) -> None:
    server, welcome = begun
    page = phone(LAPTOP)
    page.goto(server.url + welcome)
    enter(page)
    second_factor(page, server)
    set_up(page, server)
    checklist = f"{server.url}/staff/study/1/live"
    page.goto(checklist)
    assert missing(page) == {"Wordings", "Worker"}
    assert page.get_by_role("button", name="Go live").count() == 0
    for name in ("hads", "meq30"):
        install(page, server, name)
    ticker = Ticker(server.site, SmtpMailer(mail.url), server.clock)
    ticker.tick()
    page.goto(checklist)
    assert missing(page) == set()
    for field in ("title", "again"):
        page.locator(f"#{field}").fill("Trial A")
    page.get_by_role("button", name="Go live").click()
    page.get_by_text("Trial A is live.").wait_for()
    assert page.get_by_text("Invented or test data only").count() == 0
    enrol(page, server)
    server.ahead = timedelta(days=3)
    ticker.beat(at_once=True)
    assert Ticker(server.site, SmtpMailer(mail.url), server.clock).tick() == 1
    [letter] = mail.sink.messages
    assert letter["To"] == PERSON
    body = letter.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "laceholder" not in text
    found = LINK.search(text)
    assert found is not None
    small = phone()
    small.goto(server.url + urlsplit(found[0]).path)
    small.get_by_role("button", name="I have read this. Start").click()
    small.get_by_text("Filler Tension").wait_for()
    shown = small.locator("body").inner_text()
    assert "Filler House" in shown
    assert "laceholder" not in shown
    assert "Practice study" not in shown
