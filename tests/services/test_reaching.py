"""Channels: the preferred contact, the one to fall back on, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.delivery.texting import NO_WORD, WRONG_URL, Texter, TextReady
from surveyapp.services import personal, prompting, reaching
from surveyapp.services.errors import InputError
from surveyapp.services.invitations import NOT_WRITABLE
from surveyapp.services.reaching import Contacts
from surveyapp.services.site import Site
from surveyapp.store.tables import Attempt, PromptRow
from surveyapp.worker import Ticker
from tests.world import EARLIER, MailServer, add_course, needs_of

ZONE = ZoneInfo("Europe/Amsterdam")
INVITATION = datetime(2027, 3, 10, 10, tzinfo=ZONE).astimezone(UTC)
PHONE = "+447700900123"


class Provider:
    """An SMS provider: an HTTP server that keeps what it is given, or refuses."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.status = 200
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if kept.status == 200:
                    kept.texts.append((self.path, parse_qs(body)["message"][0]))
                self.send_response(kept.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"form://127.0.0.1:{self._server.server_port}/send/{{to}}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture
def reachable(sqlite_site: Site, provider: Provider) -> Site:
    add_course(sqlite_site)
    settings = sqlite_site.settings.model_copy(update={"sms_url": provider.url})
    return replace(sqlite_site, settings=settings)


def contacts(site: Site, channels: str, phone: str = PHONE, email: str = "p01@example.org") -> None:
    wish = Contacts(email, phone, channels)
    reaching.set_contacts(site, "P-01", wish, actor="staff:1", now=EARLIER)


def tick(site: Site, server: MailServer, at: datetime = INVITATION) -> int:
    return Ticker(site, SmtpMailer(server.url), lambda: at).tick()


def reasons(site: Site) -> list[tuple[str, str]]:
    with site.database.read() as session:
        found = session.scalars(select(PromptRow).order_by(PromptRow.id))
        return [(row.status, row.reason) for row in found]


def test_a_text_goes_to_the_phone_and_says_no_more_than_it_must(
    reachable: Site, server: MailServer, provider: Provider
) -> None:
    contacts(reachable, "phone")
    assert tick(reachable, server) == 1
    ((path, text),) = provider.texts
    assert path == "/send/447700900123"
    assert text.startswith("Check-ins: your check-in is ready, about 4 min, until 19 Mar 2027.")
    assert reasons(reachable) == [("sent", "handed to the SMS provider")]
    assert server.sink.messages == []
    with reachable.database.read() as session:
        assert session.scalars(select(Attempt.channel)).all() == ["SMS"]


def test_a_refused_address_falls_back_to_the_phone_at_once(
    reachable: Site, server: MailServer, provider: Provider
) -> None:
    contacts(reachable, "email phone")
    server.sink.answer = lambda _to: "550 who"
    assert tick(reachable, server) == 1
    assert len(provider.texts) == 1
    view = personal.person_view(reachable, "P-01", INVITATION)
    assert view.contacts[0].note == (
        "Nothing is sent here since Wed 10 Mar 2027: refused: mailbox unknown (550)."
    )
    assert tick(reachable, server, INVITATION + timedelta(days=3)) == 1
    assert len(provider.texts) == 2


def test_without_another_way_a_refusal_stops_and_shows(reachable: Site, server: MailServer) -> None:
    contacts(reachable, "email", phone="")
    server.sink.answer = lambda _to: "550 who"
    assert tick(reachable, server) == 0
    reminder = INVITATION + timedelta(days=3)
    assert tick(reachable, server, reminder) == 0
    held = "the e-mail address takes no messages (refused: mailbox unknown (550))"
    assert reasons(reachable)[1] == ("held", held)
    whys = [need.why for need in needs_of(reachable, reminder)]
    assert f"The message for Before the retreat is held: {held}" in whys
    server.sink.answer = lambda _to: "250 OK"
    contacts(reachable, "email", phone="")
    assert tick(reachable, server, reminder) == 1


def test_a_full_mailbox_is_no_reason_to_give_up_the_address(
    reachable: Site, server: MailServer
) -> None:
    server.sink.answer = lambda _to: "552 full"
    tick(reachable, server)
    server.sink.answer = lambda _to: "250 OK"
    assert tick(reachable, server, INVITATION + timedelta(days=3)) == 1


@pytest.mark.parametrize(
    ("channels", "phone", "email", "mails", "texts"),
    [
        ("phone email", "", "p01@example.org", 1, 0),
        ("email phone", PHONE, "", 0, 1),
        ("phone email", PHONE, "p01@example.org", 0, 1),
        ("phone email", "+31612345678", "p01@example.org", 1, 0),
        ("phone", "", "p01@example.org", 0, 0),
        ("email", PHONE, "", 0, 0),
    ],
)
def test_the_first_way_that_can_be_used_is_used(
    reachable: Site,
    server: MailServer,
    provider: Provider,
    channels: str,
    phone: str,
    email: str,
    mails: int,
    texts: int,
) -> None:
    contacts(reachable, channels, phone, email)
    tick(reachable, server)
    assert (len(server.sink.messages), len(provider.texts)) == (mails, texts)


def test_texts_are_held_while_no_provider_is_set(sqlite_site: Site, server: MailServer) -> None:
    add_course(sqlite_site)
    contacts(sqlite_site, "phone")
    assert tick(sqlite_site, server) == 0
    assert reasons(sqlite_site) == [("held", "SMS is not set up")]


def test_a_provider_that_refuses_leaves_it_open_and_is_tried_again(
    reachable: Site, server: MailServer, provider: Provider
) -> None:
    contacts(reachable, "phone")
    provider.status = 500
    assert tick(reachable, server) == 0
    ((status, reason),) = reasons(reachable)
    assert status == "held"
    assert reason.startswith(NO_WORD.detail)
    provider.status = 200
    assert tick(reachable, server, INVITATION + timedelta(minutes=1)) == 1


def test_addresses_of_providers() -> None:
    assert Texter("nonsense").offer("hello", PHONE) == WRONG_URL
    assert isinstance(Texter("json://127.0.0.1/sms?a=b").offer("hello", PHONE), TextReady)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+31 6 1234 5678", "+31612345678"),
        ("0031-6-12345678", "+31612345678"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("+1.555.555.0100", "+15555550100"),
    ],
)
def test_a_number_is_kept_in_its_international_form(
    sqlite_site: Site, typed: str, kept: str
) -> None:
    add_course(sqlite_site)
    contacts(sqlite_site, "phone", typed)
    assert reaching.contacts_of(sqlite_site, "P-01").phone == kept


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("06 12345678", "Write the number with its country"),
        ("612345678", "Write the number with its country"),
        ("+31 6", "This is not a phone number."),
        ("+31 6 12345678 9012345", "This is not a phone number."),
        ("call me", "This is not a phone number."),
        ("+31612345678\r\nBcc: x", "This is not a phone number."),
        ("+0612345678", "This is not a phone number."),
    ],
)
def test_a_number_that_cannot_be_dialled_is_refused(
    sqlite_site: Site, typed: str, said: str
) -> None:
    add_course(sqlite_site)
    with pytest.raises(InputError) as caught:
        contacts(sqlite_site, "phone", typed)
    assert caught.value.problems["phone"].startswith(said)
    assert reaching.contacts_of(sqlite_site, "P-01").phone == ""


@pytest.mark.parametrize(
    "typed",
    [
        "two words@example.org",
        '"quoted"@example.org',
        "a@exa mple.org",
        "a@example.org\nBcc: b@example.org",
        "a@example.org, b@example.org",
        "a" * 250 + "@example.org",
        "no-at.example.org",
        "ü@example.org",
        "a@exämple.org",
        "Anna <a@example.org>",
    ],
)
def test_an_address_that_cannot_be_written_to_is_refused(sqlite_site: Site, typed: str) -> None:
    add_course(sqlite_site)
    with pytest.raises(InputError) as caught:
        contacts(sqlite_site, "email", "", typed)
    assert caught.value.problems["email"]
    assert reaching.contacts_of(sqlite_site, "P-01").email == "p01@example.org"


def test_somebody_who_moves_is_prompted_in_the_new_zone_and_never_twice(
    sqlite_site: Site, server: MailServer
) -> None:
    add_course(sqlite_site)
    assert tick(sqlite_site, server) == 1
    new_york = ZoneInfo("America/New_York")
    moved = INVITATION + timedelta(minutes=5)
    reaching.set_language_and_zone(
        sqlite_site, "P-01", "nl", "America/New_York", actor="staff:1", now=moved
    )
    assert tick(sqlite_site, server, datetime(2027, 3, 10, 10, tzinfo=new_york)) == 0
    reminder = datetime(2027, 3, 13, 10, tzinfo=new_york)
    assert tick(sqlite_site, server, reminder - timedelta(seconds=1)) == 0
    assert tick(sqlite_site, server, reminder) == 1
    assert server.sink.messages[1]["Subject"] != server.sink.messages[0]["Subject"]


def test_a_message_that_waits_when_the_person_moves_west_waits_for_the_new_morning(
    sqlite_site: Site, server: MailServer
) -> None:
    add_course(sqlite_site)
    server.sink.answer = lambda _to: "450 busy"
    assert tick(sqlite_site, server) == 0
    server.sink.answer = lambda _to: "250 OK"
    moved = INVITATION + timedelta(minutes=2)
    reaching.set_language_and_zone(
        sqlite_site, "P-01", "en", "America/New_York", actor="staff:1", now=moved
    )
    morning = datetime(2027, 3, 10, 10, tzinfo=ZoneInfo("America/New_York"))
    assert prompting.due(sqlite_site, morning - timedelta(seconds=1)) == []
    assert tick(sqlite_site, server, morning) == 1
    assert tick(sqlite_site, server, morning + timedelta(hours=1)) == 0


def test_language_and_zone_are_checked(sqlite_site: Site) -> None:
    add_course(sqlite_site)
    with pytest.raises(InputError) as caught:
        reaching.set_language_and_zone(
            sqlite_site, "P-01", "xx", "Mars/Base", actor="staff:1", now=EARLIER
        )
    assert set(caught.value.problems) == {"language", "time_zone"}


@pytest.mark.parametrize(
    "address", ["ü@example.org", "a@b@example.org", "a b@example.org", "<a@x.test>"]
)
def test_an_address_that_was_let_through_once_is_held_and_delays_nobody(
    sqlite_site: Site, server: MailServer, address: str
) -> None:
    add_course(sqlite_site, "P-01", address=address)
    add_course(sqlite_site, "P-02", address="p02@example.org")
    assert tick(sqlite_site, server) == 1
    assert ("held", NOT_WRITABLE) in reasons(sqlite_site)
    whys = [need.why for need in needs_of(sqlite_site, INVITATION)]
    assert f"The message for Before the retreat is held: {NOT_WRITABLE}" in whys
