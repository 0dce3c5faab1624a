"""The schema's version: migrate, and refuse to run on a database of another version.

Migration and the switch to the write-ahead log happen under one lock, before any worker starts:
two programs that did it side by side at first start have failed each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from .before import copy_before
from .database import Database, DatabaseUnavailableError, sentence_of

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 7_266_391


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def head() -> str:
    """The schema version this program works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def knows(revision: str) -> bool:
    """Whether this program can bring a schema of this version to its own."""
    return revision in _known()


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


@dataclass(frozen=True)
class Migrated:
    """What a migration did: the schema before ("" in an empty database), and the copy it left."""

    before: str
    copy: Path | None


class MigrationFailedError(DatabaseUnavailableError):
    """The migration did not finish and nothing of it is left; the message says what to do."""


def migrate(database: Database, *, keep_copy: bool = True) -> Migrated | None:
    """Bring the schema to this program's version; None when it has it already.

    `keep_copy` is False where what is migrated is itself a copy, as in a restore. Raises
    DatabaseUnavailableError when the database is away or newer than the program, and
    MigrationFailedError when it stayed at its earlier schema.
    """
    try:
        with _alone(database), database.engine.connect() as connection:
            if database.is_sqlite:
                # Outside a transaction, where alone SQLite allows it.
                raw = connection.connection.dbapi_connection
                assert raw is not None
                raw.execute("PRAGMA journal_mode=WAL")  # pyright: ignore[reportAttributeAccessIssue]
            with connection.begin():
                current = MigrationContext.configure(connection).get_current_revision()
            if current == head():
                return None
            _refuse_newer(current, database)
            copy = _copied(database, current or "") if keep_copy else None
            _upgrade(connection, current or "")
            return Migrated(current or "", copy)
    except DBAPIError as error:
        raise DatabaseUnavailableError(sentence_of(error, database)) from error


def _copied(database: Database, current: str) -> Path | None:
    try:
        return copy_before(database, current)
    except (sqlite3.Error, OSError) as error:
        raise MigrationFailedError(_failed(current, error)) from error


def _upgrade(connection: Connection, current: str) -> None:
    """All steps in one transaction: either the whole way, or nothing of it."""
    # Waits at its start for a writer in SQLite, as every write does.
    connection.execution_options(surveyapp_immediate=True)
    config = _config()
    config.attributes["connection"] = connection
    try:
        with connection.begin():
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise MigrationFailedError(_failed(current, error)) from error


def _failed(current: str, error: Exception) -> str:
    cause = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    left = f"has the schema {current} as before, and nothing was lost" if current else "is empty"
    return (
        f"The migration to the schema {head()} stopped: {cause}. The database {left}. Put right "
        "what hindered it (is the disk full, does another program hold the database?), then run "
        "`surveyapp init` again; until then the program that you had before still works."
    )


@contextlib.contextmanager
def _alone(database: Database) -> Generator[None]:
    """One migration at a time: a file lock beside SQLite, an advisory lock in PostgreSQL."""
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
        return
    path = Path(database.url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # SQLite gives its log the same mode; the folder may be one that others can read.
    path.touch(mode=0o600)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def require_current(database: Database) -> None:
    """Raises DatabaseUnavailableError unless the database is there and of this version."""
    if database.is_sqlite and not Path(database.url.database or "").exists():
        where = database.url.database
        raise DatabaseUnavailableError(f"There is no database at {where}. Run `surveyapp init`.")
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise DatabaseUnavailableError(sentence_of(error, database)) from error
    if current is None:
        raise DatabaseUnavailableError("The database is empty. Run `surveyapp init`.")
    _refuse_newer(current, database)
    if current != head():
        raise DatabaseUnavailableError(
            f"The database has the older schema {current}; this program needs {head()}. "
            "Make a backup, stop `serve` and `worker`, then run `surveyapp init`."
        )


def _refuse_newer(current: str | None, database: Database) -> None:
    if current is not None and current not in _known():
        where = database.url.render_as_string(hide_password=True)
        raise DatabaseUnavailableError(
            f"The database {where} has the schema {current}, which is newer than this program. "
            "Start the version of surveyapp that wrote it."
        )
