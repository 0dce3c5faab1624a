"""Invitations: whom a message goes to, and what it says.

Held here, besides what `study.schedule` holds: no address; in a practice study every address
that is neither a staff account's nor under a name reserved for tests; what no permission covers.
"""

from __future__ import annotations

import functools
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

from .. import texts
from ..delivery.message import CheckIn, Envelope, Notice, Own, compose, sms_text
from ..store import contacts, instance, links, messagetexts
from ..store.contacts import Known
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.messagetexts import Key as TextKey
from ..store.prompts import Key, staff_addresses
from ..store.tables import Participant
from ..store.vault import CannotOpenError
from ..study.instrument import Wording
from ..study.protocol import Timepoint
from ..study.schedule import Hold, window_of
from .addresses import is_writable
from .permissions import KeptBack, Permits
from .site import Site

RESERVED_TOP = (".test", ".example", ".invalid")
RESERVED = ("example.org", "example.com", "example.net")
PRACTICE = "practice study: sends only to staff and test addresses"
NO_PHONE = "no phone number on record"
NO_SMS = "SMS is not set up"
TEST_PHONES = re.compile(r"\+1[0-9]{3}55501[0-9]{2}|\+447700900[0-9]{3}")
NAMES = {contacts.EMAIL: "e-mail address", contacts.PHONE: "phone number"}
REFUSED = "takes no messages"
NOT_WRITABLE = "the e-mail address is not one that mail servers take"
CONTACT_HOLDS = (NOT_WRITABLE, NO_PHONE, NO_SMS, PRACTICE)
DEFAULT_CHANNELS = contacts.EMAIL
NO_ADDRESS = "no e-mail address on record"
NO_KEY = "the contact key for this address is not configured"


@dataclass(frozen=True)
class Invited:
    """One claimed prompt: the course, the timepoint and the prompt's number."""

    context: CourseContext
    timepoint: Timepoint
    number: int

    @property
    def key(self) -> Key:
        return self.context.course_id, self.timepoint.id


@dataclass(frozen=True)
class Route:
    """How a person is reached: the kind of contact and the contact itself."""

    kind: str
    to: str


def channels(person: Participant) -> list[str]:
    """The kinds of contact by which this person is reached, the preferred one first."""
    return (person.channels or DEFAULT_CHANNELS).split()


class Ways:
    """By which ways some people may be reached. Each thing is asked for once, however many."""

    def __init__(
        self, session: Session, site: Site, rows: Iterable[Any], permits: Permits | None = None
    ) -> None:
        """`rows` are the people's contacts as they are kept."""
        self._session, self._site = session, site
        self._rows = {(row.participant_id, row.kind): row for row in rows}
        self.permits = permits or Permits(session, site, limited_only=True)

    @classmethod
    def of(
        cls,
        session: Session,
        site: Site,
        contexts: Iterable[CourseContext],
        permits: Permits | None = None,
    ) -> Ways:
        people = {context.participant.id for context in contexts}
        return cls(session, site, contacts.sealed_of(session, people), permits)

    def kept_back(self, context: CourseContext) -> KeptBack:
        """What keeps messages from this person besides the schedule: all messages are held, there
        is no way to reach them, or a wording may not be used."""
        if self._held is not None:
            return KeptBack(self._held, self.permits)
        way = self.route(context)
        return KeptBack(way if isinstance(way, Hold) else None, self.permits)

    def route(self, context: CourseContext) -> Route | Hold:
        """The first of the person's channels that may be used, or why the preferred one may not."""
        found = [self._by(context, kind) for kind in channels(context.participant)]
        return next((way for way in found if isinstance(way, Route)), found[0])

    def known(self, person_id: int, kind: str) -> Known | None:
        """Raises CannotOpenError."""
        row = self._rows.get((person_id, kind))
        return contacts.opened(self._site.vault, row) if row is not None else None

    @functools.cached_property
    def _held(self) -> Hold | None:
        row = instance.instance(self._session)
        held = row is not None and row.held
        return Hold(f"all messages are held, because {row.why}") if row and held else None

    @functools.cached_property
    def _staff(self) -> set[str]:
        return staff_addresses(self._session)

    def _by(self, context: CourseContext, kind: str) -> Route | Hold:
        try:
            known = self.known(context.participant.id, kind)
        except CannotOpenError:
            return Hold(NO_KEY)
        if known is None:
            return Hold(NO_PHONE if kind == contacts.PHONE else NO_ADDRESS)
        if kind == contacts.EMAIL and not is_writable(known.value):
            return Hold(NOT_WRITABLE)
        if known.refused_why:
            return Hold(f"the {NAMES[kind]} {REFUSED} ({known.refused_why})")
        if context.study.mode == "practice" and not self.practice_accepts(kind, known.value):
            return Hold(PRACTICE)
        if kind == contacts.PHONE and not self._site.settings.sms_url:
            return Hold(NO_SMS)
        return Route(kind, known.value)

    def practice_accepts(self, kind: str, value: str) -> bool:
        """Whether a practice study may write to this contact: what nobody owns, and staff."""
        if kind == contacts.PHONE:
            return TEST_PHONES.fullmatch(value) is not None
        return is_nobodys(value) or value.lower() in self._staff


def practice_allows(session: Session, address: str) -> bool:
    """Whether a practice study may send to this address."""
    return is_nobodys(address) or address.lower() in staff_addresses(session)


def is_nobodys(address: str) -> bool:
    """Whether the address lies under a name that is reserved for tests."""
    domain = address.rpartition("@")[2].lower()
    reserved = tuple(f".{name}" for name in RESERVED)
    return domain in RESERVED or domain.endswith((*RESERVED_TOP, *reserved))


def message_id(site: Site, key: Key, number: int, revision: int) -> str:
    """The same for every try of one prompt, and nothing to be read from it."""
    text = f"{key[0]}|{key[1]}|{number}|{revision}"
    name = hmac.new(site.keys.derive("message ids"), text.encode(), "sha256").hexdigest()[:32]
    domain = parseaddr(site.settings.mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<{name}@{domain}>"


def write(
    session: Session,
    site: Site,
    invited: Sequence[Invited],
    way: Route,
    own: Mapping[TextKey, Own],
    identity: str,
    now: datetime,
) -> EmailMessage | str:
    """One message for all of one person's check-ins, the one that closes last first; a phone
    gets plain text. `own` are the site's own texts."""
    study = invited[-1].context.study
    notice = Notice(
        check_ins=[_check_in(session, site, item) for item in reversed(invited)],
        reminder=all(item.number > 0 for item in invited),
        site_name=site.settings.site_name,
        phone=study.phone,
        hours=study.hours,
        placeholder_notices=stand_in_notices(
            item.context.wording(name) for item in invited for name in item.timepoint.instruments
        ),
        own=own.get(_text_key(invited, way)),
    )
    with texts.speaking(invited[0].context.participant.language):
        if way.kind == contacts.PHONE:
            return sms_text(notice)
        return compose(notice, Envelope(site.settings.mail_from, way.to, identity, now))


def _check_in(session: Session, site: Site, item: Invited) -> CheckIn:
    token = links.ensure_link(session, site.link_key, *item.key)
    window = window_of(item.timepoint, item.context.facts)
    assert window is not None
    minutes = sum(item.context.instruments[i].minutes for i in item.timepoint.instruments)
    return CheckIn(site.settings.link(f"s/{token}"), minutes, window.closes)


def _text_key(invited: Sequence[Invited], way: Route) -> TextKey:
    channel = "sms" if way.kind == contacts.PHONE else "email"
    kind = "reminder" if all(item.number > 0 for item in invited) else "invitation"
    return channel, kind, invited[0].context.participant.language


def own_texts(session: Session) -> dict[TextKey, Own]:
    """Every text that the site wrote itself."""
    rows = messagetexts.own_texts(session)
    return {(row.channel, row.kind, row.language): Own(row.subject, row.body) for row in rows}


def stand_in_notices(wordings: Iterable[Wording]) -> list[str]:
    """What messages must say of wordings that are stand-ins, each once."""
    told = (w.notice for w in wordings if w.placeholder and w.notice)
    return list(dict.fromkeys(told))
