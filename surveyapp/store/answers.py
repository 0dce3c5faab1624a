"""Answers on their way in: the statements of saving one answer, built once.

A save is one SELECT (who may write where), one upsert and the trail's event, because hundreds of
them must become durable every second. The upsert itself decides what counts: the answer given
later wins, and a repeated one changes nothing, so nothing is read before it is written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import table_of
from .tables import Answer, Assessment, Course, Study, WindowRow
from .tables_access import Link, Visit

VISIT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

_visit = table_of(Visit)
_course = table_of(Course)
_assessment = table_of(Assessment)
_window = table_of(WindowRow)
_answer = table_of(Answer)

_same_timepoint = and_(
    _assessment.c.course_id == _visit.c.course_id,
    _assessment.c.timepoint == _visit.c.timepoint,
)
_its_window = and_(
    _window.c.course_id == _visit.c.course_id,
    _window.c.timepoint == _visit.c.timepoint,
)
# Locked, so that on PostgreSQL too nothing is saved into what is just being sent.
_desk = (
    select(
        _visit.c.write_sha256,
        _visit.c.course_id,
        _visit.c.timepoint,
        _course.c.chain,
        _assessment.c.id,
        _assessment.c.instrument,
        _assessment.c.key_sha256,
        _course.c.keys_sha256,
        _assessment.c.submitted_at,
        _window.c.closes_at,
    )
    .select_from(
        _visit.join(_course, _course.c.id == _visit.c.course_id)
        .join(_assessment, _same_timepoint)
        .outerjoin(_window, _its_window)
    )
    .where(_visit.c.id == bindparam("visit"))
    .order_by(_assessment.c.id)
    .with_for_update(of=_course, key_share=True)
)


def _upsert(insert: Any) -> Any:
    statement = insert(_answer)
    new = statement.excluded
    differs = or_(
        new.value.is_distinct_from(_answer.c.value), new.skip.is_distinct_from(_answer.c.skip)
    )
    return statement.on_conflict_do_update(
        index_elements=[_answer.c.assessment_id, _answer.c.item],
        set_={name: new[name] for name in ("value", "skip", "given_at", "received_at")},
        where=and_(new.given_at >= _answer.c.given_at, differs),
    ).returning(_answer.c.assessment_id, _answer.c.item)


_save: Mapping[str, Any] = {
    "sqlite": _upsert(sqlite.insert),
    "postgresql": _upsert(postgresql.insert),
}


@dataclass(frozen=True)
class Sheet:
    """One assessment that a visit may write to, as long as it is not submitted. `key_sha256` names
    the key that it began with, empty where its course's holds."""

    assessment_id: int
    instrument: str
    key_sha256: str
    submitted_at: datetime | None


@dataclass(frozen=True)
class Desk:
    """Where a visit writes: its assessments in the order they were made, by instrument.
    `keys_sha256` names the key set of its course."""

    write_sha256: str
    course_id: int
    timepoint: str
    chain: str
    closes_at: datetime | None
    keys_sha256: str | None
    sheets: Mapping[str, Sheet]


@dataclass(frozen=True)
class NewAnswer:
    """An answer to be kept: a value or a coded skip, never both."""

    assessment_id: int
    item: str
    value: int | None
    skip: str | None
    given_at: datetime


def is_visit_id(text: str) -> bool:
    """Whether this could be one: what comes from an address may hold what no database takes."""
    return VISIT_ID.fullmatch(text) is not None


def desk_of(session: Session, visit_id: str) -> Desk | None:
    """Lock and read what a visit may write to; None for an unknown visit. One statement."""
    if not is_visit_id(visit_id):
        return None
    rows = session.execute(_desk, {"visit": visit_id}).all()
    if not rows:
        return None
    sheets = {
        row.instrument: Sheet(row.id, row.instrument, row.key_sha256, row.submitted_at)
        for row in rows
    }
    first = rows[0]
    return Desk(
        write_sha256=first.write_sha256,
        course_id=first.course_id,
        timepoint=first.timepoint,
        chain=first.chain,
        closes_at=first.closes_at,
        keys_sha256=first.keys_sha256,
        sheets=sheets,
    )


def keep_answers(
    session: Session, answers: Sequence[NewAnswer], received_at: datetime
) -> set[tuple[int, str]]:
    """Write what is newer than what is there; (assessment, item) of every row that changed."""
    rows = [
        {
            "assessment_id": answer.assessment_id,
            "item": answer.item,
            "value": answer.value,
            "skip": answer.skip,
            "given_at": answer.given_at,
            "received_at": received_at,
        }
        for answer in answers
    ]
    statement = _save[session.get_bind().dialect.name]
    result = session.execute(statement, rows[0] if len(rows) == 1 else rows)
    return {(row.assessment_id, row.item) for row in result}


def answers_of(session: Session, assessment_id: int) -> dict[str, tuple[int | None, str | None]]:
    """Item to (value, skip) of one assessment, sent or not."""
    query = select(_answer.c.item, _answer.c.value, _answer.c.skip)
    rows = session.execute(query.where(_answer.c.assessment_id == assessment_id))
    return {row.item: (row.value, row.skip) for row in rows}


def sheet_row(session: Session, assessment_id: int) -> Assessment:
    """One assessment, to be changed."""
    return session.get_one(Assessment, assessment_id)


def forget_answers(session: Session, assessment_id: int) -> None:
    """Empty a draft; what it held stays in the trail."""
    session.execute(delete(_answer).where(_answer.c.assessment_id == assessment_id))


def mark_submitted(session: Session, assessment_id: int, at: datetime) -> None:
    changed = update(_assessment).where(_assessment.c.id == assessment_id)
    session.execute(changed.values(submitted_at=at))


def find_visit(session: Session, visit_id: str) -> Visit | None:
    return session.get(Visit, visit_id) if is_visit_id(visit_id) else None


def courses_of_same_person(session: Session, course_id: int) -> list[int]:
    """Ids of every course of the participant whose course this is."""
    person = select(col(Course.participant_id)).where(col(Course.id) == course_id)
    query = select(col(Course.id)).where(col(Course.participant_id) == person.scalar_subquery())
    return list(session.scalars(query.order_by(col(Course.number))))


def study_phones(session: Session, most: int = 3) -> list[tuple[str, str]]:
    """Phone and hours of the studies that have any, for somebody whose study is not known."""
    query = select(col(Study.phone), col(Study.hours)).where(col(Study.phone) != "").distinct()
    rows = session.execute(query.order_by(col(Study.phone)).limit(most))
    return [(row.phone, row.hours) for row in rows]


def link_hash(session: Session, course_id: int, timepoint: str) -> str:
    """What is kept of the link that opens a course's timepoint; empty when it has none."""
    link = session.get(Link, (course_id, timepoint))
    return link.token_sha256 if link else ""


def links_of(session: Session, course_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """(course, timepoint) to the link's generation, for every link there is."""
    links = session.scalars(select(Link).where(col(Link.course_id).in_(course_ids)))
    return {(link.course_id, link.timepoint): link.generation for link in links}
