"""The hand-over screen: who may answer on a retreat's tablet, and what is open for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ..store import pins as pin_store
from ..store import roster
from ..store.database import Session
from ..store.facts import course_contexts
from ..store.links import ensure_link
from ..study.schedule import state_of, window_of
from . import pins
from .enrolment import the_retreat, the_study
from .phonepages import Lines
from .pins import PinError
from .site import Site
from .visits import OPEN_STATES, lines_of


@dataclass(frozen=True)
class Screen:
    """What the screen itself needs to know of its retreat."""

    zone: str
    lines: Lines


def screen(site: Site, retreat_id: int) -> Screen:
    """Raises NotFoundError."""
    with site.database.read() as session:
        retreat = the_retreat(session, retreat_id)
        return Screen(retreat.time_zone, lines_of(the_study(session, retreat.study_id)))


def admit(site: Site, retreat_id: int, code: str, pin: str, now: datetime) -> str | None:
    """The token of the check-in that closes first, None when none is open. Raises PinError."""
    if not pins.normal(pin):
        raise PinError
    with site.database.read() as session:
        person = _person(session, retreat_id, code.strip())
    if person is None:
        pins.refuse_unknown(site, now)
        return None
    pins.check(site, person, pin, now)
    with site.database.write() as session:
        return _open_token(site, session, retreat_id, person, now)


def _person(session: Session, retreat_id: int, code: str) -> int | None:
    """Somebody of this retreat who has a PIN."""
    found = roster.participants_like(session, [code]).get(code.lower())
    here = found is not None and found.id in roster.participant_ids(session, retreat_id)
    known = found is not None and pin_store.find_pin(session, found.id) is not None
    return found.id if found and here and known else None


def _open_token(
    site: Site, session: Session, retreat_id: int, person: int, now: datetime
) -> str | None:
    mine = roster.course_ids_of(session, person)
    here = set(mine) & set(roster.course_ids(session, retreat_id))
    found: list[tuple[date, int, str]] = []
    for context in course_contexts(session, site.library, sorted(here)):
        for timepoint in context.protocol.timepoints:
            window = window_of(timepoint, context.facts)
            if window and state_of(timepoint, context.facts, now) in OPEN_STATES:
                found.append((window.closes, context.course_id, timepoint.id))
    if not found:
        return None
    _closes, course, timepoint = min(found)
    return ensure_link(session, site.link_key, course, timepoint)
