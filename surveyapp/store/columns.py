"""Column types and constraints shared by the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, DateTime, Table, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; SQLite keeps it without zone, PostgreSQL with."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time may not be stored: {value}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(column: str, allowed: Sequence[str]) -> CheckConstraint:
    """A CHECK that a text column holds one of a few words."""
    listed = ", ".join(f"'{word}'" for word in allowed)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def check(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(condition, name=name)


EMPTY = {"server_default": text("''")}
"""Of text columns that came later: rows from before have no words."""

Args = tuple[Any, ...]


def table_of(model: type[SQLModel]) -> Table:
    """The Core table of a model, for statements that are built once."""
    return cast(Table, model.__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def put_edition(
    session: Session, model: type[SQLModel], key: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """Write a row of a table with editions, new or in place; its edition rises."""
    row: Any = session.get(model, tuple(key.values()))
    if row is None:
        row = model(**key, **values)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.edition += 1
    session.flush()
