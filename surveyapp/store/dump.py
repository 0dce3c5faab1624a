"""Dump: every person with all that hangs on their courses, read from one snapshot for an export."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.instrument import Instrument
from ..study.library import Library
from ..study.record import Person
from .database import Database
from .facts import CourseContext, course_contexts
from .keys import instrument_of
from .notices import acknowledgements
from .records import people_of
from .scopes import Scope, courses_within
from .stops import ever_stopped
from .tables import (
    AdverseEvent,
    Anchor,
    Answer,
    Assessment,
    Course,
    DoseRow,
    Participant,
    PromptRow,
    ScoreRow,
)
from .tables_care import Alert, BloodPressure, Correction
from .tables_entry import Acknowledgement
from .tables_group import Attendance, MissingForm
from .tables_reach import Stop
from .transfer import by_course, slices


@dataclass(frozen=True)
class AssessmentDump:
    """One assessment under its key, with its answers and, once sent, its scores."""

    row: Assessment
    instrument: Instrument
    answers: Sequence[Answer]
    scores: Sequence[ScoreRow]
    corrections: Sequence[Correction]


@dataclass(frozen=True)
class CourseDump:
    """One course; prompts of every revision of its anchors, stops also those that were undone."""

    context: CourseContext
    anchors: Sequence[Anchor]
    assessments: Sequence[AssessmentDump]
    doses: Sequence[DoseRow]
    events: Sequence[AdverseEvent]
    readings: Sequence[BloodPressure]
    alerts: Sequence[Alert]
    attendance: Sequence[Attendance]
    missing: Sequence[MissingForm]
    prompts: Sequence[PromptRow]
    stops: Sequence[Stop]


@dataclass(frozen=True)
class PersonDump:
    participant: Participant
    person: Person
    courses: Sequence[CourseDump]
    acknowledgements: Sequence[Acknowledgement]


@contextmanager
def snapshot(database: Database) -> Generator[Session]:
    """A session that sees one moment of the database, however long it reads."""
    with database.read() as session:
        if not database.is_sqlite:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def person_dumps(session: Session, library: Library, scope: Scope = None) -> Iterator[PersonDump]:
    """Everybody with a course within the scope, with those courses, ordered by study code, a slice
    of people at a time. `person` has every course of theirs, because marks look beyond one."""
    query = select(Participant).order_by(col(Participant.code))
    if scope is not None:
        here = select(col(Course.participant_id)).where(col(Course.retreat_id).in_(scope))
        query = query.where(col(Participant.id).in_(here))
    for people in slices(session.scalars(query).all()):
        yield from _slice(session, library, people, scope)


def _slice(
    session: Session, library: Library, people: Sequence[Participant], scope: Scope
) -> Iterator[PersonDump]:
    numbers = [p.id for p in people]
    query = select(col(Course.id)).where(col(Course.participant_id).in_(numbers))
    ids = list(session.scalars(query))
    details = _Details(session, library, ids, numbers)
    courses: defaultdict[str, list[CourseDump]] = defaultdict(list)
    for context in course_contexts(session, library, courses_within(session, ids, scope)):
        courses[context.participant.code].append(details.course(context))
    read = acknowledgements(session, numbers)
    records = {person.code: person for person in people_of(session, library, ids)}
    for participant in people:
        code = participant.code
        person = records.get(code, Person(code, ()))
        yield PersonDump(participant, person, courses[code], read[participant.id])


class _Details:
    def __init__(
        self, session: Session, library: Library, ids: Sequence[int], people: Sequence[int]
    ) -> None:
        self._session, self._library = session, library
        self._stops = ever_stopped(session, people)
        self._anchors = by_course(session, Anchor, ids)
        self._doses = by_course(session, DoseRow, ids)
        self._events = by_course(session, AdverseEvent, ids)
        self._readings = by_course(session, BloodPressure, ids)
        self._alerts = by_course(session, Alert, ids)
        self._attendance = by_course(session, Attendance, ids)
        self._missing = by_course(session, MissingForm, ids)
        self._assessments = by_course(session, Assessment, ids)
        sheets = [a.id for rows in self._assessments.values() for a in rows]
        self._answers = _by_assessment(session, Answer, sheets)
        self._scores = _by_assessment(session, ScoreRow, sheets)
        self._corrections = _by_assessment(session, Correction, sheets)

    def course(self, context: CourseContext) -> CourseDump:
        number, person = context.course_id, context.participant.id
        return CourseDump(
            context=context,
            anchors=self._anchors[number],
            assessments=[self._assessment(a, context) for a in self._assessments[number]],
            doses=self._doses[number],
            events=self._events[number],
            readings=self._readings[number],
            alerts=self._alerts[number],
            attendance=self._attendance[number],
            missing=self._missing[number],
            prompts=context.all_prompts,
            stops=[s for s in self._stops[person] if s.course_id in (None, number)],
        )

    def _assessment(self, row: Assessment, context: CourseContext) -> AssessmentDump:
        own = self._answers[row.id], self._scores[row.id], self._corrections[row.id]
        asked = instrument_of(
            self._session, self._library, row.instrument, row.key_sha256, context.instruments
        )
        return AssessmentDump(row, asked, *own)


def _by_assessment(session: Session, table: Any, ids: Sequence[int]) -> Mapping[int, list[Any]]:
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for part in slices(ids):
        query = select(table).where(col(table.assessment_id).in_(part))
        for row in session.scalars(query):
            grouped[row.assessment_id].append(row)
    return grouped
