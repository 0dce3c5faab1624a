"""Scopes: to which retreats something belongs. One small query each."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables import Course, Participant, Retreat, Study
from .tables_access import Membership
from .tables_care import Alert

Scope = frozenset[int] | None
"""Ids of the retreats that somebody may see; None is every one."""


def of_person(session: Session, code: str) -> set[int]:
    """The retreats of a person's courses."""
    query = select(col(Course.retreat_id)).join(Participant)
    return set(session.scalars(query.where(col(Participant.code) == code)))


def of_course(session: Session, code: str, number: int) -> set[int]:
    """The retreat of one course; empty where there is no such course."""
    query = select(col(Course.retreat_id)).join(Participant)
    own = (col(Participant.code) == code, col(Course.number) == number)
    return set(session.scalars(query.where(*own)))


def of_alert(session: Session, alert_id: int) -> set[int]:
    query = select(col(Course.retreat_id)).join(Alert, col(Alert.course_id) == col(Course.id))
    return set(session.scalars(query.where(col(Alert.id) == alert_id)))


def of_study(session: Session, study_id: int) -> set[int]:
    """Every retreat of a study."""
    query = select(col(Retreat.id)).where(col(Retreat.study_id) == study_id)
    return set(session.scalars(query))


def of_mode(session: Session, mode: str) -> set[int]:
    """Every retreat of the studies in a mode, practice or live."""
    query = select(col(Retreat.id)).join(Study, col(Study.id) == col(Retreat.study_id))
    return set(session.scalars(query.where(col(Study.mode) == mode)))


def courses_within(session: Session, ids: Collection[int], scope: Scope) -> list[int]:
    """Those of some courses that lie within a scope, in order."""
    if scope is None:
        return sorted(ids)
    query = select(col(Course.id)).where(col(Course.retreat_id).in_(scope))
    return sorted(set(ids).intersection(session.scalars(query)))


def people_outside(session: Session, codes: Collection[str], scope: Scope) -> set[str]:
    """Those of some people's codes who have courses, but none within a scope."""
    if scope is None:
        return set()
    query = select(col(Participant.code), col(Course.retreat_id)).join(Course)
    rows = list(session.execute(query.where(col(Participant.code).in_(codes))))
    return {code for code, _ in rows} - {code for code, retreat in rows if retreat in scope}


def add_member(session: Session, staff_id: int, retreat_id: int) -> None:
    session.add(Membership(staff_id=staff_id, retreat_id=retreat_id))
    session.flush()
