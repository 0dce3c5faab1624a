"""Mails to colleagues about their account: written down with what they tell of, sent by the worker.

One is claimed by a lease before it is handed over, and tried again under the same Message-ID while
the server refuses for now, at most MOST_TRIES times. They go also while messages to participants
are held: they tell a colleague of something that has happened already.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr

import structlog

from ..delivery.colleague_message import ColleagueNotice, compose_colleague
from ..delivery.email import Mailer
from ..delivery.message import Envelope
from ..delivery.outcome import Outcome
from ..store import signin, staff
from ..store.database import Session
from ..store.tables_access import Staff
from ..store.tables_signin import StaffMail
from ..texts import moment
from .accounts import token_of
from .addresses import is_writable
from .alert_messages import LEASE, PUT_OFF, TAKEN, pause
from .invitations import NOT_WRITABLE
from .site import Site

MOST_AT_ONCE, MOST_TRIES = 5, 12
NOT_NEEDED, GIVEN_UP = "what it told of has ended", "given up after many tries"

log = structlog.get_logger("accounts")


@dataclass(frozen=True)
class _Job:
    mail_id: int
    message: EmailMessage
    to: str


def plan(session: Session, site: Site, staff_id: int, kind: str, place: str, now: datetime) -> int:
    """Write a mail down, in the transaction of what it tells of; its id."""
    domain = parseaddr(site.settings.mail_from)[1].rpartition("@")[2] or "localhost"
    mail = StaffMail(
        staff_id=staff_id,
        kind=kind,
        place=place,
        at=now,
        message_id=f"<{secrets.token_hex(16)}@{domain}>",
        next_at=now,
    )
    return signin.add_mail(session, mail)


def send_due(site: Site, mailer: Mailer, now: datetime) -> None:
    """A duty: hand over what is due, a few at a time."""
    for _ in range(MOST_AT_ONCE):
        with site.database.read() as session:
            mail_id = signin.due_mail(session, now)
        if mail_id is None:
            break
        outcome = send(site, mailer, mail_id, now)
        if outcome is not None and outcome.ours:
            break
    mailer.rest()


def send(site: Site, mailer: Mailer, mail_id: int, now: datetime) -> Outcome | None:
    """Try one mail now; None when it may not go, or somebody else has it."""
    try:
        job = _claim(site, mail_id, now)
    except Exception:
        log.exception("a mail to a colleague failed and is put off", mail=mail_id)
        with site.database.write() as session:
            row = signin.mail(session, mail_id)
            if row is not None and row.next_at is not None:
                row.next_at = now + PUT_OFF
        return None
    if job is None:
        return None
    found = mailer.offer(job.message, job.to)
    outcome = found if isinstance(found, Outcome) else found.finish()
    _note(site, mail_id, outcome, now)
    log.info("mail to a colleague", mail=mail_id, outcome=outcome.kind, detail=outcome.detail)
    return outcome


def _claim(site: Site, mail_id: int, now: datetime) -> _Job | None:
    with site.database.write() as session:
        row = signin.mail(session, mail_id)
        if row is None or row.next_at is None or row.next_at > now:
            return None
        account = staff.account(session, row.staff_id)
        notice = _notice(site, session, row, account, now) if account else None
        if account is None or notice is None:
            _settle(row, "not needed", NOT_NEEDED)
            return None
        if not is_writable(account.email):
            _settle(row, "refused", NOT_WRITABLE)
            return None
        row.tries, row.next_at, row.reason = row.tries + 1, now + LEASE, row.reason or TAKEN
        session.flush()
        envelope = Envelope(site.settings.mail_from, account.email, row.message_id, now)
        return _Job(row.id, compose_colleague(notice, envelope), account.email)


def _note(site: Site, mail_id: int, outcome: Outcome, now: datetime) -> None:
    """What came of it; it stays due while it may still go."""
    with site.database.write() as session:
        row = signin.mail(session, mail_id)
        assert row is not None
        if outcome.kind == "accepted":
            _settle(row, "sent", outcome.detail)
        elif outcome.kind == "permanent":
            _settle(row, "refused", outcome.detail)
        elif row.tries >= MOST_TRIES:
            _settle(row, "refused", f"{GIVEN_UP}: {outcome.detail}")
        else:
            row.next_at, row.reason = now + pause(outcome, row.tries), outcome.detail
            row.tries -= outcome.ours
        session.flush()


def _settle(row: StaffMail, status: str, reason: str) -> None:
    row.status, row.reason, row.next_at = status, reason, None


def _notice(
    site: Site, session: Session, row: StaffMail, account: Staff, now: datetime
) -> ColleagueNotice | None:
    """What the mail says; None for one that has nothing to say any more."""
    if not account.active:
        return None
    if row.kind == "invitation":
        invite = staff.open_invite(session, account.id, now)
        token = token_of(site, account, invite) if invite else ""
        return _invitation(site, token, moment(invite.expires_at)) if invite else None
    lines = (
        [
            f"there was a sign-in to your account from a place that is new: {row.place}, at"
            f" {moment(row.at)} UTC.",
            "If it was you, there is nothing to do. If it was not, end all sign-ins under Your"
            " account, change the password there, and tell whoever looks after accounts.",
        ]
        if row.kind == "new place"
        else [
            "the second factor of your account was taken away by whoever looks after accounts,"
            f" at {moment(row.at)} UTC. Until you set it up again the password alone is asked.",
            "If you did not ask for it, tell them at once.",
        ]
    )
    subject = "A sign-in to your account" if row.kind == "new place" else "Your second factor"
    link, name = site.settings.link("staff/account"), site.settings.site_name
    return ColleagueNotice(subject, lines, link, "Your account", name)


def _invitation(site: Site, token: str, ends: str) -> ColleagueNotice:
    name = site.settings.site_name
    return ColleagueNotice(
        "Your account",
        [
            f"there is an account for you at {name}. Open the link to choose a password.",
            f"The link works once, until {ends} UTC. Give it to nobody.",
        ],
        site.settings.link(f"staff/welcome/{token}"),
        "Choose a password",
        name,
    )
