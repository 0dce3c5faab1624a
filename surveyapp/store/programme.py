"""Sessions and attendance in the store. Services decide, and write the trail."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import put_edition
from .tables_group import Attendance, SessionDate


def session_dates(session: Session, retreat_ids: Collection[int]) -> list[SessionDate]:
    """Every session that staff have set, dropped or added in these retreats."""
    wanted = col(SessionDate.retreat_id).in_(retreat_ids)
    return list(session.scalars(select(SessionDate).where(wanted)))


def put_session(session: Session, retreat_id: int, name: str, values: Mapping[str, Any]) -> None:
    put_edition(session, SessionDate, {"retreat_id": retreat_id, "session": name}, values)


def attendance(session: Session, course_ids: Collection[int], name: str) -> dict[int, Attendance]:
    """Who attended a session, by course."""
    query = select(Attendance).where(
        col(Attendance.course_id).in_(course_ids), col(Attendance.session) == name
    )
    return {row.course_id: row for row in session.scalars(query)}


def put_attendance(session: Session, course_id: int, name: str, values: Mapping[str, Any]) -> None:
    put_edition(session, Attendance, {"course_id": course_id, "session": name}, values)
