"""A site puts its own words in the place of the built-in ones, sees them first, and goes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import accounts, messagetexts, reaching
from surveyapp.services.site import Site
from surveyapp.web.app import create_app
from surveyapp.worker import Ticker
from tests.services.test_reaching import PHONE, Provider
from tests.world import EARLIER, MailServer, add_course

from .conftest import DAY_8, Browser, Clock
from .test_staff import EMAIL, PASSWORD, act

INVITATION = datetime(2027, 3, 10, 10, tzinfo=ZoneInfo("Europe/Amsterdam")).astimezone(UTC)
PATH = "/staff/texts/email/invitation/en"
SMS_PATH = "/staff/texts/sms/reminder/en"
OWN = {
    "subject": "A few questions for you",
    "body": "Dear guest,\r\nplease take {minutes} minutes until {until}.\r\n\r\n{link}\r\n{site}",
}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.stop()


def signed_in(site: Site, **settings: str) -> Iterator[Browser]:
    """Somebody of the staff, with these settings."""
    site = replace(site, settings=site.settings.model_copy(update=settings))
    with create_app(site, lambda: DAY_8).test_client() as client:
        browser = Browser(client, Clock(), site.settings.public_url)
        token = accounts.ensure_first_account(site, EMAIL, DAY_8).token
        accounts.accept_invite(site, token, PASSWORD, DAY_8)
        browser.client.environ_base["HTTP_REFERER"] = f"{browser.base_url}/staff/"
        act(browser, "/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
        yield browser


@pytest.fixture
def staff(sqlite_site: Site, server: MailServer) -> Iterator[Browser]:
    yield from signed_in(sqlite_site, smtp_url=server.url)


@pytest.fixture
def texting(sqlite_site: Site, provider: Provider) -> Iterator[Browser]:
    yield from signed_in(sqlite_site, sms_url=provider.url)


def test_all_texts_are_listed(staff: Browser) -> None:
    page = staff.get("/staff/texts")
    assert page.text.count("built-in") == 16
    assert staff.get("/staff/texts/fax/invitation/en").status == 404


@pytest.mark.parametrize("language", ["en", "nl", "de", "es"])
@pytest.mark.parametrize("kind", ["invitation", "reminder"])
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_an_own_text_begins_with_the_built_in_one(
    sqlite_site: Site, channel: str, kind: str, language: str
) -> None:
    key = channel, kind, language
    begun = messagetexts.draft(key)
    assert messagetexts.checked(key, begun.subject, begun.body) == begun
    written = messagetexts.preview(sqlite_site, key, begun)
    built_in = messagetexts.preview(sqlite_site, key, None)
    assert written.text.split() == built_in.text.split()
    assert (written.subject, written.segments) == (built_in.subject, built_in.segments)


def test_the_form_shows_the_built_in_text_with_its_placeholders(staff: Browser) -> None:
    assert "It takes about {minutes} minutes." in staff.get(PATH).text


def test_own_words_are_previewed_saved_sent_and_taken_back(
    staff: Browser, sqlite_site: Site, server: MailServer
) -> None:
    page = act(staff, PATH, {**OWN, "do": "preview"})
    assert "So it would read" in page.text
    assert "please take 5 minutes until Fri 19 Mar 2027." in page.text
    assert "Pause or stop these messages" in page.text
    assert "The built-in text stands." in page.text
    assert "Saved. Messages say it from now on." in act(staff, PATH, {**OWN, "do": "save"}).text
    add_course(sqlite_site)
    assert Ticker(sqlite_site, SmtpMailer(server.url), lambda: INVITATION).tick() == 1
    (message,) = server.sink.messages
    assert message["Subject"] == "A few questions for you"
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "please take 4 minutes until Fri 19 Mar 2027." in text
        assert "https://checkin.example.org/s/" in text
        assert "/messages" in text
        assert "Placeholder" in text
        assert re.findall(r"\{\w*\}", text) == []
    page = act(staff, PATH, {**OWN, "do": "built-in"})
    assert "The built-in text stands again." in page.text
    assert page.text.count("built-in") >= 16


def test_a_test_goes_to_whoever_asks_for_it(staff: Browser, server: MailServer) -> None:
    page = act(staff, PATH, {**OWN, "do": "test"})
    assert f"Test to {EMAIL}: handed to the mail server. The text was not saved yet." in page.text
    (message,) = server.sink.messages
    assert message["To"] == EMAIL
    part = message.get_body(("plain",))
    assert part is not None
    assert "EXAMPLE-LINK-OF-NOBODY" in part.get_content()


def test_another_language_keeps_its_built_in_text(
    staff: Browser, sqlite_site: Site, server: MailServer
) -> None:
    act(staff, PATH, {**OWN, "do": "save"})
    add_course(sqlite_site)
    reaching.set_language_and_zone(
        sqlite_site, "P-01", "nl", "Europe/Amsterdam", actor="staff:1", now=EARLIER
    )
    Ticker(sqlite_site, SmtpMailer(server.url), lambda: INVITATION).tick()
    assert server.sink.messages[0]["Subject"] == "Uw vragenlijst staat klaar"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"body": "No way in"}, "Put {link} in it, once"),
        ({"body": "Go to {link} now"}, "on a line of its own"),
        ({"body": "{link}\n{name}"}, "There is no {name}."),
        ({"body": "<b>Hi</b>\n{link}"}, "no markup"),
        ({"body": "x" * 5001 + "\n{link}"}, "at most 5000 characters"),
        ({"subject": ""}, "Write a subject."),
        ({"subject": "Hi {site}"}, "no placeholders"),
        ({"subject": "Hi\r\nBcc: all@example.org"}, "one line"),
    ],
)
def test_what_would_hurt_is_refused_and_kept_on_the_screen(
    staff: Browser, sqlite_site: Site, wrong: dict[str, str], said: str
) -> None:
    page = act(staff, PATH, {**OWN, **wrong, "do": "save"})
    assert page.status == 400
    assert said in page.text
    assert messagetexts.stands(sqlite_site, ("email", "invitation", "en")) is None


def test_a_text_to_phones_counts_its_segments(staff: Browser) -> None:
    page = act(staff, SMS_PATH, {"body": "Still waiting: {link}", "do": "preview"})
    assert "1 SMS segment." in page.text
    page = act(staff, SMS_PATH, {"body": "á" * 80 + "{link}", "do": "preview"})
    assert "2 SMS segments." in page.text


@pytest.mark.parametrize("typed", ["+44 7700 900123", "0044 (0)7700-900123"])
def test_a_test_goes_to_the_phone_that_was_named(
    texting: Browser, sqlite_site: Site, provider: Provider, typed: str
) -> None:
    body = "Still waiting: {link}, about {minutes} min"
    page = act(texting, SMS_PATH, {"body": body, "phone": typed, "do": "test"})
    assert page.status == 200
    assert "Test to +44 …123: handed to the SMS provider. The text was not saved yet." in page.text
    ((path, text),) = provider.texts
    assert path == f"/send/{PHONE[1:]}"
    assert re.fullmatch(r"Still waiting: https://\S+/s/EXAMPLE-\S+, about 5 min", text)
    assert page.attribute("input", "value", name="phone") == typed
    assert messagetexts.stands(sqlite_site, ("sms", "reminder", "en")) is None


def test_a_test_that_the_provider_refuses_says_so(texting: Browser, provider: Provider) -> None:
    provider.status = 500
    page = act(texting, SMS_PATH, {"body": "{link}", "phone": PHONE, "do": "test"})
    assert "the SMS provider did not confirm" in page.text
    assert provider.texts == []


@pytest.mark.parametrize(
    ("phone", "said"),
    [
        ("", "Write the number that the test goes to."),
        ("06 12345678", "Write the number with its country"),
        ("call me", "This is not a phone number."),
        ("+31612345678,+31612345679", "This is not a phone number."),
    ],
)
def test_a_number_that_cannot_be_dialled_gets_no_test(
    texting: Browser, provider: Provider, phone: str, said: str
) -> None:
    page = act(texting, SMS_PATH, {"body": "{link}", "phone": phone, "do": "test"})
    assert page.status == 400
    assert said in page.text
    assert page.attribute("input", "value", name="phone") == phone
    assert provider.texts == []


def test_without_a_provider_a_page_says_so_and_offers_no_test(staff: Browser) -> None:
    page = staff.get(SMS_PATH)
    assert "Texts to phones are not set up here" in page.text
    assert "test" not in {button.get("value") for button in page.all("button")}
    page = act(staff, SMS_PATH, {"body": "{link}", "phone": PHONE, "do": "test"})
    assert page.status == 400
    assert page.text.count("Texts to phones are not set up here") == 2
