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
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from surveyapp.store import schema
from surveyapp.store.database import Database, DatabaseUnavailableError
from tests.filling import VERSION_TABLE, fill

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

Content = dict[str, tuple[list[str], list[tuple[Any, ...]]]]
"""Of each table the names of its columns and its rows."""


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


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A filled SQLite database at each schema, as URLs by revision."""
    folder = tmp_path_factory.mktemp("schemas")
    growing, made, seen = folder / "growing.db", {}, set[str]()
    for number, revision in enumerate(REVISIONS, 1):
        upgrade(f"sqlite:///{growing}", revision)
        filled(f"sqlite:///{growing}", number * 100, seen)
        shutil.copy(growing, folder / f"{revision}.db")
        made[revision] = f"sqlite:///{folder / revision}.db"
    return made


@pytest.mark.parametrize("revision", REVISIONS)
def test_data_of_an_earlier_schema_come_through_whole(
    snapshots: dict[str, str], revision: str
) -> None:
    database = Database(snapshots[revision])
    with database.engine.connect() as connection:
        before = content(connection)
    assert [name for name, (_, found) in before.items() if not found] == []
    schema.migrate(database)
    schema.require_current(database)
    with database.engine.connect() as connection:
        assert lost(before, content(connection)) == []
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    database.close()


def test_postgresql_keeps_at_each_step_what_every_earlier_schema_held(postgresql_url: str) -> None:
    """PostgreSQL checks keys and CHECKs itself, so one database that grows is enough."""
    database, seen = Database(postgresql_url), set[str]()
    before: Content = {}
    for number, revision in enumerate(REVISIONS, 1):
        upgrade(postgresql_url, revision)
        with database.engine.begin() as connection:
            assert lost(before, content(connection)) == []
            fill(connection, number * 100, seen)
            before = content(connection)
        assert [name for name, (_, found) in before.items() if not found] == []
    database.close()


def content(connection: Connection) -> Content:
    found: Content = {}
    for table in set(inspect(connection).get_table_names()) - {VERSION_TABLE}:
        result = connection.exec_driver_sql(f'SELECT * FROM "{table}"')
        found[table] = list(result.keys()), [tuple(row) for row in result]
    return found


def lost(before: Content, after: Content) -> list[str]:
    """What differs in tables and columns that were there, but for what is named above."""
    found: list[str] = []
    for table in sorted(set(before) - set(GONE)):
        old, new = before[table], after.get(table, ([], []))
        kept = [name for name in old[0] if f"{table}.{name}" not in GONE | CHANGED]
        found += [f"{table}.{name} is gone" for name in kept if name not in new[0]]
        shared = [name for name in kept if name in new[0]]
        if rows(*old, shared) != rows(*new, shared):
            found.append(f"rows of {table} differ")
    return found


def rows(
    columns: list[str], values: list[tuple[Any, ...]], names: list[str]
) -> Counter[tuple[Any, ...]]:
    places = [columns.index(name) for name in names]
    return Counter(tuple(row[place] for place in places) for row in values)


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
