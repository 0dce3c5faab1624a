"""Bounces that a mail server or provider hands to the webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import bounces, personal, prompting
from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.tables import PromptRow
from surveyapp.store.tables_access import Event
from surveyapp.web.app import create_app
from surveyapp.worker import Ticker
from tests.world import MailServer, add_course, needs_of

ZONE = ZoneInfo("Europe/Amsterdam")
INVITATION = datetime(2027, 3, 10, 10, tzinfo=ZONE).astimezone(UTC)
LATER = INVITATION + timedelta(minutes=5)
REPORT = """\
From: MAILER-DAEMON@mx.example.net
To: checkin@example.org
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; p01@example.org
Action: {action}
Status: {status}

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
To: p01@example.org
--b--
"""
WITH_ALL_OF_IT = (
    REPORT.partition("Content-Type: text/rfc822-headers")[0]
    + """\
Content-Type: message/rfc822

Message-ID:
 {message_id}
Content-Type: text/plain; charset=klingon

Sch\u00f6n.
--b--
"""
)
NESTED = b"Content-Type: message/rfc822\n\n" * 1_500
STRANGE: list[dict[str, object]] = [
    {"data": b""},
    {"data": b"", "content_type": "message/rfc822"},
    {"data": b"[" * 60_000},
    {"data": b'{"email":' * 7_000},
    {"data": b"9" * 60_000},
    {"data": b"\xff\xfe\x00\xd8"},
    {"data": b"null"},
    {"json": {"email": None, "message_id": 10**30, "type": "hard"}},
    {"json": {"email": "\ud800p01@example.org", "type": "hard"}},
    {"json": {"message_id": "<\ud800@example.org>", "type": "hard"}},
    {"json": {"message_id": "<a\0@example.org>", "type": "hard"}},
    {"json": [{"email": e, "type": "hard"} for e in ("p01@example.org", "a\0@b.example")]},
    {"data": NESTED, "content_type": "message/rfc822"},
    {"data": NESTED, "content_type": "multipart/report; boundary=b"},
    {"data": REPORT.partition("--b")[0].encode(), "content_type": "message/rfc822"},
]

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=5,
)
TOLD = st.fixed_dictionaries(
    {"type": st.sampled_from(["hard", "soft"])},
    optional={"message_id": ANY_TEXT | VALUES, "email": ANY_TEXT | VALUES, "status": VALUES},
)
LINES = st.sampled_from(
    [
        "",
        "--b",
        "Action: failed",
        "Action: \u00fc",
        "Content-Transfer-Encoding: base64",
        "Content-Type: message/delivery-status; charset*=nope''x",
        "Content-Type: message/rfc822",
        "Content-Type: multipart/mixed; boundary*=idna''b; boundary*0=b",
        "Content-Type: multipart/report; boundary=b",
        "Content-Type: text/rfc822-headers",
        "Final-Recipient: rfc822; p01@example.org\0",
        "Message-ID: <\u00fc\0@example.org>",
    ]
)
JSON_BODIES = (VALUES | TOLD | st.lists(TOLD)).map(lambda told: json.dumps(told).encode())
MAIL_BODIES = st.lists(LINES).map(lambda lines: "\n".join(lines).encode("latin-1"))
KINDS = ("application/json", "message/rfc822", "text/plain", "multipart/report; boundary=b", "")


@dataclass
class Hook:
    """The webhook of a site at which one message went out."""

    site: Site
    client: FlaskClient
    message_id: str

    def post(self, secret: str = "", **request: object) -> TestResponse:
        path = f"/hooks/bounces/{secret or bounces.secret(self.site)}"
        base = "https://checkin.example.org"
        return self.client.post(path, base_url=base, **request)  # type: ignore[arg-type]

    def fates(self) -> list[tuple[str, str]]:
        with self.site.database.read() as session:
            found = session.scalars(select(PromptRow).order_by(PromptRow.id))
            return [(row.status, row.reason) for row in found]

    def events(self) -> list[str]:
        with self.site.database.read() as session:
            return list(session.scalars(select(Event.kind)))


@pytest.fixture
def hook(site: Site) -> Iterator[Hook]:
    add_course(site)
    with MailServer() as server:
        assert Ticker(site, SmtpMailer(server.url), lambda: INVITATION).tick() == 1
        (message,) = server.sink.messages
    with create_app(site, lambda: LATER).test_client() as client:
        yield Hook(site, client, message["Message-ID"])


def test_a_hard_bounce_marks_the_address_and_the_message(hook: Hook) -> None:
    told = {"message_id": hook.message_id, "type": "hard", "status": "5.1.1"}
    answer = hook.post(json=told)
    assert (answer.status_code, answer.json) == (200, {"taken": 1})
    why = "the message came back: mailbox unknown (5.1.1)"
    assert hook.fates() == [("refused", why)]
    view = personal.person_view(hook.site, "P-01", LATER)
    assert view.contacts[0].note == f"Nothing is sent here since Wed 10 Mar 2027: {why}."
    assert any(why in need.why for need in needs_of(hook.site, LATER))
    assert prompting.sweep(hook.site) == 0
    with hook.site.database.read() as session:
        assert trail.verify(session).fault is None


def test_the_mail_itself_may_be_handed_over(hook: Hook) -> None:
    report = REPORT.format(action="failed", status="5.1.1", message_id=hook.message_id)
    answer = hook.post(data=report.encode(), content_type="message/rfc822")
    assert answer.json == {"taken": 1}
    assert hook.fates()[0][0] == "refused"


def test_a_delay_is_noted_and_changes_nothing(hook: Hook) -> None:
    report = REPORT.format(action="delayed", status="4.4.1", message_id=hook.message_id)
    assert hook.post(data=report.encode(), content_type="message/rfc822").json == {"taken": 1}
    assert hook.fates() == [("sent", "handed to the mail server")]


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_report_of_success_is_no_bounce(hook: Hook, action: str) -> None:
    report = REPORT.format(action=action, status="2.0.0", message_id=hook.message_id)
    answer = hook.post(data=report.encode(), content_type="message/rfc822")
    assert (answer.status_code, answer.json) == (200, {"taken": 0})
    assert hook.fates() == [("sent", "handed to the mail server")]
    assert "message bounced" not in hook.events()


def test_of_several_recipients_those_not_reached_count(hook: Hook) -> None:
    report = REPORT.format(action="relayed", status="2.0.0", message_id=hook.message_id)
    other = "Final-Recipient: rfc822; p01@example.net\nAction: FAILED\n\n"
    both = report.replace("Final-Recipient", f"{other}Final-Recipient")
    assert hook.post(data=both.encode(), content_type="message/rfc822").json == {"taken": 1}
    assert hook.fates()[0][0] == "refused"
    assert hook.events().count("message bounced") == 1


def test_our_message_is_known_whatever_letters_it_comes_back_in(hook: Hook) -> None:
    report = WITH_ALL_OF_IT.format(action="failed", status="5.1.1", message_id=hook.message_id)
    answer = hook.post(data=report.encode("latin-1"), content_type="message/rfc822")
    assert (answer.status_code, answer.json) == (200, {"taken": 1})
    assert hook.fates()[0][0] == "refused"


def test_an_address_alone_is_marked(hook: Hook) -> None:
    told = [{"email": address, "type": "hard"} for address in ("P01@example.org", "x@x.example")]
    assert hook.post(json=told).json == {"taken": 1}
    assert (
        personal.person_view(hook.site, "P-01", LATER)
        .contacts[0]
        .note.endswith("the message came back.")
    )


def test_a_message_nobody_sent_concerns_nobody(hook: Hook) -> None:
    assert hook.post(json={"message_id": "<x@y>", "type": "hard"}).json == {"taken": 0}
    assert hook.fates()[0][0] == "sent"


@pytest.mark.parametrize(
    "request_",
    [
        {"data": b"{"},
        {"json": []},
        {"json": [1]},
        {"json": {"type": "hard"}},
        {"json": {"email": "p01@example.org", "type": "?"}},
        {"data": b"Subject: hello\n\nhello", "content_type": "message/rfc822"},
        {"json": [{"email": "p01@example.org", "type": "hard"}, {"type": "hard"}]},
    ],
)
def test_what_is_not_understood_changes_nothing(hook: Hook, request_: dict[str, object]) -> None:
    answer = hook.post(**request_)
    assert answer.status_code == 400
    assert "type" in answer.json["error"]  # type: ignore[index]
    assert personal.person_view(hook.site, "P-01", LATER).contacts[0].note == ""


def test_what_no_reader_takes_changes_nothing(hook: Hook) -> None:
    for request_ in STRANGE:
        answer = hook.post(**request_)
        assert (answer.status_code, answer.json) == (400, {"error": bounces.NOT_UNDERSTOOD})
    assert personal.person_view(hook.site, "P-01", LATER).contacts[0].note == ""
    assert hook.fates() == [("sent", "handed to the mail server")]
    assert "message bounced" not in hook.events()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary() | JSON_BODIES | MAIL_BODIES, kind=st.sampled_from(KINDS))
def test_whatever_comes_is_taken_or_refused(hook: Hook, body: bytes, kind: str) -> None:
    assert hook.post(data=body, content_type=kind).status_code in (200, 400)


def test_without_the_secret_there_is_nothing(hook: Hook) -> None:
    told = {"message_id": hook.message_id, "type": "hard"}
    assert hook.post("wrong", json=told).status_code == 404
    assert hook.post("ü", json=told).status_code == 404
    assert hook.fates()[0][0] == "sent"
