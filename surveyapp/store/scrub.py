"""Scrub: rewrite the live files, so that nothing stays in them of what was deleted.

SQLite: VACUUM copies what is there into fresh pages; then the write-ahead log, which still holds
the old ones, is copied back and cut to nothing. That must wait for whoever reads an older state.
PostgreSQL: VACUUM FULL rewrites each table and its indexes; it keeps what an older transaction may
still see, so those are waited for first. Its write-ahead log, archives and replicas are outside.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from .belongings import hanging
from .columns import table_of
from .database import BUSY_MS, Database
from .erasing import FREE_WORDS

PATIENCE_SECONDS = 10.0
LOOK_SECONDS, LOOK_MS = 0.05, 50
LOCK_SECONDS = 5
OTHERS = ("event_payload", "pg_statistic")
"""Tables besides those that hang on a person; the last holds samples of what columns contain."""
_older = text(
    "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND datname = current_database() AND backend_xmin IS NOT NULL"
    " AND age(backend_xmin) > age(CAST(CAST(:newest AS text) AS xid))"
)


class ScrubError(RuntimeError):
    """The files could not be rewritten, for example because the disk is full."""


def scrub(database: Database, patience: float = PATIENCE_SECONDS) -> bool:
    """Rewrite the files; False when somebody held an older state for longer than `patience`
    seconds, and it must be done again. Raises ScrubError."""
    return _sqlite(database, patience) if database.is_sqlite else _postgresql(database, patience)


def _sqlite(database: Database, patience: float) -> bool:
    # With the turn in hand no other process of ours resets the log at the same moment.
    with database.turn(), database.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        try:
            raw.execute(f"PRAGMA busy_timeout={LOOK_MS}")
            return _soon(lambda: _vacuum(raw), patience) and _soon(lambda: _emptied(raw), patience)
        finally:
            raw.execute(f"PRAGMA busy_timeout={BUSY_MS}")


def _soon(done: Callable[[], bool], patience: float) -> bool:
    end = time.monotonic() + patience
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_SECONDS)  # between two looks; `done` decides
    return True


def _vacuum(raw: Any) -> bool:
    try:
        raw.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return False
        raise ScrubError(str(error)) from error
    return True


def _emptied(raw: Any) -> bool:
    """Copy the log back and cut it to nothing, unless somebody still reads from it."""
    try:
        busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        raise ScrubError(str(error)) from error
    return not busy


def _postgresql(database: Database, patience: float) -> bool:
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
        try:
            return _nobody_older(connection, patience) and _rewrite(connection, _tables())
        finally:
            connection.execute(text("RESET lock_timeout"))


def _tables() -> list[str]:
    free = [table_of(model).name for model, _ in FREE_WORDS]
    return sorted({table.name for table in hanging()} | set(free)) + list(OTHERS)


def _nobody_older(connection: Connection, patience: float) -> bool:
    """Wait until no transaction is left that began before now."""
    newest = connection.scalar(text("SELECT CAST(pg_current_xact_id() AS xid)::text"))
    return _soon(lambda: not connection.scalar(_older, {"newest": newest}), patience)


def _rewrite(connection: Connection, names: Collection[str]) -> bool:
    for name in names:
        try:
            connection.execute(text(f'VACUUM (FULL, ANALYZE) "{name}"'))
        except OperationalError:  # locked for long: the next try comes by
            return False
        except DBAPIError as error:
            if name.startswith("pg_"):  # not ours to rewrite here; the docs say so
                continue
            raise ScrubError(str(error.orig)) from error
    return True
