"""Sending the daily digest: each local day once, to each address that an account wrote down.

A day is looked at by one worker: it holds the wish's row, counts what stands on Today, and writes a
message for each address, which is unique for its day. These are claimed by a lease and go like
messages about alerts: tried again under one Message-ID while the server refuses for now, with
the counts of the first try. Nothing goes before the time, after the day, or while sending is held.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr

import structlog

from ..delivery.digest_message import compose_digest
from ..delivery.email import Mailer
from ..delivery.message import Envelope
from ..delivery.outcome import Outcome
from ..store import digests, instance, trail
from ..store.database import Session
from ..store.tables_digest import Digest, DigestMessage
from .addresses import is_writable
from .alert_messages import LEASE, PUT_OFF, TAKEN, Told, pause
from .digest import (
    NO_ACCOUNT,
    allowed,
    counted,
    local_day,
    next_time,
    notice_of,
    parted,
    rights_of,
    time_on,
)
from .errors import InputError, NotFoundError
from .health import health
from .invitations import NOT_WRITABLE, PRACTICE
from .rights import Rights, of_account
from .site import Site
from .today import today

ACTOR = "worker"
HELD = "All messages are held, so nothing was sent."
UNWANTED, OVER = "it is not wanted any more", "its day was over"
BROKEN = "it could not be processed"

log = structlog.get_logger("digest")


@dataclass(frozen=True)
class _Job:
    row_id: int
    message: EmailMessage
    to: str


def is_due(site: Site, now: datetime) -> bool:
    """Whether there is anything to look at. One statement."""
    with site.database.read() as session:
        return digests.is_due(session, now)


def send_due(
    site: Site, mailer: Mailer, clock: Callable[[], datetime], stopping: threading.Event
) -> Told:
    """Look at every day that has come, and hand over every message that is due."""
    if _is_held(site):
        return Told(0)
    _plan_all(site, clock())
    sent = 0
    while not stopping.is_set():
        with site.database.read() as session:
            row_id = digests.due_message(session, clock())
        if row_id is None:
            break
        job = _claim_or_put_off(site, row_id, clock())
        outcome = _hand_over(site, mailer, job, clock) if job else None
        if job is None or outcome is None:
            if _is_held(site):
                break
            continue
        _record(site, job.row_id, outcome, clock())
        log.info("digest", message=job.row_id, outcome=outcome.kind, detail=outcome.detail)
        if outcome.ours:
            return Told(sent, outcome)
        sent += outcome.kind == "accepted"
    return Told(sent)


def send_now(site: Site, mailer: Mailer, staff_id: int, *, actor: str, now: datetime) -> str:
    """Send the account's own address one as it would read now; what came of it, in words.

    Raises InputError while messages are held, NotFoundError.
    """
    if _is_held(site):
        raise InputError({"": HELD})
    with site.database.read() as session:
        account = digests.account(session, staff_id)
        if account is None:
            raise NotFoundError(NO_ACCOUNT)
        to = account.email
    notice = notice_of(site, _counts(site, rights_of(site, staff_id), now))
    message_id = _message_id(site, f"now|{staff_id}|{now.isoformat()}")
    message = compose_digest(notice, Envelope(site.settings.mail_from, to, message_id, now))
    found = mailer.offer(message, to)
    outcome = found if isinstance(found, Outcome) else found.finish()
    mailer.rest()
    if outcome.kind == "accepted":
        with site.database.write() as session:
            payload: dict[str, object] = {"account": staff_id, "asked": True}
            trail.append(session, trail.SYSTEM, "digest sent", actor, now, payload)
    return f"To {to}: {outcome.detail}."


def _is_held(site: Site) -> bool:
    with site.database.read() as session:
        return instance.is_held(session)


def _counts(site: Site, rights: Rights, now: datetime) -> Mapping[str, int]:
    return counted(today(site, now, health(site, now), rights).needs)


def _plan_all(site: Site, now: datetime) -> None:
    """Write down the messages of each day that has come."""
    with site.database.read() as session:
        ids = digests.due_wishes(session, now)
    if not ids:
        return
    # Before the transactions: Today is a long look, and other writers need not wait for it. Those
    # who may see the same have the same counts.
    held = {staff_id: rights_of(site, staff_id) for staff_id in ids}
    counts = {rights: _counts(site, rights, now) for rights in set(held.values())}
    for staff_id, rights in held.items():
        _plan_or_put_off(site, staff_id, counts[rights], now)


def _plan_or_put_off(site: Site, staff_id: int, counts: Mapping[str, int], now: datetime) -> None:
    """One account whose day cannot be reckoned must not stop the others."""
    try:
        with site.database.write() as session:
            if not instance.is_held(session):
                _plan(session, staff_id, counts, now)
    except Exception:
        log.exception("a digest's day failed and is put off", account=staff_id)
        with site.database.write() as session:
            wish = digests.wish(session, staff_id)
            if wish is not None and wish.next_at is not None:
                wish.next_at = now + PUT_OFF


def _plan(session: Session, staff_id: int, counts: Mapping[str, int], now: datetime) -> None:
    wish = digests.wish(session, staff_id)
    if wish is None or wish.next_at is None or wish.next_at > now:
        return
    day = local_day(now, wish.time_zone)
    wish.next_at = next_time(wish.at, wish.time_zone, now)
    # A worker that was away for days comes back before the time: nothing goes before it.
    early = now < time_on(day, wish.at, wish.time_zone)
    if early or (wish.last_day is not None and wish.last_day >= day):
        return
    wish.last_day = day
    wanted = bool(counts) or wish.when_quiet
    if wanted and of_account(session, staff_id).may("states"):
        for email in parted(wish.addresses):
            digests.add(session, _message(wish, email, counts, now))


def _message(wish: Digest, email: str, counts: Mapping[str, int], now: datetime) -> DigestMessage:
    assert wish.last_day is not None
    return DigestMessage(
        staff_id=wish.staff_id,
        day=wish.last_day,
        time_zone=wish.time_zone,
        email=email,
        counts=json.dumps(dict(counts)),
        next_at=now,
        updated_at=now,
    )


def _claim_or_put_off(site: Site, row_id: int, now: datetime) -> _Job | None:
    """One message that cannot be processed must not stop the others."""
    try:
        return _claim(site, row_id, now)
    except Exception:
        log.exception("a digest failed and is put off", message=row_id)
        with site.database.write() as session:
            row = digests.message(session, row_id)
            if row is not None and row.next_at is not None:
                row.next_at, row.reason = now + PUT_OFF, BROKEN
        return None


def _claim(site: Site, row_id: int, now: datetime) -> _Job | None:
    """Take a message that is still due, or settle what may not go."""
    with site.database.write() as session:
        row = digests.message(session, row_id)
        if row is None or row.next_at is None or row.next_at > now or instance.is_held(session):
            return None
        if found := _why_not(session, row, now):
            _settle(row, *found, now)
            return None
        row.message_id = _message_id(site, f"{row.staff_id}|{row.day}|{row.email}")
        row.tries, row.reason = row.tries + 1, row.reason or TAKEN
        row.next_at, row.updated_at = now + LEASE, now
        session.flush()
        envelope = Envelope(site.settings.mail_from, row.email, row.message_id, now)
        notice = notice_of(site, json.loads(row.counts))
        return _Job(row.id, compose_digest(notice, envelope), row.email)


def _why_not(session: Session, row: DigestMessage, now: datetime) -> tuple[str, str] | None:
    """A status and a reason for what may not go."""
    wish = digests.kept(session, row.staff_id)
    if local_day(now, row.time_zone) > row.day:
        return "too late", f"{row.reason}; {OVER}" if row.reason else OVER
    if wish is None or not wish.wanted or row.email not in parted(wish.addresses):
        return "not needed", UNWANTED
    if digests.account(session, row.staff_id) is None:
        return "not needed", UNWANTED
    if not is_writable(row.email):
        return "refused", NOT_WRITABLE
    return None if allowed(session, row.email) else ("refused", PRACTICE)


def _message_id(site: Site, what: str) -> str:
    """The same for every try of one day's, and nothing to be read from it."""
    key = site.keys.derive("message ids")
    name = hmac.new(key, f"digest|{what}".encode(), "sha256").hexdigest()[:32]
    domain = parseaddr(site.settings.mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<{name}@{domain}>"


def _hand_over(
    site: Site, mailer: Mailer, job: _Job, clock: Callable[[], datetime]
) -> Outcome | None:
    """None where it may not go any more: held, turned off or late since it was taken up."""
    found = mailer.offer(job.message, job.to)
    if isinstance(found, Outcome):
        return found
    if _still_goes(site, job.row_id, clock()):
        return found.finish()
    found.leave()
    return None


def _still_goes(site: Site, row_id: int, now: datetime) -> bool:
    """A last look; what does not go any more is settled when its lease has ended."""
    with site.database.read() as session:
        row = digests.message(session, row_id)
        held = instance.is_held(session)
        return row is not None and not held and _why_not(session, row, now) is None


def _record(site: Site, row_id: int, outcome: Outcome, now: datetime) -> None:
    with site.database.write() as session:
        row = digests.message(session, row_id)
        assert row is not None
        if outcome.kind == "accepted":
            _settle(row, "sent", outcome.detail, now)
            payload: dict[str, object] = {"account": row.staff_id, "day": row.day.isoformat()}
            trail.append(session, trail.SYSTEM, "digest sent", ACTOR, now, payload)
        elif outcome.kind == "permanent":
            _settle(row, "refused", outcome.detail, now)
        else:
            row.reason, row.updated_at = outcome.detail, now
            row.tries -= outcome.ours
            row.next_at = now + pause(outcome, row.tries)
        session.flush()


def _settle(row: DigestMessage, status: str, reason: str, now: datetime) -> None:
    row.status, row.reason, row.next_at, row.updated_at = status, reason, None, now
