"""Heads day by day: the worker writes the trail's head to a folder outside and mails it.

One file and one message a day (UTC). A file that is there is never written over: a copy of the
installation that runs elsewhere adds its own beside it. What does not work is tried again until
the next day's head takes its place.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.utils import parseaddr
from pathlib import Path

from ..delivery.email import Mailer
from ..delivery.head_message import HeadNotice, compose_head
from ..delivery.message import Envelope
from ..delivery.outcome import Outcome
from ..store import instance, trail, trailhead
from ..store.tables_trail import TrailHead
from ..store.trail import Heads
from .addresses import is_writable
from .site import Site
from .trailheads import as_text, heads_now, write_file

ACTOR = "worker"
AGAIN = timedelta(minutes=10)
AFTER_REFUSAL = timedelta(hours=1)
HELD = "messages are held"
NO_ADDRESS = "SURVEYAPP_HEAD_MAIL is no address that a message can go to"
SHOWN = 7


@dataclass(frozen=True)
class KeptHead:
    """One day's head as the page tells of it."""

    day: date
    events: int
    head: str
    file: str
    mailed_at: datetime | None
    trouble: str


def kept_heads(site: Site) -> list[KeptHead]:
    """The last days', newest first."""
    with site.database.read() as session:
        rows = trailhead.newest(session, SHOWN)
    return [KeptHead(r.day, r.events, r.head, r.file, r.mailed_at, r.trouble) for r in rows]


def keep_head(site: Site, mailer: Mailer, now: datetime) -> None:
    """Write and mail today's head, as far as that is wanted and not done."""
    if not site.settings.head_dir and not site.settings.head_mail:
        return
    day = now.date()
    with site.database.read() as session:
        row = trailhead.of_day(session, day)
    if row is None or (not row.file and site.settings.head_dir and _due(row, now)):
        row = _begin(site, day, now)
    if _due(row, now) and site.settings.head_mail and row.mailed_at is None:
        _mail(site, mailer, row, now)


def _due(row: TrailHead, now: datetime) -> bool:
    return row.next_at is not None and row.next_at <= now


def _begin(site: Site, day: date, now: datetime) -> TrailHead:
    """Take the head, write its file, and put both on record. The file's head is from before that
    record, so it does not hold itself."""
    heads = heads_now(site)
    file, trouble = "", ""
    if site.settings.head_dir:
        try:
            file = _write(site.settings.head_dir, day, heads, now)
        except OSError as error:
            trouble = f"The file cannot be written to {site.settings.head_dir}: {error.strerror}"
    with site.database.write() as session:
        row = trailhead.of_day(session, day) or TrailHead(day=day, events=0, head="")
        row.events, row.head, row.file, row.trouble = heads.events, heads.head, file, trouble
        row.written_at = now if file else None
        if file:  # what was mailed before it could be written was another head
            row.mailed_at = None
        unmailed = bool(site.settings.head_mail) and row.mailed_at is None
        row.next_at = now if unmailed else (now + AGAIN if trouble else None)
        trailhead.add(session, row)
        if file or not trouble:
            payload = {"day": day.isoformat(), "events": heads.events, "head": heads.head}
            trail.append(session, trail.SYSTEM, "head kept", ACTOR, now, {**payload, "file": file})
        return row


def _write(folder: Path, day: date, heads: Heads, now: datetime) -> str:
    """Under the first name that is free. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    name, number = f"trail-head-{day.isoformat()}.json", 1
    while (folder / name).exists():
        number += 1
        name = f"trail-head-{day.isoformat()}-{number}.json"
    write_file(folder / name, as_text(heads, now))
    return name


def _mail(site: Site, mailer: Mailer, row: TrailHead, now: datetime) -> None:
    """Hand today's message over, or say why not and when to try again."""
    outcome = _handed(site, mailer, row, now)
    with site.database.write() as session:
        kept = trailhead.of_day(session, row.day)
        assert kept is not None
        unwritten = bool(site.settings.head_dir) and not kept.file
        if outcome.kind == "accepted":
            kept.mailed_at, kept.trouble = now, kept.trouble if unwritten else ""
            kept.next_at = now + AGAIN if unwritten else None
            payload = {"day": row.day.isoformat(), "head": row.head}
            trail.append(session, trail.SYSTEM, "head mailed", ACTOR, now, payload)
        else:
            kept.next_at = now + (AFTER_REFUSAL if outcome.kind == "permanent" else AGAIN)
            kept.trouble = f"It was not mailed: {outcome.detail}"


def _handed(site: Site, mailer: Mailer, row: TrailHead, now: datetime) -> Outcome:
    with site.database.read() as session:
        if instance.is_held(session):
            return Outcome("transient", HELD)
        chains = len(trail.heads(session).chains)
    to = site.settings.head_mail
    if not is_writable(to):
        return Outcome("permanent", NO_ADDRESS)
    notice = HeadNotice(row.day, row.events, chains, row.head, row.file, site.settings.site_name)
    identity = _message_id(site, row)
    message = compose_head(notice, Envelope(site.settings.mail_from, to, identity, now))
    found = mailer.offer(message, to)
    outcome = found if isinstance(found, Outcome) else found.finish()
    mailer.rest()
    return outcome


def _message_id(site: Site, row: TrailHead) -> str:
    """The same for every try of one head."""
    key = site.keys.derive("message ids")
    name = hmac.new(key, f"head|{row.day}|{row.head}".encode(), "sha256").hexdigest()[:32]
    domain = parseaddr(site.settings.mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<{name}@{domain}>"
