"""The migrated schema is the one the tables describe, and wrong versions are refused."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from surveyapp.store import schema
from surveyapp.store.database import Database, DatabaseUnavailableError


def test_migrated_schema_equals_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


FIRST_SCHEMA_ROWS = """
INSERT INTO study (id, protocol, protocol_version, mode, title, emergency, crisis_line, phone,
    hours, readers, read_when, created_at)
    VALUES (1, 'second-retreat', '1', 'practice', 'S', '', '', '', '', '', '', '2027-01-01');
INSERT INTO retreat (id, study_id, name, time_zone, created_at)
    VALUES (1, 1, 'R', 'UTC', '2027-01-01');
INSERT INTO participant (id, code, language, time_zone, created_at)
    VALUES (1, 'P-01', 'en', 'UTC', '2027-01-01');
INSERT INTO course (id, participant_id, retreat_id, number, chain, created_at)
    VALUES (1, 1, 1, 1, 'c', '2027-01-01');
INSERT INTO contact (participant_id, kind, sealed, key_version, lookup)
    VALUES (1, 'email', 's', 'k', 'l');
INSERT INTO dose (course_id, kind, status, mg, reason, recorded_at)
    VALUES (1, 'first', 'given', 25, '', '2027-01-01')
"""


def test_later_schemas_keep_people_doses_and_their_checks(database_url: str) -> None:
    database = Database(database_url)
    with database.engine.begin() as connection:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in FIRST_SCHEMA_ROWS.split(";"):
            connection.execute(text(statement))
    assert schema.migrate(database)
    with database.engine.begin() as connection:
        row = connection.execute(text("SELECT anchor, kind, mg FROM dose")).one()
        assert tuple(row) == ("dosing", "first", 25)
        person = connection.execute(text("SELECT code, quiet_from, quiet_until FROM participant"))
        assert tuple(person.one()) == ("P-01", None, None)
        contact = connection.execute(text("SELECT kind, sealed, refused_at FROM contact"))
        assert tuple(contact.one()) == ("email", "s", None)
    contact = """INSERT INTO contact (participant_id, kind, sealed, key_version, lookup)
        VALUES (1, '{}', 's', 'k', 'l')"""
    with database.engine.begin() as connection:
        connection.execute(text(contact.format("phone")))
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text(contact.format("fax")))
    another = """INSERT INTO dose (course_id, anchor, kind, status, mg, reason, recorded_at)
        VALUES (1, '{}', 'first', '{}', 80, '', '2027-01-01')"""
    with database.engine.begin() as connection:
        connection.execute(text(another.format("dosing-2", "given")))
    for anchor, status in (("dosing-2", "given"), ("dosing-3", "lost"), ("dosing-3", "declined")):
        with pytest.raises(IntegrityError), database.engine.begin() as connection:
            connection.execute(text(another.format(anchor, status)))
    database.close()


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert schema.migrate(database) is None
    schema.require_current(database)


def test_first_start_race(sqlite_url: str) -> None:
    """Several programs that start on nothing at once all find a migrated database."""
    faults: list[BaseException] = []

    def start() -> None:
        database = Database(sqlite_url)
        try:
            schema.migrate(database)
            schema.require_current(database)
        except BaseException as error:
            faults.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_newer_database_is_refused(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnavailableError, match="newer than this program"):
        schema.require_current(database)
    with pytest.raises(DatabaseUnavailableError, match="newer than this program"):
        schema.migrate(database)


def test_missing_and_empty_databases_are_named(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(DatabaseUnavailableError, match="surveyapp init"):
        schema.require_current(database)
    (tmp_path / "none.db").touch()
    with pytest.raises(DatabaseUnavailableError, match="is empty"):
        schema.require_current(database)
    database.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database, but long enough to be looked at" * 50)
    database = Database(f"sqlite:///{tmp_path / 'text.db'}")
    with pytest.raises(DatabaseUnavailableError, match="cannot be opened"):
        schema.require_current(database)
    database.close()
