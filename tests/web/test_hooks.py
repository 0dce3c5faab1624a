"""Bounces that a mail server or provider hands to the webhook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import bounces, personal, prompting
from surveyapp.services.site import Site
from surveyapp.services.today import today
from surveyapp.store import trail
from surveyapp.store.tables import PromptRow
from surveyapp.web.app import create_app
from surveyapp.worker import Ticker
from tests.world import MailServer, add_course

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
    assert any(why in need.why for need in today(hook.site, LATER))
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


def test_without_the_secret_there_is_nothing(hook: Hook) -> None:
    told = {"message_id": hook.message_id, "type": "hard"}
    assert hook.post("wrong", json=told).status_code == 404
    assert hook.post("ü", json=told).status_code == 404
    assert hook.fates()[0][0] == "sent"
