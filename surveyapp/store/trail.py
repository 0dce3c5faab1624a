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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import digest as hmac_digest
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import table_of
from .tables import Course
from .tables_access import Event, EventPayload

SYSTEM = "system"
ERASED = "payloads erased"
GENESIS = "0" * 64
SLICE = 2000
TOLD_EVERY = 20_000
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
_stray = (
    select(_payload.c.event_uid)
    .outerjoin(_event, _event.c.uid == _payload.c.event_uid)
    .where(_event.c.uid.is_(None))
    .limit(1)
)
_EVERY_ROW = """
SELECT e.uid, e.chain, e.seq, e.kind, e.actor, {at}, e.commitment, e.previous, e.hash,
       p.salt, p.payload
FROM event e LEFT JOIN event_payload p ON p.event_uid = e.uid {where}
ORDER BY e.chain, e.seq
"""
_HEADS = """
SELECT e.chain, e.seq, e.hash FROM event e
JOIN (SELECT chain, max(seq) AS seq FROM event GROUP BY chain) last
ON last.chain = e.chain AND last.seq = e.seq
"""
_quoted = json.encoder.encode_basestring
Tell = Callable[[int], None]


def _silent(_checked: int) -> None:
    """For whoever does not want to be told."""


@dataclass(frozen=True)
class Heads:
    """The last (number, hash) of every chain at one moment; `head` is one hash over all."""

    events: int
    head: str
    chains: Mapping[str, tuple[int, str]]


@dataclass(frozen=True)
class Erasure:
    """An event that says that payloads were erased, and how many it names."""

    uid: str
    actor: str
    at: str
    named: int


@dataclass(frozen=True)
class Verified:
    """`fault` names the first bad row, None when the trail is whole; `gone` counts payloads that
    an erasure took."""

    events: int
    chains: int
    head: str
    fault: str | None
    gone: int = 0
    erasures: tuple[Erasure, ...] = ()


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
    at_utc = at.astimezone(UTC).isoformat()
    return _hash_of(previous, uid, chain, seq, kind, actor, at_utc, commitment)


def _hash_of(
    previous: str, uid: str, chain: str, seq: int, kind: str, actor: str, at: str, commitment: str
) -> str:
    """SHA-256 of the fields as a JSON list. Written by hand: a million of them are checked."""
    line = (
        f"[{_quoted(previous)}, {_quoted(uid)}, {_quoted(chain)}, {seq}, {_quoted(kind)}, "
        f"{_quoted(actor)}, {_quoted(at)}, {_quoted(commitment)}]"
    )
    return hashlib.sha256(line.encode()).hexdigest()


def verify(session: Session, known: Heads | None = None, tell: Tell = _silent) -> Verified:
    """Check every chain; stops at the first bad row.

    A payload may be missing only where an event says that it was erased, and never that event's
    own. `known` are heads kept outside: what they name must still stand in its place. `tell` is
    given the number of events checked, now and then.
    """
    if not session.in_transaction() and session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    check = _Check(session, known)
    try:
        for row in _rows(session):
            check.take(*row)
            if check.events % TOLD_EVERY == 0:
                tell(check.events)
        check.end(session)
    except _FoundError as found:
        return Verified(check.events, len(check.heads), "", str(found))
    except DBAPIError as error:
        if "UTF-8" not in str(error.orig):
            raise
        fault = f"the event after {check.last} cannot be read: its text is no text"
        return Verified(check.events, len(check.heads), "", fault)
    head = over_all(check.heads)
    return Verified(check.events, len(check.heads), head, None, check.gone, check.erasures)


def verify_chain(session: Session, chain: str) -> Verified:
    """Check one chain, for whoever looks at it now."""
    check = _Check(session, None, chain)
    try:
        for row in _rows(session, chain):
            check.take(*row)
        check.close_chain()
    except _FoundError as found:
        return Verified(check.events, 1, "", str(found))
    if not check.heads:
        return Verified(0, 1, "", f"chain {chain} has no event")
    return Verified(check.events, 1, over_all(check.heads), None, check.gone)


class _FoundError(Exception):
    """A bad row, named."""


class _Check:
    """What is known on the way through the rows, chain by chain in the order of their numbers."""

    def __init__(self, session: Session, known: Heads | None, chain: str = "") -> None:
        self.events, self.gone, self.last = 0, 0, "the beginning"
        self.heads: dict[str, tuple[int, str]] = {}
        self.erasures, self._erased = _erased(session, chain)
        self._courses = set(session.scalars(select(col(Course.chain))))
        self._known = dict(known.chains) if known else {}
        # The chain being read, with what its next row must continue.
        self._chain, self._seq, self._previous, self._kept = "", 0, GENESIS, (0, "")

    def take(
        self,
        uid: str,
        chain: str,
        seq: int,
        kind: str,
        actor: str,
        at: str,
        commitment: str,
        previous: str,
        hash_: str,
        salt: str | None,
        payload: str | None,
    ) -> None:
        """Check one row. Raises _FoundError."""
        if chain != self._chain:
            self.close_chain()
            self._chain, self._seq, self._previous = chain, 0, GENESIS
            self._kept = self._known.get(chain, (0, ""))
        fault = None
        if seq != self._seq + 1:
            fault = f"number {self._seq + 1} is missing before it"
        elif previous != self._previous:
            fault = "does not continue the event before it"
        else:
            try:
                instant = f"{at.replace(' ', 'T').removesuffix('.000000')}+00:00"
                own = _hash_of(previous, uid, chain, seq, kind, actor, instant, commitment)
                if own != hash_:
                    fault = "its header was changed"
                elif payload is None or salt is None:
                    fault = self._missing(uid, kind)
                elif hmac_digest(salt.encode(), payload.encode(), "sha256").hex() != commitment:
                    fault = "its payload was changed"
            except (TypeError, AttributeError, ValueError):
                fault = "it holds what no event holds"
        if fault is None and seq == self._kept[0] and hash_ != self._kept[1]:
            fault = "the head kept outside knows another event here: the chain was rewritten"
        if fault:
            raise _FoundError(f"event {uid} (chain {chain}, number {seq}): {fault}")
        self._seq, self._previous = seq, hash_
        self.events += 1

    def _missing(self, uid: str, kind: str) -> str | None:
        if uid in self._erased and kind != ERASED:
            self.gone += 1
            return None
        return "its payload is gone and no erasure names it"

    def close_chain(self) -> None:
        """What only the end of a chain shows. Raises _FoundError."""
        if not self._chain:
            return
        name = f"event {self._seq} of chain {self._chain}"
        self.last = name
        if self._seq < self._kept[0]:
            told = f"the head kept outside knows number {self._kept[0]}: the end was cut off"
            raise _FoundError(f"{name} is the last: {told}")
        self.heads[self._chain] = (self._seq, self._previous)

    def end(self, session: Session) -> None:
        """What only the whole shows. Raises _FoundError."""
        self.close_chain()
        if missing := sorted(self._courses - self.heads.keys()):
            raise _FoundError(f"chain {missing[0]} of a course has no event")
        if missing := sorted(self._known.keys() - self.heads.keys()):
            raise _FoundError(f"chain {missing[0]} is gone, which the head kept outside knows")
        stray = session.execute(_stray).scalars().first()
        if stray is not None:
            raise _FoundError(f"payload {stray} belongs to no event")


def _rows(session: Session, chain: str = "") -> Iterator[Row[Any]]:
    """Every event, or a chain's, with its payload; the time as text in UTC, as SQLite keeps it."""
    postgres = session.get_bind().dialect.name == "postgresql"
    at = "to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')" if postgres else "e.at"
    query = text(_EVERY_ROW.format(at=at, where="WHERE e.chain = :chain" if chain else ""))
    options = {"yield_per": SLICE}
    with session.execute(query, {"chain": chain}, execution_options=options) as rows:
        yield from rows


def _erased(session: Session, chain: str) -> tuple[tuple[Erasure, ...], set[str]]:
    """The erasures on record, and every event whose payload they name; with a chain, those of that
    chain and the system's, which are found without reading all."""
    query = select(_event.c.uid, _event.c.actor, _event.c.at, _payload.c.payload)
    query = query.join(_payload, _event.c.uid == _payload.c.event_uid)
    if chain:
        query = query.where(_event.c.chain.in_((chain, SYSTEM)))
    erasures: list[Erasure] = []
    named: set[str] = set()
    for uid, actor, at, body in session.execute(query.where(_event.c.kind == ERASED)):
        uids = _named_in(body)
        erasures.append(Erasure(uid, actor, at.isoformat(), len(uids)))
        named |= uids
    return tuple(erasures), named


def _named_in(body: str) -> set[str]:
    try:
        return {str(uid) for uid in json.loads(body)["events"]}
    except (ValueError, TypeError, KeyError):
        return set()  # whoever changed it is found when its own row is checked


def heads(session: Session) -> Heads:
    """The heads as they stand, unchecked."""
    rows = session.execute(text(_HEADS)).all()
    chains = {chain: (seq, hash_) for chain, seq, hash_ in rows}
    return Heads(sum(seq for seq, _ in chains.values()), over_all(chains), chains)


def over_all(chains: Mapping[str, tuple[int, str]]) -> str:
    """One hash over the heads of all chains."""
    lines = [f"{chain} {seq} {hash_}" for chain, (seq, hash_) in sorted(chains.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
