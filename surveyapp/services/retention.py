"""Retention: for how long each kind of data is kept. Nothing goes until a period is set.

Whoever sets periods is shown what the next run would remove. Once a day the worker removes what is
older, and the trail says how many; the command does the same by hand, and without `--apply` it only
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..delivery.email import Mailer
from ..store import retention as store
from ..store import trail
from .errors import InputError
from .site import Site

EVERY = timedelta(days=1)
MOST_DAYS = 36_500
ACTOR = "worker"


@dataclass(frozen=True)
class Kind:
    """One kind of data: its name, from when its days count, and the fewest days it may be kept."""

    name: str
    since: str
    least: int


KINDS: Mapping[str, Kind] = {
    "contacts": Kind(
        "Contact details", "after the last window of all of a person's courses closed", 1
    ),
    "pins": Kind("PINs", "after the last window of all of a person's courses closed", 1),
    "attempts": Kind("Details of tries to send", "after the try; that there was one stays", 30),
    "visits": Kind("Links and their openings", "after the window closed", 60),
    "digests": Kind("Digests that were sent", "after they were sent", 7),
    "practice": Kind(
        "Answers of practice studies", "after the last window of their course closed", 1
    ),
    "notes": Kind("Notes and intentions", "after the last window of their course closed", 1),
}
"""Answers of live studies are no kind: whom they belong to is erased, not a period's age."""


@dataclass(frozen=True)
class Line:
    """One kind with its period (None: kept), what is older now, and when it was last applied."""

    kind: str
    about: Kind
    days: int | None
    older: int
    applied_at: datetime | None


def lines(site: Site, now: datetime) -> list[Line]:
    """Every kind, and how many the next run would remove."""
    with site.database.read() as session:
        set_ = store.periods(session)
        found: list[Line] = []
        for kind, about in KINDS.items():
            row = set_.get(kind)
            days, applied = (row.days, row.applied_at) if row else (None, None)
            older = store.RULES[kind].count(session, now - timedelta(days=days)) if days else 0
            found.append(Line(kind, about, days, older, applied))
        return found


def would_remove(site: Site, wish: Mapping[str, int | None], now: datetime) -> dict[str, int]:
    """How many of each kind the next run would remove with these periods. Raises InputError."""
    if problems := _problems(wish):
        raise InputError(problems)
    with site.database.read() as session:
        return {
            kind: store.RULES[kind].count(session, now - timedelta(days=days))
            for kind, days in wish.items()
            if days
        }


def set_periods(
    site: Site, wish: Mapping[str, int | None], *, actor: str, now: datetime
) -> dict[str, int | None]:
    """Keep these periods in days (None: no period); what changed. Raises InputError by field."""
    if problems := _problems(wish):
        raise InputError(problems)
    with site.database.write() as session:
        before = {kind: row.days for kind, row in store.periods(session).items()}
        changed = {kind: days for kind, days in wish.items() if before.get(kind) != days}
        for kind, days in changed.items():
            if days is None:
                store.remove_period(session, kind)
            else:
                store.put_period(session, kind, days, actor, now)
        if changed:
            payload: dict[str, object] = {"days": changed}
            trail.append(session, trail.SYSTEM, "retention set", actor, now, payload)
        return changed


def _problems(wish: Mapping[str, int | None]) -> dict[str, str]:
    problems: dict[str, str] = {}
    for kind, days in wish.items():
        least = KINDS[kind].least
        if days is not None and not least <= days <= MOST_DAYS:
            problems[kind] = f"Write a number of days, at least {least}, or leave it empty."
    return problems


def apply(site: Site, *, actor: str, now: datetime) -> dict[str, int]:
    """Remove what is older than the periods that are set; how many of each kind."""
    with site.database.read() as session:
        kinds = sorted(store.periods(session))
    return {kind: _apply(site, kind, actor, now) for kind in kinds}


def _apply(site: Site, kind: str, actor: str, now: datetime) -> int:
    with site.database.write() as session:
        row = store.periods(session).get(kind)
        if row is None:
            return 0
        before = now - timedelta(days=row.days)
        count = store.apply(session, kind, before, actor, now)
        store.mark_applied(session, kind, now)
        return count


def duty(site: Site, mailer: Mailer, now: datetime) -> None:
    """Once a day, one kind a minute."""
    del mailer
    with site.database.read() as session:
        kinds = store.due(session, now - EVERY)
    if kinds:
        _apply(site, kinds[0], ACTOR, now)
