"""Roster: studies, retreats, people and courses, found and changed as staff do.

Nothing here decides; services do, and they write the trail and refresh the windows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import case, exists, func, select, true, update
from sqlalchemy.orm import Session
from sqlmodel import col

from .scopes import Scope
from .tables import (
    Anchor,
    Clearance,
    Course,
    DoseRow,
    Participant,
    PromptRow,
    Retreat,
    RetreatDate,
    Study,
    WindowRow,
)
from .tables_care import Responder
from .trail import new_chain

DoseKey = tuple[int, str, str]


@dataclass(frozen=True)
class RetreatCount:
    """A retreat with its study and how many courses it has."""

    retreat: Retreat
    study: Study
    courses: int


@dataclass(frozen=True)
class StudyCount:
    """A study, how many of its retreats are within the scope, whether somebody is named to be told
    of alerts, and whether the whole study is within the scope."""

    study: Study
    retreats: int
    responds: bool
    whole: bool = True


def studies(session: Session, scope: Scope = None) -> list[StudyCount]:
    """Every study, or those with a retreat within the scope, in the order they were made."""
    told = (col(Responder.study_id) == col(Study.id)) & (col(Responder.place) == 1)
    within = true() if scope is None else col(Retreat.id).in_(scope)
    here = func.count(case((within, col(Retreat.id))))
    query = (
        select(Study, here, exists().where(told), here == func.count(col(Retreat.id)))
        .outerjoin(Retreat, col(Retreat.study_id) == col(Study.id))
        .group_by(col(Study.id))
        .order_by(col(Study.id))
    )
    found = [StudyCount(s, n, told, bool(all_)) for s, n, told, all_ in session.execute(query)]
    return [one for one in found if scope is None or one.retreats]


def study(session: Session, study_id: int) -> Study | None:
    return session.get(Study, study_id)


def retreat(session: Session, retreat_id: int) -> Retreat | None:
    return session.get(Retreat, retreat_id)


def name_taken(session: Session, name: str) -> bool:
    """Whether a retreat has this name, in any case."""
    query = select(col(Retreat.id)).where(func.lower(col(Retreat.name)) == name.lower())
    return session.scalars(query).first() is not None


def retreats(session: Session, scope: Scope = None) -> list[RetreatCount]:
    """Every retreat within the scope, newest first."""
    query = (
        select(Retreat, Study, func.count(col(Course.id)))
        .join(Study, col(Study.id) == col(Retreat.study_id))
        .outerjoin(Course, col(Course.retreat_id) == col(Retreat.id))
        .group_by(col(Retreat.id), col(Study.id))
        .order_by(col(Retreat.id).desc())
    )
    if scope is not None:
        query = query.where(col(Retreat.id).in_(scope))
    return [RetreatCount(r, s, count) for r, s, count in session.execute(query)]


def retreat_dates(session: Session, ids: Collection[int]) -> dict[tuple[int, str], date]:
    """Dates by (retreat, anchor)."""
    query = select(RetreatDate).where(col(RetreatDate.retreat_id).in_(ids))
    return {(row.retreat_id, row.anchor): row.date for row in session.scalars(query)}


def set_retreat_date(session: Session, retreat_id: int, anchor: str, on: date) -> None:
    row = session.get(RetreatDate, (retreat_id, anchor))
    if row is None:
        session.add(RetreatDate(retreat_id=retreat_id, anchor=anchor, date=on))
    else:
        row.date = on


def confirmed_counts(session: Session, anchors: Mapping[int, str]) -> dict[int, int]:
    """How many courses of each retreat have its anchor confirmed; `anchors` by retreat."""
    query = (
        select(col(Course.retreat_id), col(Anchor.anchor), func.count())
        .join(Anchor, col(Anchor.course_id) == col(Course.id))
        .where(col(Course.retreat_id).in_(anchors), col(Anchor.confirmed_at).is_not(None))
        .group_by(col(Course.retreat_id), col(Anchor.anchor))
    )
    rows = session.execute(query)
    return {found: count for found, anchor, count in rows if anchors[found] == anchor}


def course_ids(session: Session, retreat_id: int) -> list[int]:
    query = select(col(Course.id)).where(col(Course.retreat_id) == retreat_id)
    return list(session.scalars(query.order_by(col(Course.id))))


def participant_ids(session: Session, retreat_id: int) -> set[int]:
    query = select(col(Course.participant_id)).where(col(Course.retreat_id) == retreat_id)
    return set(session.scalars(query))


def course_ids_of(session: Session, participant_id: int) -> list[int]:
    query = select(col(Course.id)).where(col(Course.participant_id) == participant_id)
    return list(session.scalars(query.order_by(col(Course.id))))


def course_ids_by_code(session: Session, codes: Collection[str], scope: Scope = None) -> list[int]:
    """Courses of some people, those within the scope."""
    query = select(col(Course.id)).join(Participant).where(col(Participant.code).in_(codes))
    if scope is not None:
        query = query.where(col(Course.retreat_id).in_(scope))
    return list(session.scalars(query.order_by(col(Course.id))))


def codes_of(session: Session, participant_ids: Collection[int]) -> list[str]:
    """Study codes in order."""
    query = select(col(Participant.code)).where(col(Participant.id).in_(participant_ids))
    return list(session.scalars(query.order_by(col(Participant.code))))


def find_course(session: Session, code: str, number: int) -> int | None:
    """The id of a course by study code and number."""
    query = select(col(Course.id)).join(Participant)
    return session.scalars(
        query.where(col(Participant.code) == code, col(Course.number) == number)
    ).first()


def active_course_ids(session: Session, now: datetime) -> list[int]:
    """Courses with a window that has not closed, or with no window yet."""
    has_window = select(col(WindowRow.course_id))
    running = has_window.where(col(WindowRow.closes_at) > now)
    query = select(col(Course.id)).where(
        col(Course.id).in_(running) | col(Course.id).not_in(has_window)
    )
    return list(session.scalars(query.order_by(col(Course.id))))


def participant(session: Session, code: str) -> Participant | None:
    return session.scalars(select(Participant).where(col(Participant.code) == code)).first()


def participants_like(session: Session, codes: Collection[str]) -> dict[str, Participant]:
    """People whose code is one of `codes` in any case, by their code in lower case."""
    lowered = [code.lower() for code in codes]
    query = select(Participant).where(func.lower(col(Participant.code)).in_(lowered))
    return {found.code.lower(): found for found in session.scalars(query)}


def search_codes(session: Session, part: str, limit: int, scope: Scope = None) -> list[str]:
    """Study codes that contain `part`, in any case, in order, of people within the scope."""
    query = select(col(Participant.code)).order_by(col(Participant.code)).limit(limit)
    if scope is not None:
        here = select(col(Course.participant_id)).where(col(Course.retreat_id).in_(scope))
        query = query.where(col(Participant.id).in_(here))
    if part:
        query = query.where(
            func.lower(col(Participant.code)).contains(part.lower(), autoescape=True)
        )
    return list(session.scalars(query))


def add_participant(
    session: Session, code: str, language: str, zone: str, now: datetime
) -> Participant:
    made = Participant(code=code, language=language, time_zone=zone, created_at=now)
    session.add(made)
    session.flush()
    return made


def last_numbers(session: Session, participant_ids: Collection[int]) -> dict[int, int]:
    """The highest course number of each person."""
    query = (
        select(col(Course.participant_id), func.max(col(Course.number)))
        .where(col(Course.participant_id).in_(participant_ids))
        .group_by(col(Course.participant_id))
    )
    return {person: number for person, number in session.execute(query)}


def add_course(
    session: Session, participant_id: int, retreat_id: int, number: int, now: datetime
) -> Course:
    made = Course(
        participant_id=participant_id,
        retreat_id=retreat_id,
        number=number,
        chain=new_chain(),
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def set_anchor(session: Session, course_id: int, anchor: str, on: date) -> Anchor:
    """The anchor at its new date. A move raises the revision; the caller judges confirmation."""
    row = session.get(Anchor, (course_id, anchor))
    if row is None:
        row = Anchor(course_id=course_id, anchor=anchor, date=on)
        session.add(row)
    elif row.date != on:
        row.date = on
        row.revision += 1
    return row


def anchor(session: Session, course_id: int, anchor_id: str) -> Anchor | None:
    return session.get(Anchor, (course_id, anchor_id))


def add_clearance(
    session: Session, course_id: int, timepoint: str, actor: str, now: datetime
) -> bool:
    """Whether the confirmation is new."""
    if session.get(Clearance, (course_id, timepoint)) is not None:
        return False
    session.add(Clearance(course_id=course_id, timepoint=timepoint, given_by=actor, given_at=now))
    return True


def doses(session: Session, course_ids: Collection[int]) -> dict[DoseKey, DoseRow]:
    """Doses by (course, anchor, kind)."""
    query = select(DoseRow).where(col(DoseRow.course_id).in_(course_ids))
    return {(row.course_id, row.anchor, row.kind): row for row in session.scalars(query)}


def add_dose(session: Session, dose: DoseRow) -> None:
    session.add(dose)


def look_again(session: Session, course_ids: Collection[int], now: datetime) -> None:
    """Let the worker look at once at prompts that were held or wait."""
    session.execute(
        update(PromptRow)
        .where(col(PromptRow.course_id).in_(course_ids))
        .where(col(PromptRow.status).in_(("held", "waiting")))
        .values(next_at=now)
    )


def people_of_courses(session: Session, course_ids: Collection[int]) -> set[int]:
    """Ids of the people behind courses."""
    query = select(col(Course.participant_id)).where(col(Course.id).in_(course_ids))
    return set(session.scalars(query))
