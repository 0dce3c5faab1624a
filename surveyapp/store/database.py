"""The database: one engine, two ways in (`read`, `write`), and what makes SQLite safe.

SQLite: WAL, full sync, foreign keys, a busy timeout of 20 s, and `BEGIN IMMEDIATE` for every
write, so that a writer waits at the start and never fails half-way. Only the worker and commands
run checkpoints; web processes leave them alone (SQLite 3.7.0 to 3.51.2 has a rare fault when
two connections reset the write-ahead log at once). PostgreSQL needs none of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session as Session

from .turns import turn

BUSY_MS = 20_000
POOL_SIZE = 20
NO_ROOM = ("disk I/O error", "disk is full", "No space left")
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
FAULTY_WAL = ((3, 7, 0), (3, 51, 2))


class DatabaseUnavailableError(RuntimeError):
    """The database cannot be used now; the message is a sentence for people."""


class Database:
    """Sessions over one database. `url` is an SQLAlchemy URL (sqlite or postgresql+psycopg).

    Raises DatabaseUnavailableError for another one.
    """

    def __init__(self, url: str, *, checkpoints: bool = True) -> None:
        self.url = _known(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._engine(checkpoints)
        self._immediate = self.engine.execution_options(surveyapp_immediate=True)

    def _engine(self, checkpoints: bool) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_size=POOL_SIZE, pool_pre_ping=True)
        arguments = {"check_same_thread": False, "timeout": BUSY_MS / 1000}
        engine = create_engine(self.url, connect_args=arguments, pool_size=POOL_SIZE)
        _prepare_sqlite(engine, checkpoints)
        return engine

    @contextmanager
    def read(self) -> Generator[Session]:
        """A session for reading: one snapshot, rolled back at the end.

        Raises DatabaseUnavailableError when the database is away or locked.
        """
        try:
            with Session(self.engine) as session:
                yield session
        except OperationalError as error:
            raise DatabaseUnavailableError(sentence_of(error, self)) from error

    @contextmanager
    def write(self) -> Generator[Session]:
        """A session whose transaction is committed at the end, or rolled back on any error.

        Raises DatabaseUnavailableError when the database is away or locked.
        """
        try:
            with (
                self.turn(),
                Session(self._immediate, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
        except OperationalError as error:
            raise DatabaseUnavailableError(sentence_of(error, self)) from error

    def turn(self) -> AbstractContextManager[None]:
        """Be the only one who writes to a SQLite file, as far as the others of ours are polite."""
        file = self.url.database if self.is_sqlite else None
        return turn(Path(f"{file}.turn")) if file else nullcontext()

    def close(self) -> None:
        self.engine.dispose()


def _known(url: str) -> URL:
    try:
        found = make_url(url)
    except ArgumentError:
        found = None
    if found is None or found.drivername not in DRIVERS:
        # What was given may hold a password, so it is not repeated.
        raise DatabaseUnavailableError(
            "SURVEYAPP_DATABASE_URL is wrong: write postgresql+psycopg://user:password@host/name, "
            "or leave it out for SQLite."
        )
    return found


def _prepare_sqlite(engine: Engine, checkpoints: bool) -> None:
    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # SQLAlchemy begins transactions itself, see _begin.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_MS}",
            "foreign_keys=ON",
            "synchronous=FULL",
            "recursive_triggers=ON",
            f"wal_autocheckpoint={1000 if checkpoints else 0}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        immediate = connection.get_execution_options().get("surveyapp_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    @event.listens_for(engine, "checkin")
    def _roll_back(connection: sqlite3.Connection | None, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # A commit that failed may leave its transaction open; the next user must not inherit it.
        if connection is not None and connection.in_transaction:
            connection.rollback()


def sqlite_warning() -> str:
    """A sentence when this SQLite has the write-ahead-log fault, else empty."""
    if FAULTY_WAL[0] <= sqlite3.sqlite_version_info <= FAULTY_WAL[1]:
        return (
            f"SQLite {sqlite3.sqlite_version} has a rare fault in its write-ahead log; "
            "use 3.51.3 or newer, or PostgreSQL, for a live study."
        )
    return ""


def sentence_of(error: DBAPIError, database: Database) -> str:
    """What to tell people of a database that failed."""
    where = database.url.render_as_string(hide_password=True)
    if isinstance(error, OperationalError) and "locked" in str(error.orig):
        return f"The database {where} is locked by another program. Close it and try again."
    if any(words in str(error.orig) for words in NO_ROOM):
        return f"The database {where} cannot be written: {error.orig}. Make room on its disk."
    return f"The database {where} cannot be opened: {error.orig}"
