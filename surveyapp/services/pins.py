"""PINs: six digits that tell people apart who share an address or a tablet.

Wrong tries are limited for each person and for nobody else: never by address, so that a house
full of people behind one router is not locked out. A try is counted in a transaction of its own,
with the person's row held, so that a refusal still counts and no two at once get extra tries.
"""

from __future__ import annotations

import hmac
import itertools
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .. import texts
from ..store import contacts, pins, roster, trail
from ..store.database import Session
from ..store.tables import Participant
from ..store.tables_entry import Pin
from ..store.vault import CannotOpenError
from ..store.windows import lock_courses
from .enrolment import shown
from .errors import NotFoundError, RefusedError
from .site import Site

DIGITS = 6
FREE_TRIES = 5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
PERSON, ENTRANCE = "participant", "hand-over screen"
WRONG = texts.marked("That PIN is not right. Please try again, or ask the study team.")
_NOBODY = "000000"


class PinError(RefusedError):
    """The PIN was not right, or it is too early to try again in `minutes` (else 0)."""

    def __init__(self, minutes: int = 0) -> None:
        self.minutes = minutes
        super().__init__("too many tries" if minutes else WRONG)

    def sentence(self) -> str:
        """For the person, in the language that is spoken."""
        if not self.minutes:
            return texts.gettext(WRONG)
        return texts.ngettext(
            "Too many tries. Please wait %(n)s minute, or ask the study team.",
            "Too many tries. Please wait %(n)s minutes, or ask the study team.",
            self.minutes,
        ) % {"n": self.minutes}


@dataclass(frozen=True)
class PinState:
    """What staff see of a person's PIN without looking at it; `waits` until then, if at all."""

    asked: bool
    waits: datetime | None


def new_pin() -> str:
    """Six digits that are not trivially weak."""
    while True:
        digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        if not is_weak(digits):
            return digits


def is_weak(digits: str) -> bool:
    """Repeats of one, two or three digits, and rows up or down."""
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(digits)}
    repeats = digits in (digits[:2] * 3, digits[:3] * 2)
    return repeats or steps in ({0}, {1}, {9}) or len(set(digits)) < 3


def pause(wrong: int) -> timedelta:
    """How long to wait after so many wrong tries in a row."""
    if wrong < FREE_TRIES:
        return timedelta(0)
    doublings = min(wrong - FREE_TRIES, 10)
    return min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)


def waits_until(wrong: int, tried_at: datetime | None, now: datetime) -> datetime | None:
    """When the next try is taken, None when one is taken now."""
    until = tried_at + pause(wrong) if tried_at else now
    return until if until > now else None


def normal(typed: str) -> str:
    """The digits of what was typed, in any script, without blanks and hyphens."""
    return "".join(str(unicodedata.decimal(c)) for c in typed[:40] if c.isdecimal())


def check(site: Site, participant_id: int, typed: str, now: datetime) -> None:
    """Take one try. Raises PinError; a try with any digit is counted all the same."""
    if not normal(typed):
        raise PinError
    with site.database.write() as session:
        course = pins.newest_courses(session, [participant_id]).get(participant_id)
        # The course before the PIN, in the order in which everybody else locks them.
        lock_courses(session, [course.id] if course else [])
        pin = pins.lock_pin(session, participant_id)
        error = _try(site, pin, typed, now)
        if pin is not None and (error is None or not error.minutes):
            _count(session, pin, course.chain if course else trail.SYSTEM, error is None, now)
    if error is not None:
        raise error


def refuse_unknown(site: Site, now: datetime) -> None:
    """As much work as a wrong PIN, for a code that has none. Raises PinError; locks nobody."""
    with site.database.write() as session:
        sealed = site.vault.seal(_NOBODY, ENTRANCE)
        hmac.compare_digest(site.vault.open(sealed, ENTRANCE), "")
        trail.append(session, trail.SYSTEM, "unknown code tried", ENTRANCE, now, {})
    raise PinError


def _try(site: Site, pin: Pin | None, typed: str, now: datetime) -> PinError | None:
    if pin is None:
        return PinError()
    until = waits_until(pin.wrong, pin.tried_at, now)
    if until is not None:
        return PinError(-((now - until) // timedelta(minutes=1)))
    try:
        right = pins.digits_of(site.vault, pin)
    except CannotOpenError:
        return PinError()
    return None if hmac.compare_digest(right, normal(typed)) else PinError()


def _count(session: Session, pin: Pin, chain: str, right: bool, now: datetime) -> None:
    if right and not pin.wrong:
        return
    pin.wrong = 0 if right else pin.wrong + 1
    pin.tried_at = now
    kind = "right PIN after wrong ones" if right else "wrong PIN"
    trail.append(session, chain, kind, PERSON, now, {"wrong": pin.wrong})


def asks(session: Session, participant_id: int) -> bool:
    """Whether a link of this person asks for a PIN."""
    pin = pins.find_pin(session, participant_id)
    return pin is not None and pin.asked


def state_of_pin(rows: Sequence[Pin], now: datetime) -> PinState | None:
    """From a person's row of the PINs, if there is one."""
    pin = next(iter(rows), None)
    return PinState(pin.asked, waits_until(pin.wrong, pin.tried_at, now)) if pin else None


def give_pin(site: Site, code: str, *, asked: bool, actor: str, now: datetime) -> None:
    """A PIN for somebody; one who has one keeps it, and is asked for it or not any more."""
    with site.database.write() as session:
        person = _person(session, code)
        _give(session, site, [person.id], asked, actor, now)


def renew_pin(site: Site, code: str, *, actor: str, now: datetime) -> None:
    """Another PIN, with no wrong try counted. Raises NotFoundError when there was none."""
    with site.database.write() as session:
        person = _person(session, code)
        chain = _chains(session, [person.id])[person.id]
        pin = pins.lock_pin(session, person.id)
        if pin is None:
            raise NotFoundError(f"{code} has no PIN.")
        pins.put_pin(session, site.vault, person.id, new_pin(), pin.asked, now)
        trail.append(session, chain, "PIN renewed", actor, now, {"asked": pin.asked})


def show_pin(site: Site, code: str, *, actor: str, now: datetime) -> str:
    """The PIN itself; the look is recorded. Raises NotFoundError."""
    with site.database.write() as session:
        person = _person(session, code)
        chain = _chains(session, [person.id])[person.id]
        pin = pins.find_pin(session, person.id)
        if pin is None:
            raise NotFoundError(f"{code} has no PIN.")
        trail.append(session, chain, "contacts looked at", actor, now, {"what": "PIN"})
        try:
            return pins.digits_of(site.vault, pin)
        except CannotOpenError as error:
            raise RefusedError("This PIN cannot be read with the keys given. Renew it.") from error


def give_everybody(site: Site, retreat_id: int, *, actor: str, now: datetime) -> int:
    """A PIN for tablets to everybody of a retreat who has none; how many that were."""
    with site.database.write() as session:
        people = roster.participant_ids(session, retreat_id)
        without = sorted(people - pins.pins_of(session, people).keys())
        _give(session, site, without, False, actor, now)
        return len(without)


def without_pin(site: Site, retreat_id: int) -> int:
    """How many people of a retreat have no PIN and so cannot use its tablet."""
    with site.database.read() as session:
        people = roster.participant_ids(session, retreat_id)
        return len(people - pins.pins_of(session, people).keys())


def ask_where_shared(
    session: Session, site: Site, addresses: Collection[str], actor: str, now: datetime
) -> list[str]:
    """Ask everybody for a PIN whose address is another's too; the codes, in order.

    In the transaction that set the addresses.
    """
    found: set[int] = set()
    for address in dict.fromkeys(addresses):
        people = contacts.participants_sharing(session, site.vault, address)
        found.update(people if len(people) > 1 else ())
    _give(session, site, sorted(found), True, actor, now)
    return roster.codes_of(session, found)


def _give(
    session: Session, site: Site, people: Sequence[int], asked: bool, actor: str, now: datetime
) -> None:
    chains = _chains(session, people)
    known = pins.pins_of(session, people)
    for person in people:
        pin = known.get(person)
        if pin is None:
            pins.put_pin(session, site.vault, person, new_pin(), asked, now)
            trail.append(session, chains[person], "PIN given", actor, now, {"asked": asked})
        elif pin.asked != asked:
            pin.asked = asked
            trail.append(session, chains[person], "PIN asked", actor, now, {"asked": asked})


def _person(session: Session, code: str) -> Participant:
    found = roster.participant(session, code)
    if found is None:
        raise NotFoundError(f"There is nobody with the study code {shown(code)}.")
    return found


def _chains(session: Session, people: Sequence[int]) -> dict[int, str]:
    """The chain of each person's newest course, its row locked."""
    courses = pins.newest_courses(session, people)
    lock_courses(session, [course.id for course in courses.values()])
    return {p: courses[p].chain if p in courses else trail.SYSTEM for p in people}
