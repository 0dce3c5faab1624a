"""Invitations: whom a message goes to, and what it says.

Held here, besides what `study.schedule` holds: no address; and in a practice study every address
that is neither a staff account's nor under a name reserved for tests.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parseaddr

from .. import texts
from ..delivery.message import CheckIn, Envelope, Notice, compose
from ..store import contacts, links
from ..store.database import Session
from ..store.facts import CourseContext
from ..store.prompts import Key, staff_addresses
from ..store.vault import CannotOpenError
from ..study.protocol import Timepoint
from ..study.schedule import Hold, window_of
from .site import Site

RESERVED_TOP = (".test", ".example", ".invalid")
RESERVED = ("example.org", "example.com", "example.net")
NO_ADDRESS = "no e-mail address on record"
NO_KEY = "the contact key for this address is not configured"
PRACTICE = "practice study: sends only to staff and test addresses"


@dataclass(frozen=True)
class Invited:
    """One claimed prompt: the course, the timepoint and the prompt's number."""

    context: CourseContext
    timepoint: Timepoint
    number: int

    @property
    def key(self) -> Key:
        return self.context.course_id, self.timepoint.id


def recipient(session: Session, site: Site, context: CourseContext) -> str | Hold:
    """The person's address, or why it may not be used."""
    try:
        address = contacts.email_of(session, site.vault, context.participant.id)
    except CannotOpenError:
        return Hold(NO_KEY)
    if address is None:
        return Hold(NO_ADDRESS)
    if context.study.mode == "practice" and not practice_allows(session, address):
        return Hold(PRACTICE)
    return address


def practice_allows(session: Session, address: str) -> bool:
    """Whether a practice study may send to this address."""
    domain = address.rpartition("@")[2].lower()
    if domain.endswith(RESERVED_TOP) or domain in RESERVED:
        return True
    if domain.endswith(tuple(f".{name}" for name in RESERVED)):
        return True
    return address.lower() in staff_addresses(session)


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
    address: str,
    identity: str,
    now: datetime,
) -> EmailMessage:
    """One message for all of one person's check-ins, the one that closes last first."""
    study = invited[-1].context.study
    notice = Notice(
        check_ins=[_check_in(session, site, item) for item in reversed(invited)],
        reminder=all(item.number > 0 for item in invited),
        site_name=site.settings.site_name,
        phone=study.phone,
        hours=study.hours,
        placeholder_notices=_placeholder_notices(site, invited),
    )
    envelope = Envelope(site.settings.mail_from, address, identity, now)
    with texts.speaking(invited[0].context.participant.language):
        return compose(notice, envelope)


def _check_in(session: Session, site: Site, item: Invited) -> CheckIn:
    token = links.ensure_link(session, site.link_key, *item.key)
    window = window_of(item.timepoint, item.context.facts)
    assert window is not None
    minutes = sum(site.library.instruments[i].minutes for i in item.timepoint.instruments)
    return CheckIn(site.settings.link(f"s/{token}"), minutes, window.closes)


def _placeholder_notices(site: Site, invited: Sequence[Invited]) -> list[str]:
    language = invited[0].context.participant.language
    names = dict.fromkeys(name for item in invited for name in item.timepoint.instruments)
    wordings = [site.library.instruments[name].wording(language) for name in names]
    return [wording.notice for wording in wordings if wording.placeholder and wording.notice]
