"""Texts of messages: the built-in ones in four languages, and a site's own in their place.

An own text is plain paragraphs with placeholders. What must not be lost stays around it: the line
about replies, the way to stop messages, the notices of stand-in wordings. A placeholder that is
unknown, a link that is missing and markup are refused before anybody gets them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.message import EmailMessage

from .. import texts
from ..config import Settings
from ..delivery.message import (
    LINK,
    PLACEHOLDERS,
    CheckIn,
    Envelope,
    Notice,
    Own,
    built_in,
    built_in_sms,
    compose,
    sms_text,
)
from ..delivery.segments import segments
from ..store import messagetexts, trail
from ..store.database import Session
from ..store.messagetexts import Key
from ..store.tables_reach import TEXT_CHANNELS, TEXT_KINDS, MessageText
from .errors import InputError, NotFoundError
from .site import Site

EXAMPLE = CheckIn("https://checkin.example.org/s/EXAMPLE-LINK-OF-NOBODY", 5, date(2027, 3, 19))
LONGEST = {"email": 5000, "sms": 480}
LONGEST_SUBJECT = 200
FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Listed:
    """One text: whether it is the site's own, and what it says with example values."""

    channel: str
    kind: str
    language: str
    own: bool
    subject: str
    shown: str


@dataclass(frozen=True)
class Shown:
    """A text with example values filled in. `segments` is of an SMS, else 0."""

    subject: str
    text: str
    segments: int


def listed(site: Site) -> list[Listed]:
    """Every text in every language."""
    with site.database.read() as session:
        own = {(t.channel, t.kind, t.language): t for t in messagetexts.own_texts(session)}
    found: list[Listed] = []
    for channel in TEXT_CHANNELS:
        for kind in TEXT_KINDS:
            for language, _name in texts.LANGUAGES:
                key = channel, kind, language
                shown = preview(site, key, _own(own.get(key)))
                found.append(Listed(*key, key in own, shown.subject, shown.text))
    return found


def own_text(session: Session, channel: str, kind: str, language: str) -> Own | None:
    """The site's own text of one message, None where the built-in one stands."""
    return _own(messagetexts.own_text(session, (channel, kind, language)))


def _own(row: MessageText | None) -> Own | None:
    return Own(row.subject, row.body) if row else None


def stands(site: Site, key: Key) -> Own | None:
    """The site's own text, for its form. Raises NotFoundError for a text there cannot be."""
    _known(key)
    with site.database.read() as session:
        return own_text(session, *key)


def draft(key: Key) -> Own:
    """The built-in text with its placeholders, for somebody who begins an own one."""
    channel, kind, language = key
    with texts.speaking(language):
        return (built_in_sms if channel == "sms" else built_in)(reminder=kind == "reminder")


def _known(key: Key) -> None:
    channel, kind, language = key
    known = channel in TEXT_CHANNELS and kind in TEXT_KINDS and language in dict(texts.LANGUAGES)
    if not known:
        raise NotFoundError("There is no such text.")


def preview(site: Site, key: Key, own: Own | None) -> Shown:
    """The message as it would read, with example values."""
    channel, kind, language = key
    notice = _example(site.settings, kind, own)
    with texts.speaking(language):
        if channel == "sms":
            text = sms_text(notice)
            return Shown("", text, segments(text))
        message = compose(notice, _envelope(site.settings, "person@example.org"))
        plain = message.get_body(("plain",))
        assert plain is not None
        return Shown(str(message["Subject"]), plain.get_content(), 0)


def test_message(site: Site, key: Key, own: Own | None, to: str, now: datetime) -> EmailMessage:
    """The e-mail with example values, for somebody of the staff; its link leads nowhere."""
    _, kind, language = key
    with texts.speaking(language):
        return compose(_example(site.settings, kind, own), _envelope(site.settings, to, now))


def _example(settings: Settings, kind: str, own: Own | None) -> Notice:
    return Notice(
        check_ins=[EXAMPLE],
        reminder=kind == "reminder",
        site_name=settings.site_name,
        phone="",
        hours="",
        placeholder_notices=(),
        own=own,
    )


def _envelope(settings: Settings, to: str, at: datetime | None = None) -> Envelope:
    at = at or datetime(2027, 3, 10, 9, tzinfo=UTC)
    return Envelope(settings.mail_from, to, f"<example-{at.timestamp():.0f}@localhost>", at)


def checked(key: Key, subject: str, body: str) -> Own:
    """The text as it would be kept. Raises InputError by field, NotFoundError."""
    _known(key)
    own = Own(" ".join(subject.split()) if key[0] == "email" else "", _tidy(body))
    problems = {**_body_problems(key[0], own.body), **_subject_problems(key[0], subject)}
    if problems:
        raise InputError(problems)
    return own


def _tidy(body: str) -> str:
    lines = [line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _subject_problems(channel: str, subject: str) -> Mapping[str, str]:
    if channel != "email":
        return {}
    if not subject.strip():
        return {"subject": "Write a subject."}
    if len(subject) > LONGEST_SUBJECT or "\n" in subject or "\r" in subject:
        return {"subject": f"Use one line of at most {LONGEST_SUBJECT} characters."}
    if "<" in subject or FIELD.search(subject):
        return {"subject": "Use plain words: no markup and no placeholders."}
    return {}


def _body_problems(channel: str, body: str) -> Mapping[str, str]:
    unknown = [name for name in FIELD.findall(body) if name not in PLACEHOLDERS]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        return {"body": f"There is no {{{unknown[0]}}}. There are: {known}."}
    if "<" in body:
        return {"body": "Use plain words: no markup."}
    if len(body) > LONGEST[channel]:
        return {"body": f"Use at most {LONGEST[channel]} characters."}
    if body.count(LINK) != 1:
        return {"body": f"Put {LINK} in it, once: without it nobody can answer."}
    if channel == "email" and LINK not in body.split("\n"):
        return {"body": f"Put {LINK} on a line of its own: it becomes the button."}
    return {}


def save(site: Site, key: Key, subject: str, body: str, *, actor: str, now: datetime) -> None:
    """Keep a site's own text. Raises InputError by field, NotFoundError."""
    own = checked(key, subject, body)
    channel, kind, language = key
    with site.database.write() as session:
        row = MessageText(
            channel=channel,
            kind=kind,
            language=language,
            subject=own.subject,
            body=own.body,
            saved_by=actor,
            saved_at=now,
        )
        messagetexts.put_text(session, row)
        payload: dict[str, object] = {"text": list(key), "subject": own.subject, "body": own.body}
        trail.append(session, trail.SYSTEM, "message text saved", actor, now, payload)


def use_built_in(site: Site, key: Key, *, actor: str, now: datetime) -> None:
    """Go back to the built-in text. Raises NotFoundError."""
    _known(key)
    with site.database.write() as session:
        if messagetexts.remove_text(session, key):
            payload: dict[str, object] = {"text": list(key)}
            trail.append(session, trail.SYSTEM, "message text removed", actor, now, payload)
