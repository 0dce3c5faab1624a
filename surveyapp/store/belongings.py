"""Belongings: every row that hangs on a person, found by following the foreign keys.

So a new table that refers to a participant, a course, an assessment, a prompt or an alert is
counted, copied and erased with the rest; a test asks for its name in plain words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column, Table, delete, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from . import (
    tables_access,
    tables_care,
    tables_consent,
    tables_entry,
    tables_group,
    tables_reach,
    tables_wording,
)
from .columns import table_of
from .tables import Assessment, Course, Participant

# Named here so that no table is missing when the keys are followed.
ROOMS = (
    tables_access,
    tables_care,
    tables_consent,
    tables_entry,
    tables_group,
    tables_reach,
    tables_wording,
)

PEOPLE = table_of(Participant)
SHEETS = table_of(Assessment)
WORDS = {
    "participant": "the study code, language and time zone",
    "contact": "contact details",
    "pin": "PINs",
    "acknowledgement": "data notices read",
    "course": "courses",
    "anchor": "dosing days",
    "consent": "consents",
    "consent_withdrawal": "withdrawals of consent",
    "course_amendment": "amendments that courses are under",
    "course_wording": "wordings that courses began with",
    "clearance": "confirmations to be asked",
    "assessment": "questionnaires",
    "answer": "answers",
    "score": "scores",
    "former_score": "scores before a correction",
    "correction": "corrections",
    "second_entry": "answers typed a second time",
    "dose": "doses",
    "adverse_event": "adverse events",
    "blood_pressure": "blood pressure readings",
    "alert": "alerts",
    "alert_message": "messages about alerts",
    "prompt": "messages planned or sent",
    "attempt": "tries to send",
    "wish": "reminders asked for",
    "window": "times at which to answer",
    "link": "links",
    "visit": "openings of links",
    "stop": "pauses and stops",
    "attendance": "sessions attended",
    "note": "notes and intentions",
    "missing_form": "reasons for missing forms",
}
"""Tables in plain words."""


@dataclass(frozen=True)
class Belonging:
    """Some rows of one table, as a condition."""

    table: Table
    condition: Any

    @property
    def words(self) -> str:
        return WORDS.get(self.table.name, self.table.name.replace("_", " "))


@cache
def hanging(root: Table = PEOPLE) -> dict[Table, tuple[Column[Any], ...]]:
    """The tables that hang on `root`, parents first, with the columns that lead there."""
    found: dict[Table, tuple[Column[Any], ...]] = {root: ()}
    for table in SQLModel.metadata.sorted_tables:
        leading = [key.parent for key in table.foreign_keys if key.column.table in found]
        if leading and table is not root:
            found[table] = tuple(sorted(leading, key=lambda column: column.name))
    return found


def belongings(session: Session, ids: Sequence[int], root: Table = PEOPLE) -> Iterator[Belonging]:
    """Everything that hangs on these rows of `root` and they themselves, parents first."""
    keys: dict[Table, Sequence[int]] = {root: ids}
    yield Belonging(root, root.c.id.in_(ids))
    for table, leading in hanging(root).items():
        if table is root:
            continue
        condition = or_(*(column.in_(keys[_parent(column)]) for column in leading))
        if any(_parent(c) is table for columns in hanging(root).values() for c in columns):
            keys[table] = session.scalars(select(table.c.id).where(condition)).all()
        yield Belonging(table, condition)


def _parent(column: Column[Any]) -> Table:
    return next(iter(column.foreign_keys)).column.table


def count(session: Session, belonging: Belonging) -> int:
    query = select(func.count()).select_from(belonging.table).where(belonging.condition)
    return session.scalar(query) or 0


def rows(session: Session, belonging: Belonging) -> Sequence[Any]:
    """In the order of the primary key."""
    table = belonging.table
    query = select(table).where(belonging.condition).order_by(*table.primary_key.columns)
    return session.execute(query).mappings().all()


def remove(session: Session, found: Sequence[Belonging]) -> int:
    """Delete these rows, children first; how many."""
    removed = 0
    for belonging in reversed(found):
        result: Any = session.execute(delete(belonging.table).where(belonging.condition))
        removed += int(result.rowcount)
    session.expire_all()
    return removed


def chains_of(session: Session, person: int) -> list[str]:
    """The audit chains of a person's courses."""
    query = select(col(Course.chain)).where(col(Course.participant_id) == person)
    return list(session.scalars(query))
