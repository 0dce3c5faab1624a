"""The trail: whole when untouched; any edit, deletion, insertion or reorder names its row."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from surveyapp.services.site import Site
from surveyapp.store import trail
from surveyapp.store.database import Database, Session
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


def test_a_header_is_hashed_as_a_json_list_of_its_fields() -> None:
    fields = {"uid": "u", "chain": "c", "seq": 3, "kind": 'na\u00efve "\\\n', "actor": "\U0001f600"}
    fields |= {"commitment": "1", "previous": "0"}
    listed = ["0", "u", "c", 3, fields["kind"], fields["actor"], NOON.isoformat(), "1"]
    expected = hashlib.sha256(json.dumps(listed, ensure_ascii=False).encode()).hexdigest()
    assert trail.header_hash(**fields, at=NOON) == expected  # pyright: ignore[reportArgumentType]


def uid_of(database: Database, seq: int, chain: str = A) -> str:
    with database.read() as session:
        query = text("SELECT uid FROM event WHERE chain = :c AND seq = :s")
        return session.execute(query, {"c": chain, "s": seq}).scalar_one()


def test_an_erasure_is_told_and_cannot_be_forged_or_hidden(filled: Database) -> None:
    gone = uid_of(filled, 2, B)
    with filled.write() as session:
        session.execute(text("DELETE FROM event_payload WHERE event_uid = :u"), {"u": gone})
        trail.append(session, A, trail.ERASED, "staff:7", NOON, {"events": [gone]})
    found = verified(filled)
    assert (found.gone, [(e.actor, e.named) for e in found.erasures]) == (1, [("staff:7", 1)])
    erasure, other = uid_of(filled, 6), uid_of(filled, 3, B)
    # What the erasure says is part of the chain: it cannot name another one afterwards.
    also = json.dumps({"events": [gone, other]})
    tamper(
        filled,
        f"UPDATE event_payload SET payload = '{also}' WHERE event_uid = '{erasure}'",
        f"DELETE FROM event_payload WHERE event_uid = '{other}'",
    )
    assert f"event {erasure}" in (verified(filled).fault or "")


def test_an_erasure_is_never_erased_itself(filled: Database) -> None:
    with filled.write() as session:
        trail.append(session, A, trail.ERASED, "staff:7", NOON, {"events": []})
        first = uid_in(session, 6)
        trail.append(session, A, trail.ERASED, "staff:7", NOON, {"events": [first]})
    tamper(filled, f"DELETE FROM event_payload WHERE event_uid = '{first}'")
    assert "no erasure names it" in (verified(filled).fault or "")


def uid_in(session: Session, seq: int) -> str:
    query = text("SELECT uid FROM event WHERE chain = :c AND seq = :s")
    return session.execute(query, {"c": A, "s": seq}).scalar_one()


def test_against_a_head_kept_outside_a_cut_end_is_found(filled: Database) -> None:
    with filled.read() as session:
        kept = trail.heads(session)
    assert kept.head == verified(filled).head
    assert kept.events == 10
    uid = f"(SELECT uid FROM event WHERE chain = '{B}' AND seq = 5)"
    tamper(
        filled,
        f"DELETE FROM event_payload WHERE event_uid = {uid}",
        f"DELETE FROM event WHERE chain = '{B}' AND seq = 5",
    )
    assert verified(filled).fault is None
    with filled.read() as session:
        fault = trail.verify(session, kept).fault
    assert fault is not None
    assert "cut off" in fault
    assert "number 5" in fault


def test_it_tells_how_far_it_is(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail, "TOLD_EVERY", 4)
    told: list[int] = []
    with filled.read() as session:
        trail.verify(session, None, told.append)
    assert told == [4, 8]


@pytest.mark.parametrize("value", ["x'ff'", "CAST(x'ff' AS TEXT)"])
def test_what_is_no_text_is_named(sqlite_site: Site, value: str) -> None:
    database = sqlite_site.database
    with database.write() as session:
        for _ in range(3):
            trail.append(session, A, "noted", "staff:1", NOON, {})
    tamper(database, f"UPDATE event SET actor = {value} WHERE chain = '{A}' AND seq = 2")
    fault = verified(database).fault or ""
    assert "number 2)" in fault or "cannot be read" in fault
