"""The trail for reading: events of some chains, newest first, with what the system's say of
somebody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from .columns import table_of
from .tables import Course, Participant
from .tables_access import Event, EventPayload
from .trail import SYSTEM

_event, _payload = table_of(Event), table_of(EventPayload)


@dataclass(frozen=True)
class Wanted:
    """Which events: of these chains, and those of the system's that name `code`; narrowed by kind,
    actor and time ("" and None: all)."""

    chains: Sequence[str]
    code: str = ""
    kind: str = ""
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Read:
    """One event; `payload` is None where it was erased."""

    uid: str
    chain: str
    seq: int
    kind: str
    actor: str
    at: datetime
    payload: dict[str, Any] | None


def chains_of(session: Session, code: str) -> list[tuple[int, str]]:
    """Number and chain of each course of a person."""
    query = select(col(Course.number), col(Course.chain)).join(
        Participant, col(Participant.id) == col(Course.participant_id)
    )
    rows = session.execute(query.where(col(Participant.code) == code).order_by(col(Course.number)))
    return [(row.number, row.chain) for row in rows]


def count(session: Session, wanted: Wanted) -> int:
    query = select(func.count()).select_from(_event).where(*_conditions(wanted))
    return int(session.execute(query).scalar_one())


def read(session: Session, wanted: Wanted, *, most: int, skip: int = 0) -> list[Read]:
    """Newest first."""
    own = (_event.c.uid, _event.c.chain, _event.c.seq, _event.c.kind, _event.c.actor, _event.c.at)
    query = (
        select(*own, _payload.c.payload)
        .select_from(_event.outerjoin(_payload, _payload.c.event_uid == _event.c.uid))
        .where(*_conditions(wanted))
        .order_by(_event.c.at.desc(), _event.c.chain, _event.c.seq.desc())
        .limit(most)
        .offset(skip)
    )
    return [
        Read(*row[:6], json.loads(row.payload) if row.payload is not None else None)
        for row in session.execute(query)
    ]


def choices(session: Session, wanted: Wanted) -> tuple[list[str], list[str]]:
    """The kinds and the actors that there are."""
    among = Wanted(wanted.chains, wanted.code)
    found = [
        session.scalars(select(column).where(*_conditions(among)).distinct().order_by(column))
        for column in (_event.c.kind, _event.c.actor)
    ]
    return list(found[0]), list(found[1])


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    chain: ColumnElement[bool] = _event.c.chain.in_(wanted.chains)
    if wanted.code:
        quoted = json.dumps(wanted.code, ensure_ascii=False)
        named = (
            select(_event.c.uid)
            .join(_payload, _payload.c.event_uid == _event.c.uid)
            .where(_event.c.chain == SYSTEM, _payload.c.payload.contains(quoted, autoescape=True))
        )
        chain = or_(chain, and_(_event.c.chain == SYSTEM, _event.c.uid.in_(named)))
    conditions = [chain]
    if wanted.kind:
        conditions.append(_event.c.kind == wanted.kind)
    if wanted.actor:
        conditions.append(_event.c.actor == wanted.actor)
    if wanted.since:
        conditions.append(_event.c.at >= wanted.since)
    if wanted.until:
        conditions.append(_event.c.at < wanted.until)
    return conditions
