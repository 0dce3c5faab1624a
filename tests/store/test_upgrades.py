"""Data of every earlier schema come through the migrations whole, on both databases.

The tables of each schema are filled from what the database says of them, so a new migration is
tried without a word here. One that drops or changes what was there fails until it is named below,
with why nobody loses by it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, text

from surveyapp.store import schema
from surveyapp.store.database import Database, DatabaseUnavailableError
from tests.conftest import database_on
from tests.filling import fill, tables_of

REVISIONS = [
    script.revision
    for script in reversed(
        list(ScriptDirectory.from_config(schema._config()).walk_revisions("base", "heads"))
    )
]

GONE: dict[str, str] = {}
"""`table` or `table.column` that a migration drops, and why nobody loses by it."""

CHANGED: dict[str, str] = {}
"""`table.column` whose values a migration changes, and why."""

Content = dict[str, dict[str, list[Any]]]
"""Values by table and column; of one table all lists are in the order of its rows."""


def upgrade(url: str, revision: str) -> None:
    database = Database(url)
    with database.engine.begin() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()


def filled(url: str, number: int, seen: set[str]) -> None:
    database = Database(url)
    with database.engine.begin() as connection:
        fill(connection, number, seen)
    database.close()


@contextmanager
def sqlite_snapshots(folder: Path) -> Iterator[dict[str, str]]:
    """A filled database at each schema, as URLs by revision."""
    growing, made, seen = folder / "growing.db", {}, set[str]()
    for number, revision in enumerate(REVISIONS, 1):
        upgrade(f"sqlite:///{growing}", revision)
        filled(f"sqlite:///{growing}", number * 100, seen)
        shutil.copy(growing, folder / f"{revision}.db")
        made[revision] = f"sqlite:///{folder / revision}.db"
    yield made


@contextmanager
def postgresql_snapshots(server: str) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        before, made, seen = "template1", {}, set[str]()
        for number, revision in enumerate(REVISIONS, 1):
            url = stack.enter_context(database_on(server, before))
            upgrade(url, revision)
            filled(url, number * 100, seen)
            made[revision] = url
            before = url.partition("?")[0].rpartition("/")[2]
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def snapshots(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        with sqlite_snapshots(tmp_path_factory.mktemp("schemas")) as made:
            yield made
    else:
        with postgresql_snapshots(request.getfixturevalue("postgresql")) as made:
            yield made


@pytest.mark.parametrize("revision", REVISIONS)
def test_data_of_an_earlier_schema_come_through_whole(
    snapshots: dict[str, str], revision: str
) -> None:
    database = Database(snapshots[revision])
    with database.engine.connect() as connection:
        before = content(connection)
    assert before
    schema.migrate(database)
    schema.require_current(database)
    with database.engine.connect() as connection:
        after = content(connection)
        assert lost(before, after) == []
        if database.is_sqlite:
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    database.close()


def content(connection: Connection) -> Content:
    return {table.name: columns(connection, table) for table in tables_of(connection)}


def columns(connection: Connection, table: Table) -> dict[str, list[Any]]:
    rows = connection.execute(table.select().order_by(*table.primary_key)).mappings().all()
    return {column.name: [row[column.name] for row in rows] for column in table.columns}


def lost(before: Content, after: Content) -> list[str]:
    """What differs in tables and columns that were there, but for what is named above."""
    found: list[str] = []
    for table, old in before.items():
        if table in GONE:
            continue
        new = after.get(table, {})
        kept = [name for name in old if f"{table}.{name}" not in GONE | CHANGED]
        found += [f"{table}.{name} is gone" for name in kept if name not in new]
        shared = [name for name in kept if name in new]
        if rows(old, shared) != rows(new, shared):
            found.append(f"rows of {table} differ")
    return found


def rows(values: dict[str, list[Any]], names: list[str]) -> Counter[tuple[Any, ...]]:
    return Counter(zip(*(values[name] for name in names), strict=True))


def test_every_schema_fills_every_table(snapshots: dict[str, str]) -> None:
    database = Database(snapshots[REVISIONS[-1]])
    with database.engine.connect() as connection:
        empty = [name for name, values in content(connection).items() if not any(values.values())]
    assert empty == []
    database.close()


def test_a_migration_that_loses_a_row_or_a_value_is_found(sqlite_url: str) -> None:
    """The comparison itself: what it must not let through."""
    upgrade(sqlite_url, "head")
    filled(sqlite_url, 1, set())
    database = Database(sqlite_url)
    with database.engine.begin() as connection:
        before = content(connection)
        connection.execute(text("DELETE FROM wish WHERE number = (SELECT min(number) FROM wish)"))
        connection.execute(text("UPDATE note SET text = 'other'"))
        connection.execute(text("DROP TABLE heartbeat"))
        connection.execute(text("ALTER TABLE adverse_event DROP COLUMN note"))
        after = content(connection)
    database.close()
    assert [line for line in lost(before, after) if "heartbeat" not in line] == [
        "adverse_event.note is gone",
        "rows of note differ",
        "rows of wish differ",
    ]
    assert "heartbeat.at is gone" in lost(before, after)


# A migration is all or nothing, whatever ends it.

KILLED_AT = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from surveyapp.store import schema
from surveyapp.store.database import Database, DatabaseUnavailableError
left = int(sys.argv[2])
@event.listens_for(Engine, "after_cursor_execute")
def count(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
schema.migrate(Database(sys.argv[1]))
"""


@pytest.fixture
def first_schema(database_url: str) -> Iterator[Database]:
    """A filled database of the first schema."""
    upgrade(database_url, REVISIONS[0])
    filled(database_url, 1, set())
    database = Database(database_url)
    yield database
    database.close()


@pytest.mark.parametrize("statements", [40])
def test_a_migration_that_is_killed_leaves_the_earlier_schema(
    first_schema: Database, statements: int
) -> None:
    with first_schema.engine.connect() as connection:
        before = content(connection)
    url = first_schema.url.render_as_string(hide_password=False)
    words = [sys.executable, "-c", KILLED_AT, url, str(statements)]
    root = str(Path(__file__).parents[2])
    done = subprocess.run(words, env={**os.environ, "PYTHONPATH": root}, check=False)
    assert done.returncode == -signal.SIGKILL
    with first_schema.engine.connect() as connection:
        assert content(connection) == before
    with pytest.raises(DatabaseUnavailableError, match=f"older schema {REVISIONS[0]}"):
        schema.require_current(first_schema)
    assert schema.migrate(first_schema)


def test_a_migration_that_fails_says_so_and_leaves_the_earlier_schema(
    first_schema: Database,
) -> None:
    with first_schema.engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (somebody VARCHAR)"))
        before = content(connection)
    with pytest.raises(schema.MigrationFailedError, match="nothing was lost"):
        schema.migrate(first_schema)
    with first_schema.engine.begin() as connection:
        assert content(connection) == before
        connection.execute(text("DROP TABLE note"))
    assert schema.migrate(first_schema)
