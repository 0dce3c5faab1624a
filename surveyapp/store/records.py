"""Records of people, read from the store as the study's plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.library import Library
from ..study.record import Course as CourseRecord
from ..study.record import Dose, DoseKind, DoseStatus, Event, Mode, Person, Sheet
from ..study.scoring import Score
from .facts import CourseContext, course_contexts
from .tables import (
    AdverseEvent,
    Answer,
    Assessment,
    Course,
    DoseRow,
    Participant,
    Retreat,
    ScoreRow,
)
from .tables_access import Event as TrailEvent


def load_person(session: Session, library: Library, code: str) -> Person | None:
    """One participant with all courses, by study code."""
    query = (
        select(col(Course.id))
        .join(Participant, col(Participant.id) == col(Course.participant_id))
        .where(col(Participant.code) == code)
    )
    ids = list(session.scalars(query))
    found = people_of(session, library, ids)
    if found:
        return found[0]
    known = session.execute(select(Participant).where(col(Participant.code) == code)).first()
    return Person(code, ()) if known else None


def load_people(session: Session, library: Library, retreat_id: int) -> list[Person]:
    """A retreat's people with all their courses, ordered by study code."""
    people = select(col(Course.participant_id)).where(col(Course.retreat_id) == retreat_id)
    query = select(col(Course.id)).where(col(Course.participant_id).in_(people))
    return people_of(session, library, list(session.scalars(query)))


def last_change(session: Session, person_codes: Collection[str]) -> datetime | None:
    """When the newest trail event of these people's courses was written."""
    query = (
        select(func.max(col(TrailEvent.at)))
        .join(Course, col(Course.chain) == col(TrailEvent.chain))
        .join(Participant, col(Participant.id) == col(Course.participant_id))
        .where(col(Participant.code).in_(person_codes))
    )
    found = session.scalar(query)
    return found.astimezone(UTC) if found else None


def retreat_by_name(session: Session, name: str) -> Retreat | None:
    return session.scalars(select(Retreat).where(col(Retreat.name) == name)).first()


def people_of(session: Session, library: Library, course_ids: list[int]) -> list[Person]:
    """The people of some courses with those courses alone, ordered by study code."""
    contexts = course_contexts(session, library, course_ids)
    doses = _by_course(session, DoseRow, course_ids)
    events = _by_course(session, AdverseEvent, course_ids)
    sheets = _Sheets(session, course_ids)
    courses: defaultdict[str, list[CourseRecord]] = defaultdict(list)
    for context in contexts:
        record = CourseRecord(
            number=context.course.number,
            retreat=context.retreat.name,
            protocol=context.protocol,
            facts=context.facts,
            doses=tuple(map(_dose, doses[context.course_id])),
            sheets=sheets.of(context),
            events=tuple(map(_event, events[context.course_id])),
        )
        courses[context.participant.code].append(record)
    return [Person(code, tuple(found)) for code, found in courses.items()]


def _by_course(session: Session, table: Any, ids: Collection[int]) -> defaultdict[int, list[Any]]:
    query = select(table).where(col(table.course_id).in_(ids)).order_by(col(table.id))
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for row in session.scalars(query):
        grouped[row.course_id].append(row)
    return grouped


def _dose(row: DoseRow) -> Dose:
    kind, status = cast(DoseKind, row.kind), cast(DoseStatus, row.status)
    return Dose(kind, status, row.mg, row.given_at, row.minutes, row.reason, row.anchor)


def _event(row: AdverseEvent) -> Event:
    return Event(row.term, row.started_at, row.ended_at, row.grade, row.serious, row.relatedness)


class _Sheets:
    """Scores and answers of the submitted assessments of some courses."""

    def __init__(self, session: Session, ids: Collection[int]) -> None:
        submitted = (
            select(col(Assessment.id))
            .where(col(Assessment.course_id).in_(ids))
            .where(col(Assessment.submitted_at).is_not(None))
        )
        self._scores: defaultdict[int, list[ScoreRow]] = defaultdict(list)
        rows = select(ScoreRow).where(col(ScoreRow.assessment_id).in_(submitted))
        for score in session.scalars(rows):
            self._scores[score.assessment_id].append(score)
        self._answers: defaultdict[int, dict[str, int | None]] = defaultdict(dict)
        given = select(col(Answer.assessment_id), col(Answer.item), col(Answer.value))
        query = given.where(col(Answer.assessment_id).in_(submitted))
        for assessment_id, item, value in session.execute(query):
            self._answers[assessment_id][item] = value

    def of(self, context: CourseContext) -> tuple[Sheet, ...]:
        return tuple(self._sheet(a, a.submitted_at) for a in context.assessments if a.submitted_at)

    def _sheet(self, row: Assessment, submitted_at: datetime) -> Sheet:
        assessment_id = row.id
        scores = self._scores[assessment_id]
        return Sheet(
            timepoint=row.timepoint,
            instrument=row.instrument,
            submitted_at=submitted_at,
            mode=cast(Mode, row.mode),
            placeholder=row.placeholder,
            scores={s.scale: _score(s) for s in scores if s.kind == "scale"},
            criteria={s.scale: _met(s) for s in scores if s.kind == "criterion"},
            answers=self._answers[assessment_id],
        )


def _score(row: ScoreRow) -> Score:
    return Score(row.value, row.answered, row.of_items, row.estimated, row.band)


def _met(row: ScoreRow) -> bool | None:
    return None if row.value is None else row.value == 1
