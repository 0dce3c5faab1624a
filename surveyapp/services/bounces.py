"""Bounces: what a mail server finds out after it took a message, handed to us by a webhook.

A hard bounce marks the address: nothing more is sent to it until it is set anew, the message
counts as refused, and it goes by the person's other channel if there is one. A soft one is noted.
A report of success is none. Reports come as JSON, or as the mail that servers send (RFC 3464).
"""

from __future__ import annotations

import email
import hmac
import json
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from typing import Any, cast

from ..delivery.outcome import Outcome
from ..store import contacts, facts, prompts, roster, trail, windows
from ..store.contacts import EMAIL
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.prompts import Fate
from ..store.tables import Attempt, PromptRow
from .errors import InputError
from .invitations import Route, Ways
from .outcomes import CHANNELS
from .site import Site

ACTOR = "mail server"
MAIL_CHANNEL = CHANNELS[EMAIL]
MOST = 1000
CODE = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
WORDS = {"5.1.1": "mailbox unknown", "5.1.10": "mailbox unknown", "5.2.1": "mailbox disabled"}
REPORT, MAIL = "multipart/report", ("message/rfc822", "text/plain")
# What Python's readers of JSON and of mail let out when they meet neither.
UNREADABLE = (ValueError, LookupError, TypeError, RecursionError)
# What neither a database nor a hash takes: NUL, and halves of a pair of UTF-16.
UNKEPT = re.compile("[\0\ud800-\udfff]")
NOT_UNDERSTOOD = (
    "Send JSON, one object or a list, each with `message_id` or `email`, and `type` hard or soft; "
    "or the delivery report itself as message/rfc822."
)


@dataclass(frozen=True)
class Bounce:
    """One report. `why` is in words and holds no address."""

    hard: bool
    why: str
    message_id: str = ""
    address: str = ""


def secret(site: Site) -> str:
    """The last part of the webhook's address."""
    return hmac.new(site.keys.derive("bounces"), b"webhook", "sha256").hexdigest()[:32]


def read(body: bytes, content_type: str) -> list[Bounce]:
    """The reports in a request, none where all tell of success. Raises InputError."""
    kind = content_type.partition(";")[0].strip().lower()
    head = f"Content-Type: {content_type}\r\n\r\n".encode() if kind == REPORT else b""
    try:
        found = _mailed(head + body) if kind in (REPORT, *MAIL) else _listed(body)
    except UNREADABLE as error:
        raise InputError({"body": NOT_UNDERSTOOD}) from error
    if len(found) > MOST or any(UNKEPT.search(b.message_id + b.address) for b in found):
        raise InputError({"body": NOT_UNDERSTOOD})
    return found


def _listed(body: bytes) -> list[Bounce]:
    told: Any = json.loads(body)
    items = cast(list[Any], told if isinstance(told, list) else [told])
    if not items:
        raise InputError({"body": NOT_UNDERSTOOD})
    return [_from_json(item) for item in items]


def _from_json(item: Any) -> Bounce:
    if not isinstance(item, dict):
        raise InputError({"body": NOT_UNDERSTOOD})
    fields = {k: v for k, v in cast(dict[str, Any], item).items() if isinstance(v, str)}
    message_id, address = fields.get("message_id", ""), fields.get("email", "")
    if fields.get("type") not in ("hard", "soft") or not (message_id or address):
        raise InputError({"body": NOT_UNDERSTOOD})
    hard = fields["type"] == "hard"
    return Bounce(hard, _words(fields.get("status", "")), _bracketed(message_id), address.strip())


def _bracketed(message_id: str) -> str:
    bare = message_id.strip().strip("<>")
    return f"<{bare}>" if bare else ""


def _words(status: str) -> str:
    code = CODE.search(status)
    if code is None:
        return "the message came back"
    return f"the message came back: {WORDS.get(code[0], 'refused')} ({code[0]})"


def _mailed(mail: bytes) -> list[Bounce]:
    """Every recipient of a delivery report whom it has not reached. Raises InputError."""
    ours, groups = _parts(email.message_from_bytes(mail))
    told = [g for g in groups if _field(g, "Action") and (ours or _field(g, "Final-Recipient"))]
    if not told:
        raise InputError({"body": NOT_UNDERSTOOD})
    return [_from_group(group, ours) for group in told if _action(group) in ("failed", "delayed")]


def _parts(report: Message) -> tuple[str, list[Message]]:
    """The Message-ID of our message in a report, and what the report says of each recipient."""
    ours, groups = "", list[Message]()
    for part in report.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            groups += cast(list[Message], part.get_payload())
        elif kind == "text/rfc822-headers":
            headers = cast(bytes, part.get_payload(decode=True))
            ours = ours or _id_of(email.message_from_bytes(headers.lstrip()))
        elif kind == "message/rfc822" and part is not report:
            ours = ours or _id_of(cast(Message, part.get_payload(0)))
    return ours, groups


def _id_of(message: Message) -> str:
    found = re.search(r"<[^>\s]+>", _field(message, "Message-ID"))
    return found[0] if found else ""


def _from_group(group: Message, ours: str) -> Bounce:
    address = _field(group, "Final-Recipient").partition(";")[2].strip()
    why = _words(_field(group, "Status"))
    return Bounce(_action(group) == "failed", why, ours, address)


def _action(group: Message) -> str:
    return _field(group, "Action").strip().lower()


def _field(message: Message, name: str) -> str:
    """A header as it was sent, empty without one; no character set that it names is needed."""
    values = (str(value) for key, value in message.raw_items() if key.lower() == name.lower())
    return next(values, "").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def take(site: Site, found: list[Bounce], now: datetime) -> int:
    """Write the reports down, all or none; how many concerned somebody here."""
    with site.database.write() as session:
        return sum(_take(session, site, bounce, now) for bounce in found)


def _take(session: Session, site: Site, bounce: Bounce, now: datetime) -> bool:
    rows = prompts.by_message_id(session, bounce.message_id) if bounce.message_id else []
    people = roster.people_of_courses(session, {row.course_id for row in rows})
    if not rows and bounce.address:
        people = set(contacts.participants_sharing(session, site.vault, bounce.address))
    for person in sorted(people):
        ids = roster.course_ids_of(session, person)
        windows.lock_courses(session, ids)
        own = [row for row in rows if row.course_id in ids]
        _note(session, site, person, ids, own, bounce, now)
    return bool(people)


def _note(
    session: Session,
    site: Site,
    person: int,
    ids: list[int],
    rows: list[PromptRow],
    bounce: Bounce,
    now: datetime,
) -> None:
    tries = {row.id: _went(session, site, row, bounce) for row in rows}
    came_back = [row for row in rows if tries[row.id] and row.status == "sent"]
    if rows and bounce.hard and not came_back:
        return  # told before, or of an address that the person has no more
    if bounce.hard:
        sent_to = {went.sent_to for went in tries.values() if went}
        contacts.mark_refused(session, person, EMAIL, bounce.why, now, sent_to)
    contexts = facts.course_contexts(session, site.library, ids)
    for row in came_back:
        outcome = Outcome("permanent" if bounce.hard else "transient", bounce.why)
        prompts.add_attempt(session, row, now, MAIL_CHANNEL, row.message_id, outcome)
        if bounce.hard:
            prompts.set_fate(row, _fate(session, site, contexts, row, bounce.why, now), now)
    payload: dict[str, object] = {"hard": bounce.hard, "why": bounce.why}
    for context in contexts:
        trail.append(session, context.course.chain, "message bounced", ACTOR, now, payload)
    windows.refresh_windows(session, site.library, ids)


def _went(session: Session, site: Site, row: PromptRow, bounce: Bounce) -> Attempt | None:
    """The e-mail that a report may be about: what the server took last, unless that was a text, or
    the report names an address that it took the message for before."""
    taken = [a for a in prompts.tries(session, row.id) if a.outcome == "accepted"]
    if not taken or taken[-1].channel != MAIL_CHANNEL:
        return None
    named = site.vault.lookup(bounce.address) if bounce.address else ""
    earlier = {attempt.sent_to for attempt in taken[:-1]} - {taken[-1].sent_to}
    return None if named in earlier else taken[-1]


def _fate(
    session: Session,
    site: Site,
    contexts: list[CourseContext],
    row: PromptRow,
    why: str,
    now: datetime,
) -> Fate:
    """What becomes of a message that came back; where a newer one went it has had its day."""
    (context,) = [c for c in contexts if c.course_id == row.course_id]
    newer = any(
        p.timepoint == row.timepoint and p.number > row.number and p.status == "sent"
        for p in context.prompts
    )
    if not newer and isinstance(Ways.of(session, site, [context]).route(context), Route):
        return Fate("waiting", f"{why}; goes by another way", now)
    return Fate("refused", why, None)
