"""Bounces: what a mail server finds out after it took a message, handed to us by a webhook.

A hard bounce marks the address: nothing more is sent to it until it is set anew, the message
counts as refused, and it goes by the person's other channel if there is one. A soft one is noted.
Reports come as JSON, or as the mail that servers send (RFC 3464).
"""

from __future__ import annotations

import email
import email.policy
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, Message
from typing import Any, cast

from ..delivery.outcome import Outcome
from ..store import contacts, facts, prompts, roster, trail
from ..store.contacts import EMAIL
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.prompts import Fate
from ..store.tables import PromptRow
from .errors import InputError
from .invitations import Route, route
from .site import Site

ACTOR = "mail server"
MOST = 1000
CODE = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
WORDS = {"5.1.1": "mailbox unknown", "5.1.10": "mailbox unknown", "5.2.1": "mailbox disabled"}
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
    """The reports in a request. Raises InputError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("message/rfc822", "multipart/report", "text/plain"):
        head = f"Content-Type: {content_type}\r\n\r\n".encode() if kind[:4] == "mult" else b""
        found = list(_reported(email.message_from_bytes(head + body, policy=email.policy.default)))
    else:
        found = _listed(body)
    if not found or len(found) > MOST:
        raise InputError({"body": NOT_UNDERSTOOD})
    return found


def _listed(body: bytes) -> list[Bounce]:
    try:
        told: Any = json.loads(body)
    except ValueError as error:
        raise InputError({"body": NOT_UNDERSTOOD}) from error
    items = cast(list[Any], told if isinstance(told, list) else [told])
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


def _reported(message: EmailMessage | Message) -> Iterator[Bounce]:
    """Every recipient of a delivery report; the Message-ID is the one of our message in it."""
    ours, groups = "", list[Message]()
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            groups += [group for group in cast(list[Message], part.get_payload()) if group]
        elif kind == "text/rfc822-headers":
            ours = ours or _id_in(str(part.get_payload()))
        elif kind == "message/rfc822" and part is not message:
            ours = ours or _id_in(part.as_string())
    for group in groups:
        if group["Action"] and (ours or group["Final-Recipient"]):
            address = str(group["Final-Recipient"] or "").partition(";")[2].strip()
            hard = str(group["Action"]).strip().lower() == "failed"
            yield Bounce(hard, _words(str(group["Status"] or "")), ours, "" if ours else address)


def _id_in(text: str) -> str:
    found = re.search(r"(?im)^message-id:\s*(<[^>\s]+>)", text)
    return found[1] if found else ""


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
        facts.lock_courses(session, ids)
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
    if bounce.hard:
        contacts.mark_refused(session, person, EMAIL, bounce.why, now)
    contexts = facts.course_contexts(session, site.library, ids)
    fate = _fate(session, site, contexts, bounce, now)
    for row in rows:
        outcome = Outcome("permanent" if bounce.hard else "transient", bounce.why)
        prompts.add_attempt(session, row.id, now, "e-mail", row.message_id, outcome)
        if fate and row.status == "sent":
            prompts.set_fate(row, fate, now)
    payload: dict[str, object] = {"hard": bounce.hard, "why": bounce.why}
    for context in contexts:
        trail.append(session, context.course.chain, "message bounced", ACTOR, now, payload)
    facts.refresh_windows(session, site.library, ids)


def _fate(
    session: Session, site: Site, contexts: list[CourseContext], bounce: Bounce, now: datetime
) -> Fate | None:
    """What becomes of a message that came back; None when it may still arrive."""
    if not bounce.hard or not contexts:
        return None
    if isinstance(route(session, site, contexts[0]), Route):
        return Fate("waiting", f"{bounce.why}; goes by another channel", now)
    return Fate("refused", bounce.why, None)
