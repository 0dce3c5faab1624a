"""Records of people, read from the store as the study's plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.library import Library
from ..study.record import Course as CourseRecord
from ..study.record import (
    Dose,
    DoseKind,
    DoseStatus,
    Ending,
    EndingKind,
    Event,
    Mode,
    Person,
    Sheet,
)
from ..study.schedule import is_ended
from ..study.scoring import Score
from .facts import CourseContext, Reading, read_courses, read_person
from .several import by_course
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
from .tables_group import INTENTION, MissingForm, Note
from .tables_reach import DIED, LEFT

_id = attrgetter("id")
REPORT_MADE = "report made"
LOOKS = (REPORT_MADE, "contacts looked at")
"""Kinds of events that change nothing."""
RECORDS = (DoseRow, AdverseEvent, ScoreRow, Answer, MissingForm, Note)
"""The tables that people's records are made of, besides what contexts hold."""
ENDINGS: dict[str, EndingKind] = {LEFT: "withdrawn", DIED: "died"}
"""The stops after which windows are not expected, see `stops.told`."""


def load_person(session: Session, library: Library, code: str) -> Person | None:
    """One participant with all courses, by study code."""
    found = people_from(read_person(session, library, code, RECORDS))
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
    """When the newest trail event of these people's courses was written. That a report was made
    changes no data: the same data give the same bytes, however often."""
    query = (
        select(func.max(col(TrailEvent.at)))
        .join(Course, col(Course.chain) == col(TrailEvent.chain))
        .join(Participant, col(Participant.id) == col(Course.participant_id))
        .where(col(Participant.code).in_(person_codes), col(TrailEvent.kind).not_in(LOOKS))
    )
    found = session.scalar(query)
    return found.astimezone(UTC) if found else None


def retreat_by_name(session: Session, name: str) -> Retreat | None:
    return session.scalars(select(Retreat).where(col(Retreat.name) == name)).first()


def people_of(session: Session, library: Library, course_ids: list[int]) -> list[Person]:
    """The people of some courses with those courses alone, ordered by study code."""
    return people_from(read_courses(session, library, course_ids, RECORDS))


def people_from(reading: Reading) -> list[Person]:
    """The same from what was read, with at least `RECORDS`."""
    doses, events = (by_course(sorted(reading.rows[t], key=_id)) for t in (DoseRow, AdverseEvent))
    reasons, notes = by_course(reading.rows[MissingForm]), by_course(reading.rows[Note])
    sheets = _Sheets(reading)
    courses: defaultdict[str, list[CourseRecord]] = defaultdict(list)
    for context in reading.contexts:
        record = CourseRecord(
            number=context.course.number,
            retreat=context.retreat.name,
            protocol=context.protocol,
            facts=context.facts,
            doses=tuple(map(_dose, doses[context.course_id])),
            sheets=sheets.of(context),
            events=tuple(map(_event, events[context.course_id])),
            missing=missing_of(context, reasons[context.course_id]),
            intention=_intention(notes[context.course_id]),
            instruments=context.instruments,
            amendment=context.amendment.number if context.amendment else None,
            endings=tuple(
                Ending(ENDINGS[s.kind], s.since) for s in context.stops if s.kind in ENDINGS
            ),
        )
        courses[context.participant.code].append(record)
    return [Person(code, tuple(found)) for code, found in courses.items()]


def missing_of(context: CourseContext, rows: Sequence[MissingForm]) -> dict[str, str]:
    """What staff said; where the person died before the window closed, that is why."""
    died = {
        timepoint.id: DIED
        for timepoint in context.protocol.timepoints
        if any(stop.kind == DIED for stop in context.stops) and is_ended(timepoint, context.facts)
    }
    return {**died, **{row.timepoint: row.reason for row in rows}}


def _intention(notes: Sequence[Note]) -> str:
    kept = [n for n in notes if n.kind == INTENTION and n.withdrawn_at is None]
    return max(kept, key=_id).text if kept else ""


def _dose(row: DoseRow) -> Dose:
    kind, status = cast(DoseKind, row.kind), cast(DoseStatus, row.status)
    return Dose(kind, status, row.mg, row.given_at, row.minutes, row.reason, row.anchor)


def _event(row: AdverseEvent) -> Event:
    return Event(row.term, row.started_at, row.ended_at, row.grade, row.serious, row.relatedness)


class _Sheets:
    """Scores and answers of the submitted assessments of some courses."""

    def __init__(self, reading: Reading) -> None:
        self._scores: defaultdict[int, list[ScoreRow]] = defaultdict(list)
        for score in reading.rows[ScoreRow]:
            self._scores[score.assessment_id].append(score)
        self._answers: defaultdict[int, dict[str, int | None]] = defaultdict(dict)
        for answer in reading.rows[Answer]:
            self._answers[answer.assessment_id][answer.item] = answer.value

    def of(self, context: CourseContext) -> tuple[Sheet, ...]:
        return tuple(
            self._sheet(context, a, a.submitted_at) for a in context.assessments if a.submitted_at
        )

    def _sheet(self, context: CourseContext, row: Assessment, submitted_at: datetime) -> Sheet:
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
            told=_told(context, row),
        )


def _told(context: CourseContext, row: Assessment) -> str:
    """What must be said of the installed wording that it was answered in."""
    own = context.wordings.get(row.instrument, {}).values()
    return next((w.installed_line for w in own if w.sha256 == row.wording_sha256), "")


def _score(row: ScoreRow) -> Score:
    return Score(row.value, row.answered, row.of_items, row.estimated, row.band)


def _met(row: ScoreRow) -> bool | None:
    return None if row.value is None else row.value == 1
