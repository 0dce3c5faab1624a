"""The trail: whole when untouched; any edit, deletion, insertion or reorder names its row."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from surveyapp.store import trail
from surveyapp.store.database import Database
from tests.conftest import NOON

A, B = trail.SYSTEM, "b" * 32


@pytest.fixture
def filled(database: Database) -> Database:
    """Two chains of five events, written alternately."""
    with database.write() as session:
        for number in range(5):
            for chain in (A, B):
                trail.append(session, chain, "noted", "staff:1", NOON, {"n": number, "ü": "é"})
    return database


def verified(database: Database) -> trail.Verified:
    with database.read() as session:
        return trail.verify(session)


def tamper(database: Database, *statements: str) -> None:
    """Change rows as somebody with the database's password could: past the triggers."""
    with database.engine.begin() as connection:
        if database.is_sqlite:
            names = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).scalars()
            for name in list(names):
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE event DISABLE TRIGGER ALL"))
            connection.execute(text("ALTER TABLE event_payload DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))


def test_an_untouched_trail_is_whole(filled: Database) -> None:
    found = verified(filled)
    assert (found.events, found.chains, found.fault) == (10, 2, None)
    assert verified(filled).head == found.head


def test_the_head_moves_with_every_event(filled: Database) -> None:
    before = verified(filled).head
    with filled.write() as session:
        trail.append(session, A, "noted", "staff:1", NOON, {})
    assert verified(filled).head != before


@pytest.mark.parametrize(
    ("statement", "row", "words"),
    [
        (f"UPDATE event SET actor = 'x' WHERE chain = '{A}' AND seq = 3", 3, "header was changed"),
        (f"UPDATE event SET at = at WHERE chain = '{A}' AND seq = 3", 0, ""),
        (
            "UPDATE event_payload SET payload = '{}' WHERE event_uid = "
            f"(SELECT uid FROM event WHERE chain = '{A}' AND seq = 2)",
            2,
            "payload was changed",
        ),
        (
            "DELETE FROM event_payload WHERE event_uid = "
            f"(SELECT uid FROM event WHERE chain = '{A}' AND seq = 4)",
            4,
            "payload is gone",
        ),
        (f"UPDATE event SET seq = seq + 1 WHERE chain = '{A}' AND seq = 5", 6, "is missing"),
    ],
)
def test_an_edit_is_found_and_named(filled: Database, statement: str, row: int, words: str) -> None:
    tamper(filled, statement)
    fault = verified(filled).fault
    if not row:
        assert fault is None
        return
    assert fault is not None
    assert f"number {row})" in fault
    assert words in fault


def test_a_deleted_event_is_found(filled: Database) -> None:
    uid = f"(SELECT uid FROM event WHERE chain = '{A}' AND seq = 2)"
    tamper(
        filled,
        f"DELETE FROM event_payload WHERE event_uid = {uid}",
        f"DELETE FROM event WHERE chain = '{A}' AND seq = 2",
    )
    assert "number 2 is missing" in (verified(filled).fault or "")


def test_a_reorder_is_found(filled: Database) -> None:
    tamper(
        filled,
        f"UPDATE event SET seq = 99 WHERE chain = '{A}' AND seq = 2",
        f"UPDATE event SET seq = 2 WHERE chain = '{A}' AND seq = 3",
        f"UPDATE event SET seq = 3 WHERE chain = '{A}' AND seq = 99",
    )
    assert "does not continue" in (verified(filled).fault or "")


def test_a_payload_that_an_erasure_names_may_be_missing(filled: Database) -> None:
    with filled.read() as session:
        uid = session.execute(
            text("SELECT uid FROM event WHERE chain = :c AND seq = 2"), {"c": B}
        ).scalar_one()
    with filled.write() as session:
        session.execute(text("DELETE FROM event_payload WHERE event_uid = :u"), {"u": uid})
        trail.append(session, A, trail.ERASED, "staff:1", NOON, {"events": [uid]})
    assert verified(filled).fault is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET actor = 'x'",
        "DELETE FROM event",
        "UPDATE event_payload SET payload = '{}'",
    ],
)
def test_the_database_refuses_to_change_the_trail(filled: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), filled.engine.begin() as connection:
        connection.execute(text(statement))
    assert verified(filled).fault is None


def test_an_insert_that_replaces_is_refused(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    from surveyapp.store import schema

    schema.migrate(database)
    with database.write() as session:
        trail.append(session, A, "noted", "staff:1", NOON, {})
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT OR REPLACE INTO event SELECT uid, chain, seq, 'other', actor, at,"
                " commitment, previous, hash FROM event"
            )
        )
    database.close()


def test_payloads_are_kept_apart_from_headers(filled: Database) -> None:
    with filled.read() as session:
        headers = session.execute(text("SELECT * FROM event")).all()
        payloads = session.execute(text("SELECT payload FROM event_payload")).scalars().all()
    assert all("é" not in str(header) for header in headers)
    assert {json.loads(p)["n"] for p in payloads} == set(range(5))
