"""Stops in the store: found by person, and what those that hold come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from .tables_reach import DIED, LEFT, LOST, MESSAGES, PAUSED, Stop

SILENT = {
    DIED: "the person died",
    LEFT: "the person left the study",
    LOST: "the person is lost to follow-up",
    MESSAGES: "messages were stopped",
}
"""Kinds that end all messages, the weightiest first, and how a prompt's reason says it."""
OVER = (DIED, LEFT, LOST)
"""Kinds after which nobody is asked any more."""


@dataclass(frozen=True)
class Standing:
    """Why nothing more is sent (empty: messages go), the day a pause ends, and the day from which
    nothing more is expected."""

    silent: str = ""
    paused_until: date | None = None
    ended_on: date | None = None


def told(stops: Sequence[Stop]) -> Standing:
    """What the stops that were not undone come to."""
    kinds = {stop.kind for stop in stops}
    return Standing(
        silent=next((words for kind, words in SILENT.items() if kind in kinds), ""),
        paused_until=max((s.until for s in stops if s.kind == PAUSED and s.until), default=None),
        ended_on=min((s.since for s in stops if s.kind in (DIED, LEFT)), default=None),
    )


def holding(stops: Iterable[Stop]) -> defaultdict[int, list[Stop]]:
    """Those that hold, by person, oldest first."""
    found: defaultdict[int, list[Stop]] = defaultdict(list)
    for stop in sorted(stops, key=attrgetter("id")):
        if stop.undone_at is None:
            found[stop.participant_id].append(stop)
    return found


def ever_stopped(session: Session, people: Collection[int]) -> defaultdict[int, list[Stop]]:
    """Every stop there was, by person, oldest first."""
    found: defaultdict[int, list[Stop]] = defaultdict(list)
    query = select(Stop).where(col(Stop.participant_id).in_(people)).order_by(col(Stop.id))
    for stop in session.scalars(query):
        found[stop.participant_id].append(stop)
    return found


def add_stop(session: Session, stop: Stop) -> Stop:
    session.add(stop)
    session.flush()
    return stop


def stop_by_id(session: Session, stop_id: int) -> Stop | None:
    return session.get(Stop, stop_id)
