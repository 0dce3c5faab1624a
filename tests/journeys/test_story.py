"""The whole story in a real browser: a person with a phone, and staff at a laptop.

The person is M-01, who was at an earlier retreat. Before this one they choose the first option
of everything, on day 8 the last, so that both scores are known (instruments.md).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys import paper
from tests.journeys.demo import Doors, running_demo

PHONE, LAPTOP = (360, 740), (1280, 800)
PERSON, ADDRESS = "M-01", "m-01@example.org"
FIRST, LAST, FOUR_OF_FIVE = 0, 3, 4
DAYS_TO_DOSING = 9
NEXT_DATE = r"Your next check-in is planned for \w+day \d+ \w+ \d{4}"


@pytest.fixture
def doors() -> Generator[Doors]:
    with running_demo() as doors:
        yield doors


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The run's Chromium, left without a page of ours."""
    yield chromium
    for context in chromium.contexts:
        context.close()


def screen(browser: Browser, size: tuple[int, int], errors: list[str]) -> Page:
    """A device of its own, whose script errors are noted."""
    width, height = size
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(15_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page


def begin(phone: Page, link: str) -> None:
    phone.goto(link)
    expect(phone.get_by_text("Your answers are read by the two facilitators").first).to_be_visible()
    phone.get_by_role("button", name="Start").click()


def answer(phone: Page, instrument: str, items: int, option: int) -> None:
    """One question a screen by taps, then the list, then send."""
    phone.wait_for_url(re.compile(rf"/q/[^/]+/{instrument}\b"))
    for number in range(1, items + 1):
        question = phone.locator("fieldset:visible")
        expect(question.locator(".n")).to_contain_text(re.compile(rf"\b{number} of {items}$"))
        question.locator(".os label").nth(option).click()
        phone.get_by_role("button", name="Next").click()
    expect(phone.get_by_role("heading", name="Your answers")).to_be_visible()
    expect(phone.locator("#review li:visible")).to_have_count(items)
    phone.get_by_role("button", name="Send my answers").click()


def expect_thanks(phone: Page) -> None:
    phone.wait_for_url("**/thanks")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Thank you")
    expect(phone.get_by_text(re.compile(NEXT_DATE))).to_be_visible()


def sign_in(laptop: Page, doors: Doors) -> None:
    laptop.goto(doors.staff)
    laptop.get_by_label("E-mail").fill(doors.email)
    laptop.get_by_label("Password").fill(doors.password)
    laptop.get_by_role("button", name="Sign in").click()
    expect(laptop.get_by_role("heading", level=1)).to_have_text("Today")


def press(laptop: Page, leap: str) -> None:
    """A button of the demo's clock; what happened is said."""
    laptop.get_by_role("complementary", name="Demo").get_by_role("button", name=leap).click()
    expect(laptop.get_by_role("status")).to_contain_text("It is now")


def open_person(laptop: Page) -> None:
    laptop.get_by_role("searchbox").fill(PERSON)
    laptop.get_by_role("searchbox").press("Enter")
    expect(laptop.get_by_role("heading", level=1)).to_have_text(PERSON)


def let_the_dosing_day_pass(laptop: Page) -> None:
    for _ in range(DAYS_TO_DOSING + 1):
        press(laptop, "+1 day")


def record_the_doses(laptop: Page) -> None:
    """All four of the group at once, which confirms the day for them."""
    laptop.get_by_role("complementary", name="Demo").get_by_role("link", name="Open it").click()
    laptop.get_by_role("link", name="Record doses").click()
    laptop.get_by_label("Milligrams").fill("35")
    laptop.get_by_label("Time").fill("10:00")
    laptop.get_by_role("button", name="Record the doses").click()
    said = laptop.get_by_role("status")
    expect(said).to_contain_text("The dose is recorded for 4 people.")


def letters(laptop: Page) -> list[str]:
    """The links of the person's messages, newest first."""
    laptop.get_by_role("link", name=re.compile("^Inbox")).click()
    expect(laptop.get_by_role("heading", level=1)).to_have_text("Inbox of the demo")
    rows = laptop.locator("tbody tr", has_text=ADDRESS)
    return [str(link.get_attribute("href")) for link in rows.get_by_text("Open as").all()]


def read_the_letter(laptop: Page) -> str:
    """The newest message to the person says nothing outside; its link."""
    newest = letters(laptop)[0]
    row = laptop.locator("tbody tr", has_text=ADDRESS).first
    row.get_by_role("link", name="Your check-in is ready").click()
    text = laptop.locator("pre").inner_text()
    assert newest in text
    assert re.search(r"psilocybin|retreat|anxiety|cancer", text, re.IGNORECASE) is None
    return newest


def session_pdf(laptop: Page) -> bytes:
    open_person(laptop)
    link = laptop.get_by_role("link", name="Session PDF").get_attribute("href")
    answer = laptop.context.request.get(laptop.url.split("/staff/")[0] + str(link))
    assert answer.headers["content-type"] == "application/pdf"
    assert "example" not in answer.headers["content-disposition"]
    return answer.body()


def confirm_for_week_24(laptop: Page) -> None:
    open_person(laptop)
    laptop.get_by_role("link", name="Confirm for Week 24").click()
    laptop.get_by_role("button", name="Confirm for Week 24").click()
    expect(laptop.get_by_role("status")).to_have_text("M-01 is confirmed for Week 24.")


def test_a_study_from_the_first_link_to_the_last_message(doors: Doors, browser: Browser) -> None:
    errors: list[str] = []
    phone, laptop = screen(browser, PHONE, errors), screen(browser, LAPTOP, errors)

    begin(phone, doors.participant)
    answer(phone, "hads", 14, FIRST)
    expect_thanks(phone)

    sign_in(laptop, doors)
    let_the_dosing_day_pass(laptop)
    record_the_doses(laptop)
    before = letters(laptop)
    press(laptop, "Day 8")
    assert len(letters(laptop)) == len(before) + 1

    begin(phone, read_the_letter(laptop))
    answer(phone, "hads", 14, LAST)
    answer(phone, "meq30", 30, FOUR_OF_FIVE)
    expect_thanks(phone)
    paper.check(session_pdf(laptop))

    before = letters(laptop)
    press(laptop, "Week 24")
    bar = laptop.get_by_role("complementary", name="Demo")
    expect(bar).to_contain_text("Week 24 waits for 4 people")
    assert letters(laptop) == before, "held: nobody has said that M-01 is well enough"
    confirm_for_week_24(laptop)
    press(laptop, "Next prompt")
    assert len(letters(laptop)) > len(before)
    phone.goto(letters(laptop)[0])
    expect(phone.get_by_role("button", name="Start")).to_be_visible()
    assert errors == []
