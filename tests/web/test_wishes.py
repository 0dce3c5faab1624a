"""Remind me this evening: on the page, through the worker, to the mail server; and taken back."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services.personal import person_view
from surveyapp.services.site import Site
from surveyapp.store import windows
from surveyapp.store.links import ensure_link
from surveyapp.worker import Ticker
from tests.web.conftest import Browser, Clock, Page
from tests.world import MailServer, add_course

EVENING = datetime(2027, 3, 28, 16, tzinfo=UTC)  # 18:00 in Amsterdam, after the change of clocks
TOMORROW = datetime(2027, 3, 29, 8, tzinfo=UTC)


@pytest.fixture
def course(sqlite_site: Site) -> int:
    return add_course(sqlite_site, confirmed=True)


@pytest.fixture
def token(sqlite_site: Site, course: int) -> str:
    with sqlite_site.database.write() as session:
        return ensure_link(session, sqlite_site.link_key, course, "day-8")


@pytest.fixture
def mail() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


def tick(site: Site, mail: MailServer, at: datetime) -> int:
    return Ticker(site, SmtpMailer(mail.url), lambda: at).tick()


def remind(browser: Browser, token: str, when: str) -> Page:
    return browser.post(f"/s/{token}/remind", {"when": when})


def test_this_evening_one_message_comes(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer
):
    assert tick(sqlite_site, mail, browser.clock.now) == 1
    page = remind(browser, token, "evening")
    assert "We will remind you: Sun 28 Mar 2027, 18:00." in page.text
    assert tick(sqlite_site, mail, EVENING - timedelta(seconds=1)) == 0
    assert tick(sqlite_site, mail, EVENING) == 1
    assert tick(sqlite_site, mail, EVENING + timedelta(hours=1)) == 0
    assert [m["Subject"] for m in mail.sink.messages] == [
        "Your check-in is ready",
        "A reminder: your check-in is ready",
    ]
    with sqlite_site.database.write() as session:
        assert windows.mend_windows(session, sqlite_site.library) == 0


def test_a_second_wish_takes_the_place_of_the_first(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer
):
    tick(sqlite_site, mail, browser.clock.now)
    remind(browser, token, "evening")
    assert "Mon 29 Mar 2027, 10:00." in remind(browser, token, "tomorrow").text
    assert tick(sqlite_site, mail, EVENING) == 0
    assert tick(sqlite_site, mail, TOMORROW) == 1


def test_taking_it_back(browser: Browser, sqlite_site: Site, token: str, mail: MailServer):
    tick(sqlite_site, mail, browser.clock.now)
    remind(browser, token, "evening")
    page = remind(browser, token, "never")
    assert "Not now?" in page.text
    assert tick(sqlite_site, mail, EVENING) == 0


def test_five_are_enough(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer, clock: Clock
):
    for _ in range(5):
        assert remind(browser, token, "tomorrow").status == 200
        clock.now += timedelta(days=1)
        tick(sqlite_site, mail, clock.now)
    page = remind(browser, token, "evening")
    assert page.status == 403
    assert "You have had all the reminders we send." in page.text


@pytest.mark.parametrize("when", ["", "noon", "evening "])
def test_another_time_is_refused(browser: Browser, token: str, when: str):
    page = remind(browser, token, when)
    assert page.status == 400
    assert "No reminder was set" in page.text
    assert "We do not know this link" not in page.text


def test_staff_see_that_the_person_asked_for_it(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer
):
    tick(sqlite_site, mail, browser.clock.now)
    remind(browser, token, "evening")
    tick(sqlite_site, mail, EVENING)
    at = EVENING + timedelta(minutes=1)
    (course,) = person_view(sqlite_site, "P-01", at).courses
    assert [(p.at, p.state) for p in course.prompts if p.wished] == [(EVENING, "sent")]


def test_when_the_window_is_closed(browser: Browser, token: str, clock: Clock):
    clock.now += timedelta(days=20)
    assert remind(browser, token, "tomorrow").status == 400
    assert remind(browser, "unknown", "tomorrow").status == 404


def test_somebody_without_address_is_offered_nothing(browser: Browser, sqlite_site: Site):
    course = add_course(sqlite_site, code="P-02", address=None, confirmed=True)
    with sqlite_site.database.write() as session:
        token = ensure_link(session, sqlite_site.link_key, course, "day-8")
    assert "Not now?" not in browser.get(f"/s/{token}").text
    assert remind(browser, token, "evening").status == 400
