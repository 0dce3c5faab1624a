"""Pausing and stopping messages: from the message, by a mail program, and never by a scanner."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import stopping
from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from surveyapp.store.stops import ever_stopped
from surveyapp.worker import Ticker
from tests.web.conftest import DAY_8, Browser
from tests.world import MailServer, add_course

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def token(sqlite_site: Site) -> str:
    course = add_course(sqlite_site, confirmed=True)
    with sqlite_site.database.write() as session:
        return ensure_link(session, sqlite_site.link_key, course, "day-8")


@pytest.fixture
def mail() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


def tick(site: Site, mail: MailServer, browser: Browser, later: timedelta = timedelta(0)) -> int:
    return Ticker(site, SmtpMailer(mail.url), lambda: browser.clock.now + later).tick()


def test_the_message_carries_both_ways(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer
):
    assert tick(sqlite_site, mail, browser) == 1
    (message,) = mail.sink.messages
    link = f"https://checkin.example.org/s/{token}"
    assert message["List-Unsubscribe"] == f"<{link}/unsubscribe>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert f"{link}/messages" in part.get_content()


def test_a_mail_programs_own_button_stops_messages_and_nothing_else(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer
):
    for _ in range(2):
        reply = browser.client.post(
            f"/s/{token}/unsubscribe", data=ONE_CLICK, base_url=browser.base_url
        )
        assert (reply.status_code, reply.data) == (200, b"")
    assert tick(sqlite_site, mail, browser) == 0
    assert browser.get(f"/s/{token}").heading == "Check-in"
    assert browser.post(f"/s/{token}").path.startswith("/q/")


def test_a_person_pauses_stops_and_begins_again(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer
):
    page = browser.get(f"/s/{token}/messages")
    assert "We write when a check-in is ready" in page.text
    page = browser.post(f"/s/{token}/messages", {"do": "week"})
    assert "Messages are paused until Sunday 4 April" in page.text
    assert tick(sqlite_site, mail, browser) == 0
    page = browser.post(f"/s/{token}/messages", {"do": "stop"})
    assert "You get no more messages from us." in page.text
    assert "Stop all messages" not in page.text
    page = browser.post(f"/s/{token}/messages", {"do": "again"})
    assert "We write when a check-in is ready" in page.text
    assert tick(sqlite_site, mail, browser) == 1


def test_somebody_who_left_is_offered_nothing_that_would_not_happen(
    browser: Browser, sqlite_site: Site, token: str
):
    wish = stopping.NewStop("left the study", reason="moved away")
    by = {"actor": "staff:1", "now": browser.clock.now}
    stopping.record_stop(sqlite_site, "P-01", 1, wish, **by)
    page = browser.get(f"/s/{token}/messages")
    assert "You get no more messages from us." in page.text
    assert "If that is not right, please talk to the study team." in page.text
    assert "You stay in the study" not in page.text
    assert not page.all("button")


def test_a_pause_asked_for_after_a_stop_changes_nothing(
    browser: Browser, sqlite_site: Site, token: str
):
    for wanted in ("stop", "week"):
        stopping.from_message(sqlite_site, token, wanted, browser.clock.now)
    stopping.from_message(sqlite_site, token, "again", browser.clock.now)
    assert "We write when a check-in is ready" in browser.get(f"/s/{token}/messages").text
    with sqlite_site.database.read() as session:
        assert len(ever_stopped(session, [1])[1]) == 1


def test_a_hundred_scanners_change_nothing(
    browser: Browser, sqlite_site: Site, token: str, mail: MailServer
):
    """Each opens every address of the message; then the person is asked, and begins."""
    for _ in range(100):
        for path in ("", "/messages", "/unsubscribe"):
            for method in ("GET", "HEAD"):
                reply = browser.client.open(
                    f"/s/{token}{path}", method=method, base_url=browser.base_url
                )
                assert reply.status_code == 200
    view = stopping.at_message(sqlite_site, token)
    assert (view.stopped, view.paused_until) == (False, None)
    assert tick(sqlite_site, mail, browser) == 1
    assert browser.post(f"/s/{token}").path.startswith("/q/")


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("{token}/messages", {"do": "for ever"}, 400),
        ("{token}/messages", {}, 400),
        ("{token}/unsubscribe", {}, 400),
        ("nobody/messages", {"do": "stop"}, 404),
        ("nobody/unsubscribe", ONE_CLICK, 404),
    ],
)
def test_wrong_input_is_said_and_changes_nothing(
    browser: Browser, sqlite_site: Site, token: str, path: str, data: dict[str, str], status: int
):
    page = browser.post(f"/s/{path.format(token=token)}", data)
    assert page.status == status
    assert not stopping.at_message(sqlite_site, token).stopped


def test_an_address_in_a_header_is_neither_folded_nor_encoded(sqlite_site: Site, mail: MailServer):
    host = f"https://{'a-rather-long-name.' * 5}example.org/check-ins"
    settings = sqlite_site.settings.model_copy(update={"public_url": host})
    site = replace(sqlite_site, settings=settings)
    add_course(site, confirmed=True)
    assert Ticker(site, SmtpMailer(mail.url), lambda: DAY_8).tick() == 1
    (raw,) = mail.sink.raw
    lines = raw.split(b"\r\n\r\n")[0].split(b"\r\n")
    (header,) = [line for line in lines if line.startswith(b"List-Unsubscribe:")]
    assert header.startswith(f"List-Unsubscribe: <{host}/s/".encode())
    assert header.endswith(b"/unsubscribe>")
