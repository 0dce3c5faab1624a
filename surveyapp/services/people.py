"""People: adding participants to a retreat, one by one or pasted, all of them or none.

Somebody whose code is known gets the next course number; what is left empty for them stays as it
was. A dosing day that the retreat has becomes theirs, planned.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ..store import contacts, roster, studies, trail, wordings
from ..store.database import Session
from ..store.scopes import Scope, people_outside
from ..store.tables import Participant, Retreat
from ..store.windows import refresh_windows
from . import erasing, freezing, permissions
from .addresses import fault_of
from .enrolment import CODE, LANGUAGE, the_retreat, the_study, zone_fault
from .errors import InputError
from .invitations import practice_allows
from .pins import ask_where_shared
from .site import Site

MOST = 500
HELD_NOTE = "practice: prompts to this address are held"
SHARED_NOTE = "somebody else has this address: both are asked for a PIN"
FIELDS = ("code", "email", "language", "time_zone")


@dataclass(frozen=True)
class NewPerson:
    """One person as typed; empty language and zone mean English and the retreat's zone."""

    code: str
    email: str = ""
    language: str = ""
    time_zone: str = ""
    line: int = 0


@dataclass(frozen=True)
class Planned:
    """One person as they would be added; `number` is their course's."""

    line: int
    code: str
    email: str
    language: str
    time_zone: str
    number: int
    note: str


def parse_people(text: str) -> list[NewPerson]:
    """Pasted lines `code, email[, language, zone]`; commas, semicolons or tabs between.

    Raises InputError naming each line that has too many parts.
    """
    people: list[NewPerson] = []
    problems: dict[str, str] = {}
    for line, row in enumerate(text.splitlines(), start=1):
        parts = _parts(row)
        if not any(parts) or (line == 1 and parts[0].lower() in ("code", "participant")):
            continue
        if len(parts) > len(FIELDS):
            problems[f"line {line}"] = "more than code, e-mail, language and time zone."
            continue
        code, email, language, zone = (*parts, "", "", "")[: len(FIELDS)]
        people.append(NewPerson(code, email, language, zone, line))
    if problems:
        raise _in_rows(problems)
    if not people:
        raise InputError({"rows": "Write one person a line, for example W26-01, first@example.org"})
    if len(people) > MOST:
        raise InputError({"rows": f"Add at most {MOST} people at a time."})
    return people


def _parts(row: str) -> list[str]:
    delimiter = next((mark for mark in ("\t", ";") if mark in row), ",")
    try:
        cells = next(csv.reader(io.StringIO(row), delimiter=delimiter), [""])
    except csv.Error:
        cells = row.split(delimiter)
    return [cell.strip() for cell in cells]


def preview_people(
    site: Site,
    retreat_id: int,
    people: Sequence[NewPerson],
    now: datetime,
    scope: Scope = None,
) -> list[Planned]:
    """What adding would do. Raises InputError with every bad line."""
    with site.database.read() as session:
        retreat = the_retreat(session, retreat_id)
        planned = _plan_lines(site, session, retreat, people, scope)
        permissions.refuse_enrolment(session, site, retreat, _languages(planned), now)
        return planned


def add_people(
    site: Site,
    retreat_id: int,
    people: Sequence[NewPerson],
    scope: Scope = None,
    *,
    actor: str,
    now: datetime,
) -> list[Planned]:
    """Add everybody, or nobody. Raises InputError with every bad line."""
    with site.database.write() as session:
        retreat = the_retreat(session, retreat_id)
        planned = _plan_lines(site, session, retreat, people, scope)
        permissions.refuse_enrolment(session, site, retreat, _languages(planned), now)
        _enrol(site, session, retreat, planned, actor, now)
        return planned


def add_person(
    site: Site,
    retreat_id: int,
    person: NewPerson,
    scope: Scope = None,
    *,
    actor: str,
    now: datetime,
) -> Planned:
    """Add one person. Somebody of other retreats alone is not taken in by their code: whoever does
    it would see those courses. Raises InputError by field."""
    person = NewPerson(
        person.code.strip(), person.email.strip(), person.language.strip(), person.time_zone.strip()
    )
    with site.database.write() as session:
        retreat = the_retreat(session, retreat_id)
        planning = _Planning(site, session, retreat, [person], scope)
        planned, problems = planning.plan(person)
        if problems:
            raise InputError(problems)
        permissions.refuse_enrolment(session, site, retreat, _languages([planned]), now)
        _enrol(site, session, retreat, [planned], actor, now)
        return planned


def _languages(planned: Iterable[Planned]) -> set[str]:
    return {plan.language for plan in planned}


def add_course(site: Site, code: str, retreat_id: int, *, actor: str, now: datetime) -> int:
    """The next course of somebody who is known; its number. Raises InputError."""
    return add_person(site, retreat_id, NewPerson(code), actor=actor, now=now).number


def _plan_lines(
    site: Site, session: Session, retreat: Retreat, people: Sequence[NewPerson], scope: Scope
) -> list[Planned]:
    planning = _Planning(site, session, retreat, people, scope)
    planned: list[Planned] = []
    problems: dict[str, str] = {}
    for person in people:
        plan, found = planning.plan(person)
        planned.append(plan)
        if found:
            problems[f"line {person.line}"] = " ".join(found.values())
    if problems:
        raise _in_rows(problems)
    return planned


def _in_rows(problems: Mapping[str, str]) -> InputError:
    return InputError({name: f"{name.capitalize()}: {text}" for name, text in problems.items()})


class _Planning:
    """What is known of the codes, asked once."""

    def __init__(
        self,
        site: Site,
        session: Session,
        retreat: Retreat,
        people: Iterable[NewPerson],
        scope: Scope,
    ) -> None:
        people = list(people)
        codes = [person.code for person in people]
        self._retreat = retreat
        self._known = roster.participants_like(session, codes)
        ids = [person.id for person in self._known.values()]
        self._numbers = roster.last_numbers(session, ids)
        found = [person.code for person in self._known.values()]
        self._outside = people_outside(session, found, scope)
        self._erased = erasing.erased_codes(site, session, codes)
        self._here = roster.participant_ids(session, retreat.id)
        self._session = session
        self._vault = site.vault
        self._addresses = Counter(site.vault.lookup(p.email) for p in people if p.email)
        self._seen: set[str] = set()
        study = the_study(session, retreat.study_id)
        self._live = study.mode == "live"
        modes = studies.modes_of(session, ids)
        self._elsewhere = {person for person, found in modes.items() if found != {study.mode}}
        self._limit = wordings.languages_of(session, study.id)

    def plan(self, person: NewPerson) -> tuple[Planned, dict[str, str]]:
        """The person as they would be added, and what is wrong by field."""
        known = self._known.get(person.code.lower())
        if known and known.code in self._outside:
            taken = {"code": f"The code {person.code} is taken. Choose another."}
            return _as_typed(person), taken
        planned = Planned(
            line=person.line,
            code=person.code,
            email=person.email,
            language=person.language or (known.language if known else "en"),
            time_zone=person.time_zone or (known.time_zone if known else self._retreat.time_zone),
            number=self._numbers.get(known.id, 0) + 1 if known else 1,
            note=self._note(person.email, known),
        )
        problems = self._problems(planned, known)
        self._seen.add(person.code.lower())
        return planned, problems

    def _note(self, email: str, known: Participant | None) -> str:
        if not email:
            return ""
        held = not self._live and not practice_allows(self._session, email)
        notes = (HELD_NOTE if held else "", SHARED_NOTE if self._shared(email, known) else "")
        return "; ".join(filter(None, notes))

    def _shared(self, email: str, known: Participant | None) -> bool:
        here = self._addresses[self._vault.lookup(email)] > 1
        others = contacts.participants_sharing(self._session, self._vault, email)
        return here or any(known is None or other != known.id for other in others)

    def _problems(self, planned: Planned, known: Participant | None) -> dict[str, str]:
        problems: dict[str, str] = {}
        if fault := self._code_fault(planned.code, known):
            problems["code"] = fault
        if planned.email and (fault := fault_of(planned.email)):
            problems["email"] = fault
        if not LANGUAGE.fullmatch(planned.language):
            problems["language"] = "Write a language code such as en."
        elif self._limit and planned.language not in self._limit:
            problems["language"] = f"This study has the languages {', '.join(self._limit)}."
        if fault := zone_fault(planned.time_zone):
            problems["time_zone"] = fault
        return problems

    def _code_fault(self, code: str, known: Participant | None) -> str | None:
        if not code:
            return "Give a study code."
        if not CODE.fullmatch(code):
            return f"{code!r} is not a study code: letters, digits, dots and hyphens, at most 40."
        if code in self._erased:
            return f"{code} {erasing.WAS_ERASED}"
        if code.lower() in self._seen:
            return f"{code} stands here twice."
        if known and known.code != code:
            return (
                f"The code {known.code} is already used; write it the same way or choose another."
            )
        if known and known.id in self._elsewhere:
            kinds = ("practice", "live") if self._live else ("live", "practice")
            return (
                f"{code} is in a {kinds[0]} study, and data never pass between practice and live. "
                f"Choose another code for the {kinds[1]} study."
            )
        if known and known.id in self._here:
            return f"{code} is already in {self._retreat.name}."
        return None


def _as_typed(person: NewPerson) -> Planned:
    """Nothing is told of whom the code belongs to."""
    return Planned(person.line, person.code, person.email, person.language, person.time_zone, 1, "")


def _enrol(
    site: Site,
    session: Session,
    retreat: Retreat,
    planned: Sequence[Planned],
    actor: str,
    now: datetime,
) -> None:
    dates = {anchor: on for (_, anchor), on in roster.retreat_dates(session, [retreat.id]).items()}
    touched: list[int] = []
    for plan in planned:
        person = _person(session, plan, now)
        if plan.email:
            contacts.put_email(session, site.vault, person.id, plan.email)
            # What was held for want of an address in an earlier course need not wait any more.
            roster.look_again(session, roster.course_ids_of(session, person.id), now)
        _course(session, person, retreat, plan, dates, actor, now)
        touched += roster.course_ids_of(session, person.id)
    freezing.pin_new(session, site.library, actor, now)
    wordings.pin_new(session, site.library, now)
    ask_where_shared(session, site, [p.email for p in planned if p.email], actor, now)
    refresh_windows(session, site.library, touched)


def _person(session: Session, plan: Planned, now: datetime) -> Participant:
    found = roster.participant(session, plan.code)
    if found is None:
        return roster.add_participant(session, plan.code, plan.language, plan.time_zone, now)
    found.language, found.time_zone = plan.language, plan.time_zone
    return found


def _course(
    session: Session,
    person: Participant,
    retreat: Retreat,
    plan: Planned,
    dates: Mapping[str, date],
    actor: str,
    now: datetime,
) -> None:
    course = roster.add_course(session, person.id, retreat.id, plan.number, now)
    for anchor, on in dates.items():
        roster.set_anchor(session, course.id, anchor, on)
    payload = {
        "code": person.code,
        "number": plan.number,
        "retreat": retreat.name,
        "language": person.language,
        "time_zone": person.time_zone,
        "email": "set" if plan.email else "none",
        "anchors": {anchor: on.isoformat() for anchor, on in dates.items()},
    }
    trail.append(session, course.chain, "course added", actor, now, payload)
