"""The staff side in a real browser: the story, the keyboard, and every page for everybody."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from surveyapp.services import accounts
from surveyapp.services.exchange import importing
from tests.browser.conftest import DAY_8, PHONE, Phone, Server

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
EMAIL, PASSWORD = "ada@example.org", "a long enough one"
LAPTOP, TABLET = (1280, 800), (768, 1024)
PAGES = (
    "",
    "retreats",
    "retreats/new",
    "retreats/1",
    "retreats/1/people",
    "retreats/1/dosing-day",
    "people",
    "people/R2-05",
    "people/R2-05/2/dose",
    "people/R2-05/2/event",
    "people/R2-05/2/checklist",
    "people/R2-05/2/pressure",
    "retreats/1/events",
    "retreats/1/day",
    "people/R2-05/2/consent",
    "people/R2-05/contact",
    "study/1",
    "digest",
)


def staff(server: Server, page: Page) -> Page:
    """Sign in through the one-time link or the sign-in page."""
    token = accounts.ensure_first_account(server.site, EMAIL, DAY_8).token
    if token:
        page.goto(f"{server.url}/staff/welcome/{token}")
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The same again").fill(PASSWORD)
        page.get_by_role("button", name="Save and sign in").click()
    else:
        page.goto(f"{server.url}/staff/")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    return page


def test_from_an_empty_study_to_a_dose(server: Server, phone: Phone) -> None:
    page = staff(server, phone(LAPTOP))
    page.get_by_role("link", name="Add a retreat").click()
    page.get_by_label("Name").fill("Spring 2027")
    page.get_by_label("Time zone").fill("Europe/Amsterdam")
    page.locator("#dosing_date").fill("27 March 2027")
    page.get_by_role("button", name="Add the retreat").click()
    expect(page.get_by_role("alert")).to_contain_text("Write the date as year-month-day")
    expect(page.locator("#dosing_date")).to_have_value("27 March 2027")
    page.locator("#dosing_date").fill("2027-03-27")
    page.get_by_role("button", name="Add the retreat").click()
    page.get_by_role("link", name="Add people").first.click()
    page.get_by_label("People", exact=True).fill("S-01, s01@example.org\nS-02, s02@example.org")
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("button", name="Add 2 people").click()
    expect(page.get_by_role("status")).to_have_text("2 people added to Spring 2027.")
    page.get_by_role("link", name="Record doses").click()
    page.get_by_label("S-02").uncheck()
    page.get_by_label("Milligrams").fill("25")
    page.get_by_label("Time").fill("09:30")
    page.get_by_role("button", name="Record the doses").click()
    row = page.get_by_role("row").filter(has_text="S-01")
    expect(row).to_contain_text("25 mg")
    expect(page.get_by_role("main")).to_contain_text("not confirmed for 1 person")


def test_slash_finds_a_person_and_heads_sort(server: Server, phone: Phone) -> None:
    importing.import_folder(server.site, COHORT, DAY_8)
    page = staff(server, phone(LAPTOP))
    page.goto(f"{server.url}/staff/people")
    codes = page.locator("tbody th a")
    expect(codes.first).to_have_text("R2-01")
    head = page.get_by_role("columnheader", name="Code")
    for order, first in (("ascending", "R2-01"), ("descending", "R2-13")):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", order)
        expect(codes.first).to_have_text(first)
    page.keyboard.press("/")
    page.keyboard.type("r2-07")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("R2-07")


def test_skip_link_comes_first(server: Server, phone: Phone) -> None:
    page = staff(server, phone(LAPTOP))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_every_page_is_for_everybody_on_a_phone_too(server: Server, phone: Phone) -> None:
    """Laptop and tablet are walked page by page in `test_staff_walk.py`."""
    importing.import_folder(server.site, COHORT, DAY_8)
    page = staff(server, phone(PHONE, color_scheme="dark"))
    found: list[str] = []
    for path in PAGES:
        page.goto(f"{server.url}/staff/{path}")
        violations = Axe().run(page).response["violations"]
        found += [f"{path}: {v['id']}: {[n['html'] for n in v['nodes']]}" for v in violations]
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        found += [f"{path}: {wide} px too wide"] if wide > 0 else []
    assert found == []
