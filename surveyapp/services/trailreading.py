"""The trail in plain words, by person and of the system: who did what when, and what it changed.

What was answered is told to whoever may see scores, and so is an alert's rule, which says it too;
free words to whoever may see a person's page. Others read that something was answered or written,
when and by whom.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from ..store import trail, trailpage
from ..store.alerts import staff_emails
from ..store.database import Session
from ..store.seals import SEALED
from ..store.trailpage import Read, Wanted
from ..texts import moment
from .enrolment import the_person
from .rights import Rights
from .site import Site
from .spreadsheet import safe_text

PAGE = 50
MOST_IN_FILE = 100_000
ERASED = "What it held was erased."
HIDDEN = "not shown to you"
ANSWERS = frozenset({"answers", "values", "changes", "left_open", "second"})
ALERT, RULE = "alert raised", frozenset({"rule", "instrument", "about"})
FREE_WORDS = frozenset(
    {"text", "note", "why", "reason", "action", "outcome", "before", "term", "told_by", "taken_by"}
)
PAIRS = frozenset({"language and zone set", "quiet hours set", "settings saved"})
"""Kinds whose payload has [old, new] for what changed."""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
ACTORS = {
    "participant": "The participant",
    "worker": "The worker",
    "command": "A command",
    "command line": "A command",
}


@dataclass(frozen=True)
class Filter:
    """What a reader asks for; empty: everything. Days are local ones."""

    kind: str = ""
    actor: str = ""
    since: date | None = None
    until: date | None = None
    page: int = 1


@dataclass(frozen=True)
class Line:
    """One event in words; `at` is local."""

    number: str
    at: datetime
    kind: str
    who: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """A chain as it was found now; `fault` is empty where it is whole."""

    name: str
    events: int
    fault: str


@dataclass(frozen=True)
class TrailView:
    """A page of the trail; `kinds` and `actors` are what may be asked for, with names."""

    zone: str
    lines: tuple[Line, ...]
    count: int
    page: int
    pages: int
    chains: tuple[Chain, ...]
    kinds: tuple[str, ...]
    actors: tuple[tuple[str, str], ...]


def person_trail(site: Site, code: str, wish: Filter, rights: Rights) -> TrailView:
    """Everything about a person: their courses' chains, and what the system's says of them.

    Raises NotFoundError.
    """
    with site.database.read() as session:
        zone = the_person(session, code).time_zone
        courses = trailpage.chains_of(session, code)
        names = {chain: f"Course {number}" for number, chain in courses}
        chains = _checked(session, names)
        return _view(session, list(names), code, zone, names, chains, wish, rights)


def system_trail(site: Site, wish: Filter, rights: Rights) -> TrailView:
    """What is about no single course: accounts, studies, settings, exports. Times are UTC."""
    with site.database.read() as session:
        names = {trail.SYSTEM: "System"}
        return _view(session, [trail.SYSTEM], "", "UTC", names, (), wish, rights)


def export_person(site: Site, code: str, rights: Rights, *, actor: str, now: datetime) -> str:
    """A person's whole trail as CSV; that it was taken is in it from then on.

    Raises NotFoundError.
    """
    with site.database.write() as session:
        zone = ZoneInfo(the_person(session, code).time_zone)
        courses = trailpage.chains_of(session, code)
        names = {chain: f"Course {number}" for number, chain in courses}
        rows = trailpage.read(session, Wanted(list(names), code), most=MOST_IN_FILE)
        emails = staff_emails(session)
        payload: dict[str, object] = {"person": code, "events": len(rows)}
        trail.append(session, trail.SYSTEM, "trail exported", actor, now, payload)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(("event", "chain", "number", "time", "kind", "who", "what"))
    for row in reversed(rows):
        line = _line(_of_one(row, code), zone, names, emails, rights)
        cells = (row.uid, row.chain, row.seq, row.at.isoformat(), line.kind, line.who)
        said = safe_text("; ".join(line.said))
        table.writerow((*(safe_text(str(cell)) for cell in cells), said))
    return out.getvalue()


def _view(
    session: Session,
    chains: Sequence[str],
    code: str,
    zone: str,
    names: Mapping[str, str],
    checked: tuple[Chain, ...],
    wish: Filter,
    rights: Rights,
) -> TrailView:
    local = ZoneInfo(zone)
    among = Wanted(chains, code)
    kinds, actors = trailpage.choices(session, among)
    wanted = Wanted(
        chains, code, wish.kind, wish.actor, _start(wish.since, local), _end(wish.until, local)
    )
    count = trailpage.count(session, wanted)
    pages = max(1, -(-count // PAGE))
    page = min(max(1, wish.page), pages)
    emails = staff_emails(session)
    rows = trailpage.read(session, wanted, most=PAGE, skip=(page - 1) * PAGE)
    return TrailView(
        zone,
        tuple(_line(_of_one(row, code), local, names, emails, rights) for row in rows),
        count,
        page,
        pages,
        checked,
        tuple(kinds),
        tuple((actor, _who(actor, emails)) for actor in actors),
    )


def _start(on: date | None, zone: ZoneInfo) -> datetime | None:
    """None also for a day at an end of the calendar, which UTC does not have."""
    try:
        return datetime.combine(on, time(), zone).astimezone(UTC) if on else None
    except OverflowError:
        return None


def _end(on: date | None, zone: ZoneInfo) -> datetime | None:
    return _start(on + timedelta(days=1), zone) if on and on < date.max else None


def _checked(session: Session, names: Mapping[str, str]) -> tuple[Chain, ...]:
    found = {chain: trail.verify_chain(session, chain) for chain in names}
    return tuple(Chain(names[chain], f.events, f.fault or "") for chain, f in found.items())


def _line(
    row: Read,
    zone: ZoneInfo,
    names: Mapping[str, str],
    emails: Mapping[str, str],
    rights: Rights,
) -> Line:
    said = (ERASED,) if row.payload is None else tuple(_said(row, row.payload, rights))
    number = f"{names.get(row.chain, 'System')}, {row.seq}"
    who = _who(row.actor, emails)
    return Line(number, row.at.astimezone(zone), row.kind[:1].upper() + row.kind[1:], who, said)


def _of_one(row: Read, code: str) -> Read:
    """As it stands on one person's trail: others of another retreat, perhaps, are only counted."""
    people: object = (row.payload or {}).get("people")
    if not code or not row.payload or not isinstance(people, list):
        return row
    others = len(cast(list[object], people)) - 1
    counted = [f"{others} {'other' if others == 1 else 'others'}"] if others else []
    return replace(row, payload={**row.payload, "people": [code, *counted]})


def _who(actor: str, emails: Mapping[str, str]) -> str:
    return emails.get(actor) or ACTORS.get(actor, actor)


def _said(row: Read, payload: Mapping[str, Any], rights: Rights) -> Iterator[str]:
    """What an event holds, a line for each part."""
    hidden: frozenset[str] = frozenset() if rights.may("scores") else ANSWERS
    if row.kind == ALERT and hidden and not payload.get("drill"):
        hidden |= RULE
    if row.chain != trail.SYSTEM and not rights.may("states"):
        hidden |= FREE_WORDS
    for name, value in payload.items():
        if name != SEALED:
            words = HIDDEN if name in hidden else _words(_arrow(row.kind, value))
            yield f"{name.replace('_', ' ')}: {words}"


def _arrow(kind: str, value: object) -> object:
    """A pair of old and new in words, where the kind holds such pairs."""
    if kind not in PAIRS or not isinstance(value, list) or not value:
        return cast(object, value)
    return " → ".join(map(_words, cast(list[object], value)))


def _words(value: object) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _named(cast(Mapping[str, object], value))
    if isinstance(value, list):
        return _listed(cast(list[object], value))
    return _instant(str(value))


def _instant(text: str) -> str:
    """A point of time as people write it; anything else as it is."""
    if not INSTANT.fullmatch(text):
        return text
    return f"{moment(datetime.fromisoformat(text).astimezone(UTC))} UTC"


def _named(held: Mapping[str, object]) -> str:
    if {"item", "value"} <= held.keys():  # one answer
        value = held["value"] if held["value"] is not None else held.get("skip")
        return f"{held['item']} = {_words(value)}"
    if held and all(name.isdecimal() for name in held):  # answers by item
        return ", ".join(f"{item} = {_words(held[item])}" for item in sorted(held, key=int))
    return ", ".join(f"{k.replace('_', ' ')} {_words(v)}" for k, v in held.items()) or "none"


def _listed(values: Sequence[object]) -> str:
    """A change is a pair of answers, [[value, skip], [value, skip]]; all else is a list."""
    pairs = [cast(list[object], v) for v in values if isinstance(v, list)]
    if len(values) == len(pairs) == 2 and all(len(pair) == 2 for pair in pairs):
        old, new = (pair[0] if pair[0] is not None else pair[1] for pair in pairs)
        return f"{_words(old)} → {_words(new)}"
    return ", ".join(map(_words, values)) or "none"
