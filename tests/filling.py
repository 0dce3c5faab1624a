"""Rows for every table of a schema that is known only from the database itself.

A later program has no classes for the tables of an earlier one, so the tables are read from the
database: types, foreign keys, and the words and numbers that its CHECK constraints name. What
satisfies a constraint is found by trying, each try in a savepoint of its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, inspect, select
from sqlalchemy.exc import DBAPIError

Row = dict[str, Any]

FIRST_DAY = datetime(2027, 1, 1, 9, 30, tzinfo=UTC)
ROWS = 3
"""How many rows of a table are tried beside one for each word that a CHECK names."""
TRIES = 600
VERSION_TABLE = "alembic_version"


def fill(connection: Connection, start: int, seen: set[str] | None = None) -> None:
    """At least one row in every table; `start` keeps what must differ apart from earlier calls.

    Tables that look as they did in an earlier call with the same `seen` are left alone. Raises
    AssertionError naming a table that could not be filled.
    """
    checks = _checks(connection)
    for table in _tables(connection, _unseen(connection, checks, set() if seen is None else seen)):
        of_it = checks.get(table.name, [])
        named = {c.name: _named(c, of_it) for c in table.columns if _is_checked(c, of_it)}
        wanted = [{}, *({name: value} for name, values in named.items() for value in values)]
        for number, fixed in enumerate(itertools.chain([{}] * ROWS, wanted), start):
            _insert_one(connection, table, named, fixed, number)
        assert connection.execute(select(table).limit(1)).first(), f"no row fits {table.name}"


def _unseen(connection: Connection, checks: dict[str, list[str]], seen: set[str]) -> list[str]:
    """Names of the tables whose columns or checks are new."""
    found: list[str] = []
    for (_, name), columns in inspect(connection).get_multi_columns().items():
        plain = [(c["name"], str(c["type"]), c["nullable"]) for c in columns]
        looks = repr((name, plain, checks.get(name)))
        if name != VERSION_TABLE and looks not in seen:
            seen.add(looks)
            found.append(name)
    return found


def _tables(connection: Connection, names: list[str]) -> list[Table]:
    """These tables, those referred to first."""
    metadata = MetaData()
    metadata.reflect(connection, only=names)
    return [table for table in metadata.sorted_tables if table.name in names]


def _checks(connection: Connection) -> dict[str, list[str]]:
    """The CHECK constraints of every table, as the database tells them."""
    found = inspect(connection).get_multi_check_constraints()
    return {name: [check["sqltext"] for check in checks] for (_, name), checks in found.items()}


def _insert_one(
    connection: Connection, table: Table, named: dict[str, list[Any]], fixed: Row, number: int
) -> None:
    base = {c.name: _value(connection, c, number) for c in table.columns if not _is_counted(c)}
    insert = table.insert()
    for choice in itertools.islice(_choices(named, fixed), TRIES):
        savepoint = connection.begin_nested()
        try:
            connection.execute(insert, base | choice)
        except DBAPIError:
            savepoint.rollback()
        else:
            savepoint.commit()
            return


def _choices(named: dict[str, list[Any]], fixed: Row) -> Iterator[Row]:
    names = [name for name in named if name not in fixed]
    for values in itertools.product(*(named[name] for name in names)):
        yield {**dict(zip(names, values, strict=True)), **fixed}


def _is_checked(column: Column[Any], checks: list[str]) -> bool:
    return any(re.search(rf"\b{column.name}\b", check) for check in checks)


def _named(column: Column[Any], checks: list[str]) -> list[Any]:
    """What a checked column may hold: nothing, a plain value, and what its CHECKs name."""
    texts = [check for check in checks if re.search(rf"\b{column.name}\b", check)]
    kind = column.type.python_type
    if kind is bool:
        values: list[Any] = [True, False]
    elif kind is str:
        values = [word for text in texts for word in re.findall(r"'([^']*)'", text)]
    elif kind in (int, float):
        values = [1, *(int(n) + 1 for text in texts for n in re.findall(r"\b\d+\b", text))]
    else:
        values = [_plain(kind, 1, column.name), _plain(kind, 2, column.name)]
    values = list(dict.fromkeys(values)) or [_plain(kind, 1, column.name)]
    return [*values, None] if column.nullable else values


def _is_counted(column: Column[Any]) -> bool:
    """True where the database numbers the rows itself."""
    table = column.table
    alone = len(table.primary_key) == 1 and column.primary_key
    return alone and column.type.python_type is int and not column.foreign_keys


def _value(connection: Connection, column: Column[Any], number: int) -> Any:
    for key in column.foreign_keys:
        target = key.column
        found = connection.scalars(select(target).order_by(target)).all()
        # Mixed, so that two references of one row do not walk in step.
        return found[(number + number // len(found) * (column.name > "m")) % len(found)]
    return _plain(column.type.python_type, number, column.name)


def _plain(kind: type, number: int, name: str) -> Any:
    day = FIRST_DAY + timedelta(days=number)
    plain: dict[type, Any] = {
        str: f"{name} {number}",
        int: number,
        float: number + 0.5,
        bool: number % 2 == 0,
        datetime: day,
        date: day.date(),
        time: time(number % 24, 15),
        bytes: f"{name} {number}".encode(),
        dict: {name: number},
    }
    return plain[kind]
