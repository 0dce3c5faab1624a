"""Reaching a person: contacts and which comes first, language and time zone.

`channels` names the preferred kind of contact, then the one to fall back on at once when the first
is missing or was refused. Somebody who moves to another zone is prompted in the new one from the
next prompt on: what was sent is settled by its number, so nothing goes twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ..store import contacts, roster, trail
from ..store.contacts import EMAIL, PHONE, Known
from ..store.database import Session
from ..store.facts import course_contexts
from ..store.tables import Participant
from ..store.vault import CannotOpenError
from ..store.windows import lock_courses, refresh_windows
from ..store.wordings import languages_of
from ..texts import LANGUAGES, day
from .addresses import fault_of, masked, masked_phone, normal_phone, phone_fault
from .enrolment import append_all, the_person, zone_fault
from .errors import InputError
from .invitations import NO_KEY, NO_SMS, PRACTICE, Ways
from .pins import ask_where_shared
from .readmodels import ContactLine
from .site import Site

CHANNELS = {
    "email": "E-mail",
    "phone": "SMS",
    "email phone": "E-mail, and SMS where that fails",
    "phone email": "SMS, and e-mail where that fails",
}
LABELS = {EMAIL: "E-mail", PHONE: "Phone"}
LOOKED = "contacts looked at"


@dataclass(frozen=True)
class Contacts:
    """A person's contacts as typed; None: as it stands."""

    email: str | None = ""
    phone: str | None = ""
    channels: str = "email"


def contacts_of(site: Site, code: str) -> Contacts:
    """The whole contacts, not for anybody's eyes; what cannot be read is empty."""
    with site.database.read() as session:
        return _contacts(session, site, the_person(session, code))


def _contacts(session: Session, site: Site, person: Participant) -> Contacts:
    ways = Ways(session, site, contacts.sealed_of(session, [person.id]))
    found = {kind: _known(ways, person, kind) for kind in LABELS}
    values = {k: found.value if isinstance(found, Known) else "" for k, found in found.items()}
    return Contacts(values[EMAIL], values[PHONE], person.channels or EMAIL)


def masked_contacts(site: Site, code: str) -> Contacts:
    """The contacts so that they can be recognised but not copied. Raises NotFoundError."""
    known = contacts_of(site, code)
    email = masked(known.email) if known.email else ""
    return Contacts(email, masked_phone(known.phone) if known.phone else "", known.channels)


def show_contacts(site: Site, code: str, *, actor: str, now: datetime) -> Contacts:
    """The whole contacts, for somebody; the look is recorded. Raises NotFoundError."""
    with site.database.write() as session:
        person = the_person(session, code)
        ids = roster.course_ids_of(session, person.id)
        lock_courses(session, ids)
        contexts = course_contexts(session, site.library, ids)
        payload: dict[str, object] = {"what": "e-mail and phone", "person": code}
        chain = contexts[-1].course.chain if contexts else trail.SYSTEM
        trail.append(session, chain, LOOKED, actor, now, payload)
        return _contacts(session, site, person)


def set_contacts(site: Site, code: str, wish: Contacts, *, actor: str, now: datetime) -> list[str]:
    """Keep both contacts, removing what is empty and leaving what is None; what was refused is
    used again. Raises InputError by field, NotFoundError.

    The codes of everybody who shares one and is asked for a PIN from now on.
    """
    email = None if wish.email is None else wish.email.strip()
    phone = None if wish.phone is None else normal_phone(wish.phone.strip())
    values = {EMAIL: email, PHONE: phone}
    if problems := _problems(values, wish.channels):
        raise InputError(problems)
    with site.database.write() as session:
        person = the_person(session, code)
        ids = roster.course_ids_of(session, person.id)
        lock_courses(session, ids)
        stood = _contacts(session, site, person)
        put = {EMAIL: email or stood.email, PHONE: phone or stood.phone}
        for kind, value in values.items():
            if value is not None or put[kind]:  # what cannot be read stays as it is
                _keep(session, site, person.id, kind, put[kind] if value is None else value)
        person.channels = wish.channels
        session.flush()
        payload: dict[str, object] = {k: _told(v) for k, v in values.items()}
        payload["channels"] = wish.channels
        contexts = course_contexts(session, site.library, ids)
        append_all(session, contexts, "contact changed", actor, now, payload)
        roster.look_again(session, ids, now)
        asked = ask_where_shared(session, site, [v for v in values.values() if v], actor, now)
        refresh_windows(session, site.library, ids)
    return asked


def _told(value: str | None) -> str:
    """What the trail says of a contact: never itself."""
    if value is None:
        return "kept"
    return "set" if value else "none"


def _keep(session: Session, site: Site, person_id: int, kind: str, value: str | None) -> None:
    if value:
        contacts.put_contact(session, site.vault, person_id, kind, value)
    else:
        contacts.remove_contact(session, person_id, kind)


def _problems(values: dict[str, str | None], channels: str) -> dict[str, str]:
    problems: dict[str, str] = {}
    if (email := values[EMAIL]) and (fault := fault_of(email)):
        problems["email"] = fault
    if (phone := values[PHONE]) and (fault := phone_fault(phone)):
        problems["phone"] = fault
    if channels not in CHANNELS:
        problems["channels"] = "Choose how to reach this person."
    return problems


def contact_lines(
    site: Site, ways: Ways, person: Participant, *, practice: bool
) -> tuple[ContactLine, ...]:
    """A line for each contact on record, or for what is missing of the chosen channels."""
    wanted = (person.channels or EMAIL).split()
    lines: list[ContactLine] = []
    for kind, label in LABELS.items():
        known = _known(ways, person, kind)
        if known == NO_KEY:
            lines.append(ContactLine(label, "", NO_KEY))
        elif isinstance(known, Known):
            value = masked_phone(known.value) if kind == PHONE else masked(known.value)
            note = _note(site, ways, kind, known, practice=practice)
            lines.append(ContactLine(label, value, note))
        elif kind in wanted:
            lines.append(ContactLine(label, "None on record", ""))
    return tuple(lines)


def _known(ways: Ways, person: Participant, kind: str) -> Known | str | None:
    try:
        return ways.known(person.id, kind)
    except CannotOpenError:
        return NO_KEY


def _note(site: Site, ways: Ways, kind: str, known: Known, *, practice: bool) -> str:
    if known.refused_why and known.refused_at:
        return f"Nothing is sent here since {day(known.refused_at.date())}: {known.refused_why}."
    if practice and not ways.practice_accepts(kind, known.value):
        return f"Messages are held: {PRACTICE}."
    if kind == PHONE and not site.settings.sms_url:
        return f"{NO_SMS}: see SURVEYAPP_SMS_URL."
    return ""


def set_language_and_zone(
    site: Site, code: str, language: str, zone: str, *, actor: str, now: datetime
) -> None:
    """Keep a person's language and time zone. Raises InputError by field, NotFoundError."""
    problems: dict[str, str] = {}
    if language not in dict(LANGUAGES):
        problems["language"] = "Choose one of the languages."
    if fault := zone_fault(zone.strip()):
        problems["time_zone"] = fault
    if problems:
        raise InputError(problems)
    with site.database.write() as session:
        person = the_person(session, code)
        ids = roster.course_ids_of(session, person.id)
        lock_courses(session, ids)
        contexts = course_contexts(session, site.library, ids)
        limits = [languages_of(session, study) for study in {c.study.id for c in contexts}]
        if any(limit and language not in limit for limit in limits):
            raise InputError({"language": "A study of this person does not have this language."})
        payload: dict[str, object] = {
            "language": [person.language, language],
            "time_zone": [person.time_zone, zone.strip()],
        }
        person.language, person.time_zone = language, zone.strip()
        session.flush()
        contexts = course_contexts(session, site.library, ids)
        append_all(session, contexts, "language and zone set", actor, now, payload)
        roster.look_again(session, ids, now)
        refresh_windows(session, site.library, ids)
