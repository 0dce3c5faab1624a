"""Transfer: what an import asks the store, and the rows it adds.

Everything is looked up by the keys that the files use (study code, course number, timepoint,
instrument, item), in slices, so that a large import stays within the databases' parameter limits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.protocol import Protocol
from .tables import (
    AdverseEvent,
    Anchor,
    Answer,
    Assessment,
    Course,
    DoseRow,
    Participant,
    Retreat,
    RetreatDate,
    Study,
)

T = TypeVar("T")
SLICE = 500

CourseKey = tuple[str, int]
SheetKey = tuple[str, int, str, str]
EventKey = tuple[str, int, str, datetime]


@dataclass(frozen=True)
class CourseThere:
    """A course with its dates by anchor and the doses that were given, by anchor and kind."""

    row: Course
    code: str
    retreat: Retreat
    dates: Mapping[str, date]
    given: Mapping[tuple[str, str], DoseRow]


@dataclass(frozen=True)
class SheetThere:
    row: Assessment
    values: Mapping[str, int | None]


@dataclass
class There:
    """What the store already holds of some people and retreats. `spellings`: lower case to code;
    `live`: the codes of people in a live study."""

    participants: dict[str, Participant] = field(default_factory=dict[str, Participant])
    spellings: dict[str, str] = field(default_factory=dict[str, str])
    live: set[str] = field(default_factory=set[str])
    retreats: dict[str, tuple[Retreat, Study]] = field(
        default_factory=dict[str, tuple[Retreat, Study]]
    )
    courses: dict[CourseKey, CourseThere] = field(default_factory=dict[CourseKey, CourseThere])
    sheets: dict[SheetKey, SheetThere] = field(default_factory=dict[SheetKey, SheetThere])
    events: dict[EventKey, AdverseEvent] = field(default_factory=dict[EventKey, AdverseEvent])


def what_is_there(session: Session, codes: Collection[str], retreats: Collection[str]) -> There:
    """Everything known of these study codes and retreat names."""
    there = There()
    for names in slices(retreats):
        query = select(Retreat, Study).join(Study, col(Study.id) == col(Retreat.study_id))
        for retreat, study in session.execute(query.where(col(Retreat.name).in_(names))):
            there.retreats[retreat.name] = (retreat, study)
    for part in slices(codes):
        _add_people(session, there, part)
    return there


def _add_people(session: Session, there: There, codes: Sequence[str]) -> None:
    people = select(Participant).where(col(Participant.code).in_(codes))
    there.participants |= {p.code: p for p in session.scalars(people)}
    alike = func.lower(col(Participant.code)).in_([code.lower() for code in codes])
    there.spellings |= {
        code.lower(): code for code in session.scalars(select(col(Participant.code)).where(alike))
    }
    query = (
        select(Course, Participant, Retreat, col(Study.mode))
        .join(Participant, col(Participant.id) == col(Course.participant_id))
        .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
        .join(Study, col(Study.id) == col(Retreat.study_id))
        .where(col(Participant.code).in_(codes))
    )
    found = session.execute(query).all()
    there.live |= {person.code for _, person, _, mode in found if mode == "live"}
    ids = [course.id for course, _, _, _ in found]
    anchors = by_course(session, Anchor, ids)
    doses = by_course(session, DoseRow, ids)
    sheets, events = by_course(session, Assessment, ids), by_course(session, AdverseEvent, ids)
    answers = _answers(session, [a.id for rows in sheets.values() for a in rows])
    for course, person, retreat, _ in found:
        key = (person.code, course.number)
        dates = {a.anchor: a.date for a in anchors[course.id]}
        given = {(d.anchor, d.kind): d for d in doses[course.id] if d.status == "given"}
        there.courses[key] = CourseThere(course, person.code, retreat, dates, given)
        for a in sheets[course.id]:
            there.sheets[(*key, a.timepoint, a.instrument)] = SheetThere(a, answers[a.id])
        for e in events[course.id]:
            there.events[(*key, e.term, e.started_at)] = e


def by_course(session: Session, table: Any, ids: Collection[int]) -> defaultdict[int, list[Any]]:
    """The rows of a table that hang on some courses, grouped by course."""
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for part in slices(ids):
        for row in session.scalars(select(table).where(col(table.course_id).in_(part))):
            grouped[row.course_id].append(row)
    return grouped


def _answers(session: Session, ids: Collection[int]) -> defaultdict[int, dict[str, int | None]]:
    grouped: defaultdict[int, dict[str, int | None]] = defaultdict(dict)
    given = select(col(Answer.assessment_id), col(Answer.item), col(Answer.value))
    for part in slices(ids):
        query = given.where(col(Answer.assessment_id).in_(part))
        for assessment_id, item, value in session.execute(query):
            grouped[assessment_id][item] = value
    return grouped


def practice_study(session: Session, protocol: Protocol, now: datetime) -> tuple[Study, bool]:
    """The protocol's practice study, made if there is none; True when it was made."""
    query = (
        select(Study)
        .where(col(Study.protocol) == protocol.id, col(Study.mode) == "practice")
        .order_by(col(Study.id))
    )
    found = session.scalars(query).first()
    if found is not None:
        return found, False
    study = Study(
        protocol=protocol.id,
        protocol_version=protocol.version,
        mode="practice",
        title=protocol.label,
        created_at=now,
    )
    return add(session, study), True


def add_retreat(
    session: Session, study: Study, name: str, zone: str, dates: Mapping[str, date], now: datetime
) -> Retreat:
    """A new retreat with the dates of its anchors."""
    row = Retreat(study_id=study.id, name=name, time_zone=zone, created_at=now)
    retreat = add(session, row)
    session.add_all(RetreatDate(retreat_id=retreat.id, anchor=a, date=d) for a, d in dates.items())
    return retreat


def add(session: Session, row: T) -> T:
    """Add one row and let the database number it."""
    session.add(row)
    session.flush()
    return row


def add_answers(session: Session, rows: Iterable[Mapping[str, object]]) -> None:
    """Many answers at once, as dicts of the table's columns."""
    for part in slices(list(rows)):
        session.execute(insert(Answer), part)


def slices(items: Collection[T]) -> Iterator[list[T]]:
    """The items in lists of at most SLICE."""
    listed = list(items)
    for start in range(0, len(listed), SLICE):
        yield listed[start : start + SLICE]
