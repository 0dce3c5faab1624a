"""People and mail servers for tests: rows put straight into the store, and a real SMTP sink."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import select

from surveyapp.services.health import health
from surveyapp.services.readmodels import Need
from surveyapp.services.site import Site
from surveyapp.services.today import today
from surveyapp.store import contacts, trail
from surveyapp.store.tables import (
    Anchor,
    Consent,
    Course,
    Participant,
    Retreat,
    RetreatDate,
    Study,
)
from surveyapp.store.windows import refresh_windows

EARLIER = datetime(2027, 1, 1, tzinfo=UTC)
DOSING = date(2027, 3, 20)
AMSTERDAM = "Europe/Amsterdam"


def add_course(
    site: Site,
    code: str = "P-01",
    *,
    dosing: date = DOSING,
    zone: str = AMSTERDAM,
    address: str | None = "p01@example.org",
    consent: bool = True,
    confirmed: bool = False,
    retreat: str = "Spring 2027",
    number: int = 1,
    protocol: str = "second-retreat",
) -> int:
    """A participant in a practice study's retreat, as staff would have entered them."""
    with site.database.write() as session:
        study = session.scalars(select(Study).where(Study.protocol == protocol)).first()
        study = study or Study(
            protocol=protocol, protocol_version="1", title=protocol, created_at=EARLIER
        )
        session.add(study)
        session.flush()
        group = session.scalars(select(Retreat).where(Retreat.name == retreat)).first()
        if group is None:
            group = Retreat(study_id=study.id, name=retreat, time_zone=zone, created_at=EARLIER)
            session.add(group)
            session.flush()
            session.add(RetreatDate(retreat_id=group.id, anchor="dosing", date=dosing))
        person = session.scalars(select(Participant).where(Participant.code == code)).first()
        if person is None:
            person = Participant(code=code, time_zone=zone, created_at=EARLIER)
            session.add(person)
            session.flush()
        if address:
            contacts.put_email(session, site.vault, person.id, address)
        course = Course(
            participant_id=person.id,
            retreat_id=group.id,
            number=number,
            chain=trail.new_chain(),
            created_at=EARLIER,
        )
        session.add(course)
        session.flush()
        at = EARLIER if confirmed else None
        session.add(Anchor(course_id=course.id, anchor="dosing", date=dosing, confirmed_at=at))
        if consent:
            session.add(
                Consent(
                    course_id=course.id,
                    given_on=EARLIER.date(),
                    scope="answers and messages",
                    recorded_by="staff:1",
                    recorded_at=EARLIER,
                )
            )
        trail.append(session, course.chain, "course added", "staff:1", EARLIER, {"code": code})
        refresh_windows(session, site.library, [course.id])
        return course.id


@dataclass
class Sink:
    """What a mail server was given. `answer` may refuse: it gets the recipient, gives a reply."""

    messages: list[EmailMessage] = field(default_factory=list[EmailMessage])
    raw: list[bytes] = field(default_factory=list[bytes])
    answer: Callable[[str], str] = lambda _recipient: "250 OK"
    after_data: Callable[[EmailMessage], str] = lambda _message: "250 taken"

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        reply = self.answer(address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        reply = self.after_data(message)
        if reply.startswith("250"):
            self.messages.append(message)
            self.raw.append(envelope.content)
        return reply

    @property
    def ids(self) -> list[str]:
        return [message["Message-ID"] for message in self.messages]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MailServer:
    """A real SMTP server on a free port of this machine."""

    def __init__(self) -> None:
        self.sink = Sink()
        self._port = free_port()
        self._controller = Controller(self.sink, hostname="127.0.0.1", port=self._port)

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._port}"


def needs_of(site: Site, now: datetime) -> Sequence[Need]:
    """The lines of Today."""
    return today(site, now, health(site, now)).needs
