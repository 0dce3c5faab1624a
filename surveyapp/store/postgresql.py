"""PostgreSQL's own tools: `pg_dump` and `pg_restore`, found on the PATH.

The password goes to them through the environment, where other users of the machine cannot read it.
A dump is one snapshot: the same in which the rows were counted and the trail was checked.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from .copying import CopyFailedError, Facts, facts_of
from .database import Database

PG_DUMP, PG_RESTORE = "pg_dump", "pg_restore"
SCRATCH = "surveyapp_drill_"


@dataclass(frozen=True)
class _Run:
    """How a tool reaches a database: a connection string without password, and the environment."""

    conninfo: str
    environment: dict[str, str]


def dump(database: Database, path: Path) -> Facts:
    """One snapshot of the database as a file of pg_dump's own format. Raises CopyFailedError."""
    with database.read() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        tool = _tool(PG_DUMP, session)
        snapshot = str(session.scalar(text("SELECT pg_export_snapshot()")))
        how = ["--format=custom", "--compress=0", "--no-owner", "--no-privileges"]
        _call(tool, [*how, f"--snapshot={snapshot}", f"--file={path}"], database.url)
        return facts_of(session)


def load(path: Path, database: Database) -> None:
    """Put a dump into an empty database, all of it or nothing. Raises CopyFailedError."""
    with database.read() as session:
        tool = _tool(PG_RESTORE, session)
    how = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _call(tool, [*how, str(path)], database.url)


def listing(path: Path) -> int:
    """How many things a dump holds, without a server. Raises CopyFailedError."""
    tool = shutil.which(PG_RESTORE)
    if tool is None:
        raise CopyFailedError(_missing(PG_RESTORE))
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [tool, "--list", str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CopyFailedError(f"{PG_RESTORE} cannot read it: {_last(done.stderr)}")
    return sum(1 for line in done.stdout.splitlines() if line and not line.startswith(";"))


def contents(session: Session) -> list[str]:
    """Names of tables and the like that a database has of its own; none in an empty one."""
    query = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
          AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1"""
    return list(session.scalars(text(query)))


def empty(database: Database) -> None:
    """Take out what was put into a database that had been empty."""
    kinds = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "S": "SEQUENCE"}
    relations = """SELECT c.relkind::text, c.oid::regclass::text FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r','p','v','S')"""
    functions = """SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace"""
    with database.write() as session:
        for kind, name in session.execute(text(relations)).all():
            session.execute(text(f"DROP {kinds[kind]} IF EXISTS {name} CASCADE"))
        for name in session.scalars(text(functions)).all():
            session.execute(text(f"DROP FUNCTION IF EXISTS {name} CASCADE"))


@contextmanager
def scratch(database: Database) -> Generator[Database | None]:
    """A database for a while beside this one; None when this role may not make one."""
    name = SCRATCH + secrets.token_hex(6)
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    _drop_leftovers(engine)
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    except DBAPIError:
        yield None
        return
    made = Database(database.url.set(database=name).render_as_string(hide_password=False))
    try:
        yield made
    finally:
        made.close()
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


def _drop_leftovers(engine: Engine) -> None:
    """What a drill that was killed left; one that somebody is connected to stays."""
    query = """SELECT datname FROM pg_database WHERE datname ~ '^surveyapp_drill_[0-9a-f]{12}$'
        AND datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)"""
    with engine.connect() as connection:
        for name in connection.scalars(text(query)).all():
            with suppress(DBAPIError):
                connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))


def _tool(name: str, session: Session) -> str:
    """Where the tool is, not older than the server. Raises CopyFailedError."""
    tool = shutil.which(name)
    if tool is None:
        raise CopyFailedError(_missing(name))
    server = int(session.scalar(text("SHOW server_version_num")) or 0) // 10_000
    asked = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [tool, "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"(\d+)", asked.stdout)
    if found is None or int(found[1]) < server:
        has = f"is version {found[1]}" if found else "does not start"
        raise CopyFailedError(
            f"{tool} {has} and the server is PostgreSQL {server}: install PostgreSQL's client "
            f"programs of version {server} and put them first on the PATH."
        )
    return tool


def _missing(name: str) -> str:
    return f"{name} is not on the PATH: install PostgreSQL's client programs on this machine."


def _call(tool: str, how: Sequence[str], url: URL) -> None:
    run = _reach(url)
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [tool, "--no-password", f"--dbname={run.conninfo}", *how],
        env=run.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        name = Path(tool).name
        if done.returncode < 0:
            stopped = signal.Signals(-done.returncode).name
            raise CopyFailedError(f"{name} was stopped by the system ({stopped}).")
        raise CopyFailedError(f"{name} failed: {_last(done.stderr)}")


def _reach(url: URL) -> _Run:
    given = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "dbname": url.database,
        **{name: value for name, value in url.query.items() if isinstance(value, str)},
    }
    word = given.pop("password", url.password)
    conninfo = make_conninfo("", **{k: str(v) for k, v in given.items() if v is not None})
    password = {} if word is None else {"PGPASSWORD": str(word)}
    return _Run(conninfo, {**os.environ, "LC_MESSAGES": "C", **password})


def _last(said: str) -> str:
    """The tool's first word of what is wrong; details below it may quote rows."""
    lines = [line for line in said.splitlines() if "error:" in line or "fatal" in line.lower()]
    return (lines or said.strip().splitlines() or ["it said nothing"])[0][:300]
