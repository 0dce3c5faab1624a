"""Prompts in the store: finding due ones, claiming them, recording what became of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.schedule import Prompt
from .columns import table_of
from .tables import Attempt, Course, PromptRow, WindowRow
from .tables_access import Staff

Key = tuple[int, str]
"""(course id, timepoint)"""

_insert_attempt = insert(table_of(Attempt))
_by_id = (
    select(PromptRow)
    .where(col(PromptRow.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(PromptRow.id))
)


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


def lock_people(session: Session, course_ids: Collection[int]) -> list[int]:
    """Lock all courses of the people behind these, passing over what another worker holds.

    The ids of the locked courses of people of whom a named course could be locked. SQLite needs no
    lock: the write transaction is alone.
    """
    people = select(col(Course.participant_id)).where(col(Course.id).in_(course_ids))
    query = (
        select(col(Course.id), col(Course.participant_id))
        .where(col(Course.participant_id).in_(people))
        .order_by(col(Course.id))
        .with_for_update(skip_locked=True, key_share=True)
    )
    locked = [(course, person) for course, person in session.execute(query)]
    wanted = {person for course, person in locked if course in course_ids}
    return [course for course, person in locked if person in wanted]


def due_of(session: Session, course_ids: Collection[int], now: datetime) -> list[Key]:
    """The windows of these courses that are due, the one that closes first first."""
    query = (
        select(col(WindowRow.course_id), col(WindowRow.timepoint))
        .where(col(WindowRow.course_id).in_(course_ids), col(WindowRow.next_prompt) <= now)
        .order_by(col(WindowRow.closes_at), col(WindowRow.course_id), col(WindowRow.timepoint))
    )
    return [(found, timepoint) for found, timepoint in session.execute(query)]


def by_message_id(session: Session, message_id: str) -> list[PromptRow]:
    """The prompts that went out in one message."""
    query = select(PromptRow).where(col(PromptRow.message_id) == message_id)
    return list(session.scalars(query.order_by(col(PromptRow.id))))


@dataclass(frozen=True)
class Fate:
    """What became of a prompt: status and reason in words; `next_at` unless it is settled."""

    status: str
    reason: str
    next_at: datetime | None


def put_prompt(
    session: Session,
    key: Key,
    prompt: Prompt,
    revision: int,
    fate: Fate,
    now: datetime,
    known: PromptRow | None,
) -> PromptRow:
    """Write a prompt's fate into its one row, `known` if there is one, in the caller's write
    transaction. The row has its id once the session was flushed."""
    row = known or PromptRow(
        course_id=key[0],
        timepoint=key[1],
        number=prompt.number,
        revision=revision,
        due_at=prompt.utc,
        status=fate.status,
        updated_at=now,
    )
    row.due_at, row.planned_on = prompt.utc, prompt.local.date()
    set_fate(row, fate, now)
    session.add(row)
    return row


def set_fate(row: PromptRow, fate: Fate, now: datetime) -> None:
    row.status, row.reason, row.next_at = fate.status, fate.reason, fate.next_at
    row.updated_at = now


def prompts_by_id(session: Session, ids: Collection[int]) -> list[PromptRow]:
    return list(session.scalars(_by_id, {"ids": list(ids)}))


class Came(Protocol):
    """What came of a try, in one word of `Attempt` and in a sentence."""

    @property
    def kind(self) -> str: ...

    @property
    def detail(self) -> str: ...


def add_attempt(
    session: Session,
    row: PromptRow,
    at: datetime,
    channel: str,
    message_id: str,
    came: Came,
    sent_to: str | None = None,
) -> None:
    """Note one try, by which channel, to whom (the contact's keyed hash), and what came of it."""
    values = {"at": at, "channel": channel, "message_id": message_id, "sent_to": sent_to}
    came_of_it = {"outcome": came.kind, "detail": came.detail}
    session.execute(_insert_attempt, {"prompt_id": row.id, **values, **came_of_it})


def tries(session: Session, prompt_id: int) -> list[Attempt]:
    """Every try of a prompt, oldest first."""
    query = select(Attempt).where(col(Attempt.prompt_id) == prompt_id)
    return list(session.scalars(query.order_by(col(Attempt.id))))


def last_try(session: Session, prompt_id: int) -> Attempt | None:
    """The newest try of a prompt."""
    query = select(Attempt).where(col(Attempt.prompt_id) == prompt_id)
    return session.scalars(query.order_by(col(Attempt.id).desc()).limit(1)).first()


def was_in_doubt(session: Session, prompt_id: int) -> bool:
    """Whether of some try of this prompt nobody knows what came of it."""
    query = select(col(Attempt.id)).where(col(Attempt.prompt_id) == prompt_id)
    return session.scalar(query.where(col(Attempt.outcome) == "unknown").limit(1)) is not None


def staff_addresses(session: Session) -> set[str]:
    """Addresses of active staff accounts, lower case."""
    query = select(col(Staff.email)).where(col(Staff.active).is_(True))
    return {email.lower() for email in session.scalars(query)}
