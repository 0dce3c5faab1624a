"""Safety log: adverse events one by one or by a checklist, and blood pressure on the dosing day.

An event is known by course, term and start. Everything written is in the trail of the course, a
change with what stood before. Of two people who change the same event the second is told what the
first changed. Nothing here moves a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any

from ..store import safety as store
from ..store import trail
from ..store.database import Session
from ..store.facts import CourseContext, read_person
from ..store.records import RECORDS, people_from
from ..store.tables import AdverseEvent
from ..store.windows import lock_courses
from ..study.record import Course
from ..study.safety import (
    ACTIONS,
    EXPECTED,
    GRADES,
    OUTCOMES,
    RELATEDNESS,
    SOURCES,
    began_before,
)
from ..study.schedule import instant
from ..texts import day, moment
from .dates import year_fault
from .enrolment import the_course
from .errors import InputError, NotFoundError, StaleError
from .site import Site

LONGEST_TERM, LONGEST_NOTE = 200, 1000
DEATH = 5
NAMES = {
    "term": "the event",
    "started_at": "its start",
    "ended_at": "its end",
    "grade": "the grade",
    "serious": "serious",
    "relatedness": "how it relates to the dose",
    "action": "the action",
    "outcome": "the outcome",
    "source": "how it was learnt",
    "note": "the note",
}


@dataclass(frozen=True)
class NewEvent:
    """One event as typed, in the person's local time. `before` says that it is meant to have begun
    before the first dose."""

    term: str
    grade: int | None
    on: date | None
    at: time | None
    ended_on: date | None = None
    ended_at: time | None = None
    serious: bool = False
    relatedness: str = ""
    action: str = ""
    outcome: str = ""
    source: str = ""
    note: str = ""
    before: bool = False


def record_event(
    site: Site, code: str, number: int, new: NewEvent, *, actor: str, now: datetime
) -> None:
    """Raises InputError by field, NotFoundError."""
    with site.database.write() as session:
        context, course = _locked(session, site, code, number)
        values = _judged(context, course, new, now)
        if problem := _known_already(session, context, values, None):
            raise InputError({"term": problem})
        _add(session, context, values, actor, now)


def record_checklist(
    site: Site,
    code: str,
    number: int,
    events: Mapping[str, NewEvent],
    *,
    actor: str,
    now: datetime,
) -> int:
    """Record what was found of the expected events, all or none; how many. Problems are named
    "term: field". That each was asked for is in the trail, also where nothing happened.

    Raises InputError, NotFoundError.
    """
    with site.database.write() as session:
        context, course = _locked(session, site, code, number)
        found: list[dict[str, Any]] = []
        problems: dict[str, str] = {}
        for term, new in events.items():
            try:
                found.append(_judged(context, course, new, now))
            except InputError as error:
                problems |= {f"{term}: {name}": why for name, why in error.problems.items()}
                continue
            if problem := _known_already(session, context, found[-1], None):
                problems[f"{term}: at"] = problem
        if problems:
            raise InputError(problems)
        for values in found:
            _add(session, context, values, actor, now)
        asked = {term: term in events for term in EXPECTED}
        trail.append(session, context.course.chain, "checklist asked", actor, now, asked)
        return len(found)


def change_event(
    site: Site,
    code: str,
    number: int,
    event_id: int,
    new: NewEvent,
    edition: int,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Change an event that was at `edition` when the form was made.

    Raises InputError by field, StaleError when somebody else changed it meanwhile, NotFoundError.
    """
    with site.database.write() as session:
        context, course = _locked(session, site, code, number)
        event = store.event_by_id(session, context.course_id, event_id)
        if event is None:
            raise NotFoundError("There is no such event.")
        before = _values_of(event)
        if event.edition != edition:
            raise StaleError(_what_changed(context, event, new), event.edition)
        values = _judged(context, course, new, now) | _as_exact(context, new, before)
        if problem := _known_already(session, context, values, event_id):
            raise InputError({"term": problem})
        changed = {name: value for name, value in values.items() if value != before[name]}
        if not changed:
            return
        for name, value in changed.items():
            setattr(event, name, value)
        event.edition += 1
        payload = {"before": {name: _plain(before[name]) for name in changed}}
        _write(session, context, "event changed", values, actor, now, payload)


def event_of(site: Site, code: str, number: int, event_id: int) -> tuple[NewEvent, int]:
    """An event as its form shows it, and its edition. Raises NotFoundError."""
    with site.database.read() as session:
        context = the_course(session, site, code, number)
        event = store.event_by_id(session, context.course_id, event_id)
        if event is None:
            raise NotFoundError("There is no such event.")
        start = event.started_at.astimezone(context.zone)
        end = event.ended_at.astimezone(context.zone) if event.ended_at else None
        course = _course_of(session, site, code, number)
        kept = ("term", "grade", "serious", "relatedness", "action", "outcome", "source", "note")
        new = NewEvent(
            on=start.date(),
            at=start.time(),
            ended_on=end.date() if end else None,
            ended_at=end.time() if end else None,
            before=began_before(course.doses, event.started_at),
            **{name: getattr(event, name) for name in kept},
        )
        return new, event.edition


def _locked(session: Session, site: Site, code: str, number: int) -> tuple[CourseContext, Course]:
    context = the_course(session, site, code, number)
    lock_courses(session, [context.course_id])
    return context, _course_of(session, site, code, number)


def _course_of(session: Session, site: Site, code: str, number: int) -> Course:
    (person,) = people_from(read_person(session, site.library, code, RECORDS))
    return next(course for course in person.courses if course.number == number)


def _judged(context: CourseContext, course: Course, new: NewEvent, now: datetime) -> dict[str, Any]:
    """The values of the row. Raises InputError."""
    problems = _word_problems(new) | _time_problems(context, course, new, now)
    if problems:
        raise InputError(problems)
    assert new.on is not None
    assert new.at is not None
    ended = None
    if new.ended_on is not None and new.ended_at is not None:
        ended = instant(new.ended_on, new.ended_at, context.facts.zone)
    return {
        "term": " ".join(new.term.split()),
        "started_at": instant(new.on, new.at, context.facts.zone),
        "ended_at": ended,
        "grade": new.grade,
        # Somebody died, or might have: that is serious by what the word means.
        "serious": new.serious or (new.grade or 0) >= DEATH - 1,
        "relatedness": new.relatedness,
        "action": new.action,
        "outcome": new.outcome,
        "source": new.source,
        "note": new.note.strip(),
    }


def _word_problems(new: NewEvent) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not 0 < len(" ".join(new.term.split())) <= LONGEST_TERM:
        problems["term"] = f"Write what happened, in at most {LONGEST_TERM} characters."
    if new.grade not in GRADES:
        problems["grade"] = "Choose a grade from 1 to 5."
    for name, known in (
        ("relatedness", RELATEDNESS),
        ("action", ACTIONS),
        ("outcome", OUTCOMES),
        ("source", SOURCES),
    ):
        if getattr(new, name) and getattr(new, name) not in known:
            problems[name] = "Choose one of the words."
    if not new.relatedness:
        problems["relatedness"] = "Choose how it relates to the dose, as you judge it."
    if new.outcome == "died" and new.grade != DEATH:
        problems["outcome"] = "An event that ended in death has grade 5."
    if len(new.note) > LONGEST_NOTE:
        problems["note"] = f"Use at most {LONGEST_NOTE} characters."
    return problems


def _time_problems(
    context: CourseContext, course: Course, new: NewEvent, now: datetime
) -> dict[str, str]:
    problems = _missing_times(new, now)
    if problems or new.on is None or new.at is None:
        return problems
    start = instant(new.on, new.at, context.facts.zone)
    if start > now:
        return {"on": f"This lies in the future: it is {moment(now.astimezone(context.zone))}."}
    if began_before(course.doses, start) and not new.before:
        problems["before"] = (
            "It would have begun before the first dose of this course. Tick this if it did."
        )
    if new.ended_on is not None and new.ended_at is not None:
        end = instant(new.ended_on, new.ended_at, context.facts.zone)
        if end < start:
            problems["ended_at"] = "It cannot end before it began."
        elif end > now:
            problems["ended_on"] = "Its end lies in the future. Leave it empty while it lasts."
    return problems


def _missing_times(new: NewEvent, now: datetime) -> dict[str, str]:
    problems: dict[str, str] = {}
    if new.on is None:
        problems["on"] = "Write the day on which it began."
    elif fault := year_fault(new.on, now.date()):
        problems["on"] = fault
    if new.at is None:
        problems["at"] = "Write the time at which it began, as near as it is known."
    if (new.ended_on is None) != (new.ended_at is None):
        missing = "ended_on" if new.ended_on is None else "ended_at"
        problems[missing] = "Write day and time of its end, or neither while it lasts."
    return problems


def _known_already(
    session: Session, context: CourseContext, values: Mapping[str, Any], own: int | None
) -> str | None:
    found = store.same_event(session, context.course_id, values["term"], values["started_at"])
    if found is None or found.id == own:
        return None
    return "This event with this start is on record already. Change that one."


def _add(
    session: Session, context: CourseContext, values: dict[str, Any], actor: str, now: datetime
) -> None:
    event = AdverseEvent(
        course_id=context.course_id, recorded_by=actor, recorded_at=now, edition=0, **values
    )
    store.add_event(session, event)
    _write(session, context, "event recorded", values, actor, now, {})


def _write(
    session: Session,
    context: CourseContext,
    kind: str,
    values: Mapping[str, Any],
    actor: str,
    now: datetime,
    more: Mapping[str, object],
) -> None:
    payload = {name: _plain(value) for name, value in values.items()}
    trail.append(session, context.course.chain, kind, actor, now, {**payload, **more})


def _values_of(event: AdverseEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in NAMES}


def _plain(value: Any) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _as_exact(
    context: CourseContext, new: NewEvent, before: Mapping[str, Any]
) -> dict[str, datetime]:
    """Times that were not touched, as they are kept: a form shows no seconds, nor which of two
    equal hours of a night it is."""
    typed = {"started_at": (new.on, new.at), "ended_at": (new.ended_on, new.ended_at)}
    return {
        name: before[name]
        for name, (on, at) in typed.items()
        if at is not None and _local(context, before[name]) == (on, at.replace(second=0))
    }


def _local(context: CourseContext, at: datetime | None) -> tuple[date, time] | None:
    """Day and minute as a form shows them."""
    local = at.astimezone(context.zone).replace(second=0, microsecond=0) if at else None
    return (local.date(), local.time()) if local else None


def _what_changed(context: CourseContext, event: AdverseEvent, new: NewEvent) -> str:
    """Everything in which the event differs from what was typed on an older form."""
    typed = {
        "started_at": _when((new.on, new.at) if new.on and new.at else None),
        "ended_at": _when((new.ended_on, new.ended_at) if new.ended_on and new.ended_at else None),
    }
    stands = {
        "started_at": _when(_local(context, event.started_at)),
        "ended_at": _when(_local(context, event.ended_at)),
    }
    for name in NAMES.keys() - typed.keys():
        typed[name], stands[name] = _word(getattr(new, name)), _word(getattr(event, name))
    told = [
        f"{words}: {stands[name]} (you typed {typed[name]})"
        for name, words in NAMES.items()
        if stands[name] != typed[name]
    ]
    return (
        "Somebody changed this event since you opened it. On record now, where it differs from "
        f"yours: {'; '.join(told) or 'nothing'}. What you typed is still here: take over what is "
        "right, and press the button to put this in its place."
    )


def _when(local: tuple[date, time] | None) -> str:
    return f"{day(local[0])}, {local[1]:%H:%M}" if local else "none"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"“{value}”" if value not in ("", None) else "none"


def as_dict(new: NewEvent) -> dict[str, Any]:
    """The fields of a form."""
    return asdict(new)
