"""The trail: every change, in hash chains, one per course and one for the system.

A header (random id, chain, number, kind, actor, time) is hashed with the header before it and
with a commitment HMAC-SHA256(salt, payload). Payload and salt stand in a table of their own: when
a person is erased they go, and the chain still verifies. One chain per course keeps writers from
queueing behind one head.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import table_of
from .tables import Course
from .tables_access import Event, EventPayload

SYSTEM = "system"
ERASED = "payloads erased"
GENESIS = "0" * 64
ERASED_AT_ONCE = 500

_event = table_of(Event)
_payload = table_of(EventPayload)
_head = (
    select(_event.c.seq, _event.c.hash)
    .where(_event.c.chain == bindparam("chain"))
    .order_by(_event.c.seq.desc())
    .limit(1)
)
# Two writers of one chain must not read the same head. A course's chain is held by its row,
# which every writer about the course locks anyway: one lock, so no two orders to take them in.
_lock_course = (
    select(col(Course.id))
    .where(col(Course.chain) == bindparam("chain"))
    .with_for_update(key_share=True)
)
_lock_system = text("SELECT pg_advisory_xact_lock(hashtextextended(:chain, 0))")


@dataclass(frozen=True)
class Verified:
    """`fault` names the first bad row, None when the trail is whole."""

    events: int
    chains: int
    head: str
    fault: str | None


def new_chain() -> str:
    return secrets.token_hex(16)


def append(
    session: Session,
    chain: str,
    kind: str,
    actor: str,
    at: datetime,
    payload: Mapping[str, object],
) -> None:
    """Add one event to a chain, in the caller's write transaction. Three statements."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_lock_system if chain == SYSTEM else _lock_course, {"chain": chain})
    head = session.execute(_head, {"chain": chain}).first()
    seq, previous = (head.seq + 1, head.hash) if head else (1, GENESIS)
    uid, salt = secrets.token_hex(16), secrets.token_hex(16)
    body = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    commitment = commit(salt, body)
    header: dict[str, Any] = {
        "uid": uid,
        "chain": chain,
        "seq": seq,
        "kind": kind,
        "actor": actor,
        "at": at,
        "commitment": commitment,
        "previous": previous,
    }
    session.execute(insert(_event), {**header, "hash": header_hash(**header)})
    session.execute(insert(_payload), {"event_uid": uid, "salt": salt, "payload": body})


def erase_payloads(session: Session, uids: Sequence[str]) -> None:
    """Remove what these events said, with the salts; the caller appends the event ERASED whose
    payload lists them as `events`, else the trail does not verify."""
    for start in range(0, len(uids), ERASED_AT_ONCE):
        some = list(uids[start : start + ERASED_AT_ONCE])
        session.execute(delete(_payload).where(_payload.c.event_uid.in_(some)))


def said_of(session: Session, chains: Collection[str]) -> Sequence[Any]:
    """Time, kind, actor and payload (None: erased) of some chains' events, oldest first."""
    query = select(_event.c.at, _event.c.kind, _event.c.actor, _payload.c.payload)
    query = query.outerjoin(_payload, _payload.c.event_uid == _event.c.uid)
    query = query.where(_event.c.chain.in_(chains))
    return session.execute(query.order_by(_event.c.at, _event.c.chain, _event.c.seq)).all()


def commit(salt: str, body: str) -> str:
    return hmac.new(salt.encode(), body.encode(), "sha256").hexdigest()


def header_hash(
    *,
    uid: str,
    chain: str,
    seq: int,
    kind: str,
    actor: str,
    at: datetime,
    commitment: str,
    previous: str,
) -> str:
    fields = [previous, uid, chain, seq, kind, actor, at.astimezone(UTC).isoformat(), commitment]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


def verify(session: Session) -> Verified:
    """Check every chain; stops at the first bad row. A payload may be missing only where an
    event of the same chain or the system's says it was erased."""
    erased = _erased(session)
    known = set(session.scalars(select(col(Course.chain))))
    count, heads = 0, dict[str, tuple[int, str]]()
    rows = _rows(session)
    for row in rows:
        seq, previous = heads.get(row.chain, (0, GENESIS))
        fault = _fault(row, seq, previous, erased)
        if fault:
            rows.close()
            name = f"event {row.uid} (chain {row.chain}, number {row.seq}): {fault}"
            return Verified(count, len(heads), "", name)
        heads[row.chain] = (row.seq, row.hash)
        count += 1
    missing = sorted(known - heads.keys())
    fault = f"chain {missing[0]} of a course has no event" if missing else None
    return Verified(count, len(heads), _over_all(heads), fault)


def _rows(session: Session) -> Generator[Row[Any]]:
    query = (
        select(_event, _payload.c.salt, _payload.c.payload)
        .outerjoin(_payload, _payload.c.event_uid == _event.c.uid)
        .order_by(_event.c.chain, _event.c.seq)
        .execution_options(yield_per=1000)
    )
    with session.execute(query) as rows:
        yield from rows


def _fault(row: Row[Any], seq: int, previous: str, erased: set[str]) -> str | None:
    if row.seq != seq + 1:
        return f"number {seq + 1} is missing before it"
    if row.previous != previous:
        return "does not continue the event before it"
    header = {
        key: getattr(row, key)
        for key in ("uid", "chain", "seq", "kind", "actor", "at", "commitment", "previous")
    }
    if header_hash(**header) != row.hash:
        return "its header was changed"
    if row.payload is None:
        return None if row.uid in erased else "its payload is gone and no erasure names it"
    if commit(row.salt, row.payload) != row.commitment:
        return "its payload was changed"
    return None


def _erased(session: Session) -> set[str]:
    query = select(_payload.c.payload).join(_event, _event.c.uid == _payload.c.event_uid)
    rows = session.scalars(query.where(_event.c.kind == ERASED))
    return {uid for body in rows for uid in json.loads(body).get("events", [])}


def _over_all(heads: Mapping[str, tuple[int, str]]) -> str:
    lines = [f"{chain} {seq} {hash_}" for chain, (seq, hash_) in sorted(heads.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
