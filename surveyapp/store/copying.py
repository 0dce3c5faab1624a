"""Copying: one moment of the whole database as a file, and what is known of it.

SQLite is copied by its own backup interface while others write. A read transaction pins the moment,
so that no writer waits and the copy never starts anew. PostgreSQL is in `store.postgresql`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, inspect, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlmodel import col

from . import instance, trail
from .database import BUSY_MS, Database, DatabaseUnavailableError
from .tables import Contact
from .trail import Verified

PAGES = 2000
"""Copied in one step: 8 MB."""


class CopyFailedError(RuntimeError):
    """The database cannot be copied or put back; the message is a sentence for people."""


FAULTS = (CopyFailedError, DatabaseUnavailableError, DBAPIError, sqlite3.Error)
"""What a database that is damaged, away or out of room raises."""


def words_of(error: Exception) -> str:
    """What it says, without the statement and its values."""
    return str(error.orig if isinstance(error, DBAPIError) else error)


@dataclass(frozen=True)
class Facts:
    """What a copy must still be after it was put back. `contact_keys` are names of keys."""

    schema: str
    mark: str
    counts: Mapping[str, int]
    contact_keys: tuple[str, ...]
    trail: Verified


def facts_of(session: Session) -> Facts:
    """Of the database as this session sees it."""
    row = instance.instance(session)
    keys = session.scalars(select(col(Contact.key_version)).distinct())
    return Facts(
        schema_of(session),
        row.mark if row else "",
        counts_of(session),
        tuple(sorted(keys)),
        trail.verify(session),
    )


def schema_of(session: Session) -> str:
    return MigrationContext.configure(session.connection()).get_current_revision() or ""


def counts_of(session: Session) -> dict[str, int]:
    """The rows of every table, by its name."""
    names = sorted(inspect(session.connection()).get_table_names())
    query = select(func.count())
    return {name: session.scalar(query.select_from(table(name))) or 0 for name in names}


def copy_sqlite(database: Database, path: Path) -> None:
    """One moment of a SQLite database as a file of its own. Raises CopyFailedError."""
    try:
        with (
            closing(_open(database.url.database or "")) as source,
            closing(_open(str(path))) as target,
        ):
            target.execute("PRAGMA synchronous=OFF")
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(target, pages=PAGES)
            source.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise CopyFailedError(f"the database could not be copied: {error}") from error


def _open(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)


def damage(database: Database) -> str:
    """The first fault that SQLite finds in its own file, or a row whose parent is missing; empty
    when it is sound, and for PostgreSQL, which checks both as it takes rows in."""
    if not database.is_sqlite:
        return ""
    with database.read() as session:
        found = session.scalar(text("PRAGMA integrity_check(1)"))
        if found != "ok":
            return str(found)
        orphan: Any = session.execute(text("PRAGMA foreign_key_check")).first()
        return f"a row of {orphan[0]} belongs to a {orphan[2]} that is not there" if orphan else ""


def settle(database: Database) -> None:
    """Everything that was written is in the one file. Raises CopyFailedError."""
    with closing(_open(database.url.database or "")) as file:
        busy, *_ = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise CopyFailedError("another program has the restored database open.")
