"""Prompts in the store: finding due ones, claiming them, recording what became of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.schedule import Prompt
from .tables import Attempt, Course, PromptRow, WindowRow
from .tables_access import Staff

Key = tuple[int, str]
"""(course id, timepoint)"""


def due_windows(session: Session, now: datetime, without: Collection[Key], most: int) -> list[Key]:
    """The windows the worker must look at, longest due first. Reads only."""
    query = (
        select(col(WindowRow.course_id), col(WindowRow.timepoint))
        .where(col(WindowRow.next_prompt) <= now)
        .order_by(col(WindowRow.next_prompt))
        .limit(most + len(without))
    )
    found = [(course_id, timepoint) for course_id, timepoint in session.execute(query)]
    return [key for key in found if key not in without][:most]


def next_due(session: Session) -> datetime | None:
    """When the worker next has something to do."""
    query = select(col(WindowRow.next_prompt)).where(col(WindowRow.next_prompt).is_not(None))
    return session.scalar(query.order_by(col(WindowRow.next_prompt)).limit(1))


def lock_due_courses(session: Session, course_id: int, now: datetime) -> list[Key]:
    """Lock the course and the same person's others that are due; their due windows.

    Empty when another worker holds the course or its windows are no longer due. SQLite needs no
    lock: the write transaction is alone.
    """
    person = select(col(Course.participant_id)).where(col(Course.id) == course_id).scalar_subquery()
    query = (
        select(col(Course.id))
        .where(col(Course.participant_id) == person)
        .order_by(col(Course.id))
        .with_for_update(skip_locked=True, key_share=True)
    )
    locked = list(session.scalars(query))
    if course_id not in locked:
        return []
    windows = (
        select(col(WindowRow.course_id), col(WindowRow.timepoint))
        .where(col(WindowRow.course_id).in_(locked), col(WindowRow.next_prompt) <= now)
        .order_by(col(WindowRow.closes_at), col(WindowRow.course_id), col(WindowRow.timepoint))
    )
    return [(found, timepoint) for found, timepoint in session.execute(windows)]


@dataclass(frozen=True)
class Fate:
    """What became of a prompt: status and reason in words; `next_at` unless it is settled."""

    status: str
    reason: str
    next_at: datetime | None


def put_prompt(
    session: Session, key: Key, prompt: Prompt, revision: int, fate: Fate, now: datetime
) -> PromptRow:
    """Write a prompt's fate into its one row, in the caller's write transaction."""
    query = select(PromptRow).where(
        col(PromptRow.course_id) == key[0],
        col(PromptRow.timepoint) == key[1],
        col(PromptRow.number) == prompt.number,
        col(PromptRow.revision) == revision,
    )
    row = session.scalars(query).first() or PromptRow(
        course_id=key[0],
        timepoint=key[1],
        number=prompt.number,
        revision=revision,
        due_at=prompt.utc,
        status=fate.status,
        updated_at=now,
    )
    set_fate(row, fate, now)
    session.add(row)
    session.flush()
    return row


def set_fate(row: PromptRow, fate: Fate, now: datetime) -> None:
    row.status, row.reason, row.next_at = fate.status, fate.reason, fate.next_at
    row.updated_at = now


def prompts_by_id(session: Session, ids: Collection[int]) -> list[PromptRow]:
    query = select(PromptRow).where(col(PromptRow.id).in_(ids)).order_by(col(PromptRow.id))
    return list(session.scalars(query))


def add_attempt(
    session: Session, prompt_id: int, at: datetime, message_id: str, outcome: str, detail: str
) -> None:
    session.add(
        Attempt(
            prompt_id=prompt_id,
            at=at,
            channel="e-mail",
            message_id=message_id,
            outcome=outcome,
            detail=detail,
        )
    )


def staff_addresses(session: Session) -> set[str]:
    """Addresses of active staff accounts, lower case."""
    query = select(col(Staff.email)).where(col(Staff.active).is_(True))
    return {email.lower() for email in session.scalars(query)}
