"""Several: the rows of several tables about the same courses, in one statement.

Each table is one part of a UNION ALL; columns of one type share a place in it, and what a table
lacks is NULL there. Rows come back as named tuples of their table's columns: they are for reading.
A page that shows everything about a person would otherwise ask a dozen times.
"""

from __future__ import annotations

import functools
from collections import defaultdict, namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    CompoundSelect,
    Date,
    Float,
    Integer,
    Select,
    String,
    Table,
    Time,
    bindparam,
    cast,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel, col

from .columns import UtcDateTime, table_of
from .tables import Assessment, Course, Retreat

TYPES: dict[type, TypeEngine[Any]] = {
    bool: Boolean(),
    int: Integer(),
    float: Float(),
    date: Date(),
    time: Time(),
    datetime: UtcDateTime(),
    str: String(),
}
Model = type[SQLModel]
Rows = dict[Model, list[Any]]


def about(session: Session, models: Sequence[Model], course_ids: Collection[int]) -> Rows:
    """The rows of each table that belong to these courses: by course, by the person of one
    (`participant_id`, all of that person), by the study of one, or by an assessment that was sent.
    In order of their keys. The session is flushed before."""
    session.flush()
    plan = _plan_of(tuple(models))
    found: Rows = {model: [] for model in models}
    for row in session.execute(plan.query, {"ids": list(course_ids)}):
        model, make = plan.parts[int(row[0])]
        found[model].append(make(row))
    return found


def by_course(rows: Sequence[Any]) -> defaultdict[int, list[Any]]:
    """Rows by their course."""
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.course_id].append(row)
    return grouped


@dataclass(frozen=True)
class _Plan:
    """`parts` say, by a part's number, whose rows it holds and how one is made."""

    query: CompoundSelect[Any]
    parts: Sequence[tuple[Model, Callable[[Any], Any]]]


@functools.cache
def _plan_of(models: tuple[Model, ...]) -> _Plan:
    tables = [table_of(model) for model in models]
    most = {kind: max(len(_of_type(table, kind)) for table in tables) for kind in TYPES}
    parts = [_part(number, table, most) for number, table in enumerate(tables)]
    makers = [(model, _maker(table, most)) for model, table in zip(models, tables, strict=True)]
    return _Plan(union_all(*parts), makers)


def _of_type(table: Table, kind: type) -> list[Column[Any]]:
    return [column for column in table.columns if _python_type(column.type) is kind]


def _python_type(of: TypeEngine[Any]) -> type:
    return (of.impl_instance if isinstance(of, TypeDecorator) else of).python_type


def _part(number: int, table: Table, most: Mapping[type, int]) -> Select[Any]:
    """One table's rows, padded to the common columns."""
    columns: list[ColumnElement[Any]] = [literal(number, Integer()).label("part")]
    for kind, width in most.items():
        own = _of_type(table, kind)
        missing = [cast(null(), TYPES[kind]) for _ in range(width - len(own))]
        columns += [c.label(f"{kind.__name__}_{n}") for n, c in enumerate([*own, *missing])]
    return select(*columns).where(_belongs(table))


# The ids are bound once, however many tables are asked: databases take so many and no more.
_wanted = select(col(Course.id)).where(col(Course.id).in_(bindparam("ids", expanding=True)))
_courses = _wanted.cte("wanted")
_in_retreat = col(Course.retreat_id) == col(Retreat.id)


def _belongs(table: Table) -> ColumnElement[bool]:
    ids = select(_courses.c.id)
    if "course_id" in table.c and not table.c.course_id.nullable:
        return table.c.course_id.in_(ids)
    if "participant_id" in table.c:
        people = select(col(Course.participant_id)).where(col(Course.id).in_(ids))
        return table.c.participant_id.in_(people)
    if "study_id" in table.c:
        studies = select(col(Retreat.study_id)).join(Course, _in_retreat)
        return table.c.study_id.in_(studies.where(col(Course.id).in_(ids)))
    sheets = select(col(Assessment.id)).where(
        col(Assessment.course_id).in_(ids), col(Assessment.submitted_at).is_not(None)
    )
    return table.c.assessment_id.in_(sheets)


def _maker(table: Table, most: Mapping[type, int]) -> Callable[[Any], Any]:
    start, places = 1, dict[str, int]()
    for kind, width in most.items():
        places |= {column.name: start + n for n, column in enumerate(_of_type(table, kind))}
        start += width
    # The columns are the table's own: there is nothing to annotate.
    row_type: Any = namedtuple(table.name, places)  # pyright: ignore[reportUntypedNamedTuple]
    pick = itemgetter(*places.values())
    return lambda row: row_type._make(pick(row))
