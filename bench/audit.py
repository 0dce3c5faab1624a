"""How many events of the trail are verified in a second, of a trail as a large study leaves it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert
from sqlmodel import SQLModel

from surveyapp.store import schema, trail
from surveyapp.store.columns import table_of
from surveyapp.store.database import Database
from surveyapp.store.tables_access import Event, EventPayload

EVENTS = 200_000
PER_CHAIN = 100
SLICE = 10_000
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PAYLOAD: dict[str, object] = {
    "timepoint": "day-8",
    "answers": [
        {
            "instrument": "meq30",
            "item": "meq30-17",
            "value": 4,
            "skip": None,
            "given_at": "2026-03-01T09:12:44.123456+00:00",
        }
    ],
}


def audit_figures(folder: Path) -> dict[str, float]:
    """The rate over a SQLite file of its own."""
    database = Database(f"sqlite:///{folder / 'audit.db'}")
    schema.migrate(database)
    try:
        fill(database, EVENTS)
        began = time.perf_counter()
        with database.read() as session:
            found = trail.verify(session)
        seconds = time.perf_counter() - began
    finally:
        database.close()
    assert (found.events, found.fault) == (EVENTS, None)
    return {"audit_events_per_s": EVENTS / seconds}


def fill(database: Database, count: int) -> None:
    """So many events in chains of PER_CHAIN, in the order in which they happened."""
    per = count // PER_CHAIN
    heads = {secrets.token_hex(16): trail.GENESIS for _ in range(per)}
    events: list[dict[str, object]] = []
    payloads: list[dict[str, object]] = []
    for header, payload in _made(heads):
        events.append(header)
        payloads.append(payload)
        if len(events) == SLICE:
            _write(database, Event, events)
            _write(database, EventPayload, payloads)
            events.clear()
            payloads.clear()


def _made(heads: dict[str, str]) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    body = json.dumps(PAYLOAD, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    for seq in range(1, PER_CHAIN + 1):
        for number, (chain, previous) in enumerate(heads.items()):
            uid, salt = secrets.token_hex(16), secrets.token_hex(16)
            at = BEGAN + timedelta(hours=seq, microseconds=number)
            commitment = trail.commit(salt, body)
            kind, actor = "answers saved", "participant"
            hash_ = trail.header_hash(
                uid=uid,
                chain=chain,
                seq=seq,
                kind=kind,
                actor=actor,
                at=at,
                commitment=commitment,
                previous=previous,
            )
            heads[chain] = hash_
            header: dict[str, object] = {"uid": uid, "chain": chain, "seq": seq, "kind": kind}
            header |= {"actor": actor, "at": at, "commitment": commitment}
            header |= {"previous": previous, "hash": hash_}
            yield header, {"event_uid": uid, "salt": salt, "payload": body}


def _write(database: Database, table: type[SQLModel], rows: list[dict[str, object]]) -> None:
    with database.write() as session:
        session.execute(insert(table_of(table)), rows)
