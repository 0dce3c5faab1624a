"""Programme: the sessions of a retreat with their days, and who took part.

The protocol proposes a day for each session, counted from the retreat's anchor, and it moves with
that anchor until staff set another. A dosing session is held on its dosing day, whatever the
programme says. Staff may drop a session or add one; what they set is kept with who and when, and is
in the trail of every course of the retreat. Nothing here moves a window or a prompt.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from ..store import programme as store
from ..store import roster, trail
from ..store.database import Session
from ..store.facts import CourseContext, read_retreat
from ..store.scopes import Scope
from ..store.tables import Retreat
from ..store.tables_group import ABSENT, Attendance, SessionDate
from ..store.windows import lock_courses
from ..study.programme import KINDS
from ..study.protocol import Protocol
from ..texts import day
from .dates import year_fault
from .enrolment import append_all, protocol_of, the_retreat, the_study
from .errors import InputError, StaleError
from .site import Site

LONGEST_LABEL = 60
ADDED = re.compile(r"added-([0-9]+)")


@dataclass(frozen=True)
class SessionLine:
    """One session as it stands. `proposal` is the protocol's day, `added`: by staff. Counts are of
    people by their attendance; `open` have none on record."""

    id: str
    label: str
    kind: str
    on: date | None
    at: time | None
    proposal: date | None
    dropped: bool
    added: bool
    counts: Mapping[str, int]
    open: int

    @property
    def is_fixed(self) -> bool:
        """Held on the dosing day itself, which the programme cannot move."""
        return self.kind == "dosing" and not self.added

    @property
    def proposed(self) -> bool:
        return self.on is not None and self.on == self.proposal


@dataclass(frozen=True)
class Programme:
    """A retreat's sessions, those that are held by day; `edition` is what a change goes on from."""

    retreat_id: int
    retreat: str
    practice: bool
    zone: str
    sessions: tuple[SessionLine, ...]
    edition: int


@dataclass(frozen=True)
class TypedSession:
    """What a form holds of one session; an added one has a label and a kind of its own."""

    on: date | None
    at: time | None
    dropped: bool = False
    label: str = ""
    kind: str = ""


def programme(site: Site, retreat_id: int) -> Programme:
    """Raises NotFoundError."""
    with site.database.read() as session:
        reading = read_retreat(session, site.library, retreat_id, (Attendance,))
        retreat = the_retreat(session, retreat_id)
        protocol = the_protocol(session, site, retreat, reading.contexts)
        kept = store.session_dates(session, [retreat_id])
        dates = roster.retreat_dates(session, [retreat_id])
        days = {anchor: on for (_, anchor), on in dates.items()}
        lines = lines_of(protocol, days, kept, reading.rows[Attendance], len(reading.contexts))
        return Programme(
            retreat_id=retreat_id,
            retreat=retreat.name,
            practice=the_study(session, retreat.study_id).mode == "practice",
            zone=retreat.time_zone,
            sessions=lines,
            edition=sum(row.edition for row in kept),
        )


def every_programme(
    session: Session, site: Site, scope: Scope = None
) -> Iterator[tuple[str, SessionLine]]:
    """Each session of every retreat within the scope, with the retreat's name."""
    found = sorted(roster.retreats(session, scope), key=lambda r: r.retreat.name)
    ids = [r.retreat.id for r in found]
    kept, dates = store.session_dates(session, ids), roster.retreat_dates(session, ids)
    for own in (r.retreat for r in found):
        days = {anchor: on for (retreat, anchor), on in dates.items() if retreat == own.id}
        rows = [row for row in kept if row.retreat_id == own.id]
        for line in lines_of(protocol_of(session, site, own), days, rows, (), 0):
            yield own.name, line


def the_protocol(
    session: Session, site: Site, retreat: Retreat, contexts: Sequence[CourseContext]
) -> Protocol:
    """The text that the retreat's people run under, else the installed one."""
    return contexts[0].protocol if contexts else protocol_of(session, site, retreat)


def lines_of(
    protocol: Protocol,
    days: Mapping[str, date],
    kept: Iterable[SessionDate],
    attendance: Iterable[Attendance],
    people: int,
) -> tuple[SessionLine, ...]:
    """Every session, by day where it has one. `days` are the retreat's, by anchor."""
    rows = {row.session: row for row in kept}
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in attendance:
        if row.status:
            counts[row.session][row.status] += 1
    planned = [
        _Planned(s.id, s.label, s.kind, days.get(s.anchor), s.day) for s in protocol.sessions
    ]
    planned += [_Planned(r.session, r.label, r.kind, added=True) for r in rows.values() if r.label]
    lines = [_line(p, rows.get(p.id), counts[p.id], people) for p in planned]
    return tuple(sorted(lines, key=lambda line: (line.on or date.max, line.at or time.max)))


@dataclass(frozen=True)
class _Planned:
    """A session of the protocol, `after` its anchor's day, or one that was added."""

    id: str
    label: str
    kind: str
    anchor: date | None = None
    after: int = 0
    added: bool = False

    @property
    def proposal(self) -> date | None:
        return self.anchor + timedelta(days=self.after) if self.anchor else None


def _line(
    planned: _Planned, row: SessionDate | None, counts: Counter[str], people: int
) -> SessionLine:
    fixed = planned.kind == "dosing" and not planned.added
    own = row.held_on if row and not fixed else None
    return SessionLine(
        id=planned.id,
        label=planned.label,
        kind=planned.kind,
        on=own or planned.proposal,
        at=row.held_at if row else None,
        proposal=planned.proposal,
        dropped=row is not None and row.dropped,
        added=planned.added,
        counts=counts,
        open=people - counts.total(),
    )


def attended_of(
    sessions: Iterable[SessionLine], attendance: Iterable[Attendance]
) -> tuple[int, int]:
    """How many sessions somebody attended, at least in part, of those where it is on record."""
    held = {line.id for line in sessions if not line.dropped}
    known = [row.status for row in attendance if row.status and row.session in held]
    return sum(status != ABSENT for status in known), len(known)


def save_programme(
    site: Site,
    retreat_id: int,
    typed: Mapping[str, TypedSession],
    added: TypedSession | None,
    edition: int,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Set days and times, drop sessions, add one; how many were changed. `typed` is by session;
    problems are named "session: field", those of the added one "new: field".

    Raises InputError, StaleError when somebody else changed the programme since, NotFoundError.
    """
    with site.database.write() as session:
        contexts = read_retreat(session, site.library, retreat_id).contexts
        retreat = the_retreat(session, retreat_id)
        lock_courses(session, [context.course_id for context in contexts])
        protocol = the_protocol(session, site, retreat, contexts)
        kept = store.session_dates(session, [retreat_id])
        lines = _standing(session, retreat_id, protocol, kept)
        changes = _changes(lines, typed)
        standing = sum(row.edition for row in kept)
        if edition != standing:
            raise StaleError(_what_stands(lines, changes), standing)
        if problems := _problems(changes, added, now):
            raise InputError(problems)
        if added is not None:
            changes[_next_name(kept)] = added
        _write(session, retreat_id, lines, changes, actor, now)
        _tell(session, contexts, retreat, changes, actor, now)
        return len(changes)


def _standing(
    session: Session, retreat_id: int, protocol: Protocol, kept: Sequence[SessionDate]
) -> dict[str, SessionLine]:
    return {line.id: line for line in _held(session, retreat_id, protocol, kept)}


def sessions_of(session: Session, retreat_id: int, protocol: Protocol) -> tuple[SessionLine, ...]:
    """A retreat's sessions under a protocol, without attendance."""
    return _held(session, retreat_id, protocol, store.session_dates(session, [retreat_id]))


def _held(
    session: Session, retreat_id: int, protocol: Protocol, kept: Sequence[SessionDate]
) -> tuple[SessionLine, ...]:
    dates = roster.retreat_dates(session, [retreat_id])
    days = {anchor: on for (_, anchor), on in dates.items()}
    return lines_of(protocol, days, kept, (), 0)


def _changes(
    lines: Mapping[str, SessionLine], typed: Mapping[str, TypedSession]
) -> dict[str, TypedSession]:
    """What differs from what stands. An emptied date takes the protocol's again."""
    found: dict[str, TypedSession] = {}
    for name, new in typed.items():
        line = lines.get(name)
        if line is None:
            continue
        on = line.on if line.is_fixed else new.on or line.proposal or line.on
        if (on, new.at, new.dropped) != (line.on, line.at, line.dropped):
            found[name] = replace(new, on=on)
    return found


def _what_stands(lines: Mapping[str, SessionLine], changes: Mapping[str, TypedSession]) -> str:
    told = [
        f"{lines[name].label}: {words(lines[name])} (you typed {_typed(new)})"
        for name, new in changes.items()
    ]
    return (
        "Somebody changed this programme since you opened it. On record now, where it differs from "
        f"yours: {'; '.join(told) or 'nothing'}. What you typed is still here: take over what is "
        "right, and press the button to put this in its place."
    )


def words(line: SessionLine) -> str:
    """Sat 14 February 2026, 10:00"""
    return _typed(TypedSession(line.on, line.at, line.dropped))


def _typed(new: TypedSession) -> str:
    if new.dropped:
        return "not held"
    return f"{day(new.on) if new.on else 'no day'}{f', {new.at:%H:%M}' if new.at else ''}"


def _problems(
    changes: Mapping[str, TypedSession], added: TypedSession | None, now: datetime
) -> dict[str, str]:
    problems: dict[str, str] = {}
    for name, new in [*changes.items(), *([("new", added)] if added else [])]:
        if new.on is not None and (fault := year_fault(new.on, now.date())):
            problems[f"{name}: on"] = fault
    if added is not None:
        if not 0 < len(" ".join(added.label.split())) <= LONGEST_LABEL:
            problems["new: label"] = f"Give it a name of at most {LONGEST_LABEL} characters."
        if added.kind not in KINDS:
            problems["new: kind"] = "Choose what kind of session it is."
        if added.on is None:
            problems.setdefault("new: on", "Write the day on which it is held.")
    return problems


def _next_name(kept: Iterable[SessionDate]) -> str:
    numbers = [int(m[1]) for row in kept if (m := ADDED.fullmatch(row.session))]
    return f"added-{max(numbers, default=0) + 1}"


def _write(
    session: Session,
    retreat_id: int,
    lines: Mapping[str, SessionLine],
    changes: Mapping[str, TypedSession],
    actor: str,
    now: datetime,
) -> None:
    for name, new in changes.items():
        line = lines.get(name)
        values: dict[str, Any] = {
            "held_on": None if line and new.on == line.proposal else new.on,
            "held_at": new.at,
            "dropped": new.dropped,
            "kind": line.kind if line else new.kind,
            "label": (line.label if line.added else "") if line else " ".join(new.label.split()),
            "set_by": actor,
            "set_at": now,
        }
        store.put_session(session, retreat_id, name, values)


def _tell(
    session: Session,
    contexts: Sequence[CourseContext],
    retreat: Retreat,
    changes: Mapping[str, TypedSession],
    actor: str,
    now: datetime,
) -> None:
    if not changes:
        return
    told = {name: _typed(new) for name, new in changes.items()}
    payload: dict[str, object] = {"retreat": retreat.name, "sessions": told}
    if not contexts:
        trail.append(session, trail.SYSTEM, "programme changed", actor, now, payload)
        return
    append_all(session, contexts, "programme changed", actor, now, payload)
