"""Messages about alerts: to the first of a study's people at once, then to the deputy.

One at a time, before every prompt, by the same mail server. A message is claimed by a lease before
it is handed over, so a worker that is killed leaves at most one copy more, under the same
Message-ID. Whoever refuses it for good is passed over: the deputy is told at once. Nothing goes
once somebody has acknowledged, or while all messages are held.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr

import structlog

from ..delivery.alert_message import AlertNotice, compose_alert
from ..delivery.email import Mailer
from ..delivery.message import Envelope
from ..delivery.outcome import Outcome
from ..store import alerts, instance
from ..store.alerts import Placed
from ..store.database import Session
from ..store.tables_care import AlertMessage
from .addresses import is_writable
from .alerts import DEPUTY, FIRST
from .invitations import NOT_WRITABLE, PRACTICE, practice_allows
from .site import Site

PAUSES = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 20, 30))
DOUBTFUL_PAUSES = tuple(timedelta(minutes=m) for m in (1, 10, 60, 240, 720, 1440))
SERVER_AWAY = timedelta(minutes=1)
PUT_OFF = timedelta(minutes=1)
LEASE = timedelta(minutes=2)
"""Longer than handing one message over can take."""
TAKEN, ACKNOWLEDGED = "being sent", "somebody has acknowledged it"

log = structlog.get_logger("alerts")


@dataclass(frozen=True)
class Told:
    """How many messages the mail server took; `away` when it is away or refuses us."""

    sent: int
    away: Outcome | None = None


@dataclass(frozen=True)
class _Job:
    row_id: int
    message: EmailMessage
    to: str


def is_due(site: Site, now: datetime) -> bool:
    """Whether a message waits to be handed over. One statement."""
    with site.database.read() as session:
        return alerts.due_message(session, now) is not None


def send_due(
    site: Site, mailer: Mailer, clock: Callable[[], datetime], stopping: threading.Event
) -> Told:
    """Hand over every message that is due."""
    sent = 0
    while not stopping.is_set():
        with site.database.read() as session:
            row_id = alerts.due_message(session, clock())
            if row_id is None or _is_held(session):
                return Told(sent)
        job = _claim_or_put_off(site, row_id, clock())
        if job is None:
            continue
        outcome = _hand_over(mailer, job)
        _record(site, job.row_id, outcome, clock())
        log.info("alert message", message=job.row_id, outcome=outcome.kind, detail=outcome.detail)
        if outcome.ours:
            return Told(sent, outcome)
        sent += outcome.kind == "accepted"
    return Told(sent)


def _is_held(session: Session) -> bool:
    row = instance.instance(session)
    return row is not None and bool(row.held)


def _claim_or_put_off(site: Site, row_id: int, now: datetime) -> _Job | None:
    """One message that cannot be processed must not stop the others."""
    try:
        return _claim(site, row_id, now)
    except Exception:
        log.exception("an alert's message failed and is put off", message=row_id)
        with site.database.write() as session:
            row = alerts.message(session, row_id)
            if row is not None and row.next_at is not None:
                row.next_at, row.reason = now + PUT_OFF, "it could not be processed"
        return None


def _claim(site: Site, row_id: int, now: datetime) -> _Job | None:
    """Take a message that is still due, or settle what may not go."""
    with site.database.write() as session:
        row = alerts.message(session, row_id)
        if row is None or row.next_at is None or row.next_at > now:
            return None
        placed = alerts.placed(session, row.alert_id)
        assert placed is not None
        if placed.alert.acknowledged_at or placed.alert.closed_at:
            _settle(row, "not needed", ACKNOWLEDGED, now)
            return None
        if fault := _fault(session, placed, row):
            _refuse(session, row, fault, now)
            return None
        row.message_id, row.tries = _message_id(site, row), row.tries + 1
        row.next_at, row.reason, row.updated_at = now + LEASE, row.reason or TAKEN, now
        session.flush()
        return _Job(row.id, _compose(site, placed, row, now), row.email)


def _fault(session: Session, placed: Placed, row: AlertMessage) -> str:
    """Why nothing may be sent to this address."""
    if not is_writable(row.email):
        return NOT_WRITABLE
    if placed.study.mode == "practice" and not practice_allows(session, row.email):
        return PRACTICE
    return ""


def _message_id(site: Site, row: AlertMessage) -> str:
    """The same for every try, and nothing to be read from it."""
    text = f"alert|{row.alert_id}|{row.place}|{row.email}"
    name = hmac.new(site.keys.derive("message ids"), text.encode(), "sha256").hexdigest()[:32]
    domain = parseaddr(site.settings.mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<{name}@{domain}>"


def _compose(site: Site, placed: Placed, row: AlertMessage, now: datetime) -> EmailMessage:
    notice = AlertNotice(
        link=site.settings.link(f"staff/alerts/{placed.alert.id}"),
        site_name=site.settings.site_name,
        deputy=row.place == DEPUTY,
        drill=placed.alert.drill,
    )
    envelope = Envelope(site.settings.mail_from, row.email, row.message_id, now)
    return compose_alert(notice, envelope)


def _hand_over(mailer: Mailer, job: _Job) -> Outcome:
    found = mailer.offer(job.message, job.to)
    return found if isinstance(found, Outcome) else found.finish()


def _record(site: Site, row_id: int, outcome: Outcome, now: datetime) -> None:
    with site.database.write() as session:
        row = alerts.message(session, row_id)
        assert row is not None
        if outcome.kind == "accepted":
            _settle(row, "sent", outcome.detail, now)
        elif row.next_at is None:  # acknowledged meanwhile
            return
        elif outcome.kind == "permanent":
            _refuse(session, row, outcome.detail, now)
        else:
            row.reason, row.updated_at = outcome.detail, now
            row.tries -= outcome.ours
            row.next_at = now + pause(outcome, row.tries)
        session.flush()


def pause(outcome: Outcome, tries: int) -> timedelta:
    """How long until a message that was not taken is tried again."""
    if outcome.ours:
        return SERVER_AWAY
    pauses = DOUBTFUL_PAUSES if outcome.kind == "unknown" else PAUSES
    return pauses[min(tries, len(pauses)) - 1]


def _settle(row: AlertMessage, status: str, reason: str, now: datetime) -> None:
    row.status, row.reason, row.next_at, row.updated_at = status, reason, None, now


def _refuse(session: Session, row: AlertMessage, reason: str, now: datetime) -> None:
    """Nobody waits for somebody who cannot be reached: the deputy is told at once."""
    _settle(row, "refused", reason, now)
    for other in alerts.messages(session, [row.alert_id]):
        if row.place == FIRST and other.place == DEPUTY and other.status == "waiting":
            other.next_at = min(other.next_at or now, now)
    session.flush()
