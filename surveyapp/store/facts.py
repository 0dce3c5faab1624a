"""Facts: what the schedule needs to know of a course, and the `window` rows derived from it.

`refresh_windows`, through `write_windows`, is the only writer of `window`. Call it in the
transaction that changed a fact; the daily sweep calls it for everybody.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, delete, insert, select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.library import Library
from ..study.protocol import Protocol
from ..study.schedule import (
    ANSWERED,
    NEWER,
    WISHED,
    AnchorFact,
    Facts,
    Prompt,
    is_answered,
    next_prompt,
    windows,
)
from .columns import table_of
from .stops import OVER, stops_of, told
from .tables import (
    CONSENT_SCOPES,
    SETTLED,
    Anchor,
    Assessment,
    Clearance,
    Consent,
    Course,
    Participant,
    PromptRow,
    Retreat,
    Study,
    WindowRow,
)
from .tables_entry import Wish
from .tables_reach import Stop
from .versions import protocols_of

CHUNK = 500
NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True)
class CourseContext:
    """One course with everything around it that acts on it need. `revisions` by anchor; `prompts`
    are those of the present revision, `all_prompts` also those of days that moved."""

    course: Course
    participant: Participant
    retreat: Retreat
    study: Study
    protocol: Protocol
    facts: Facts
    revisions: Mapping[str, int]
    consents: tuple[Consent, ...]
    assessments: tuple[Assessment, ...]
    prompts: tuple[PromptRow, ...]
    stops: tuple[Stop, ...] = ()
    all_prompts: tuple[PromptRow, ...] = ()

    @property
    def course_id(self) -> int:
        return self.course.id

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.participant.time_zone)

    @property
    def is_over(self) -> bool:
        """Nobody is asked any more: the person died, left, or is lost to follow-up."""
        return any(stop.kind in OVER for stop in self.stops)

    def row_of(self, prompt: Prompt) -> PromptRow | None:
        """What the store holds of this prompt, if it was looked at yet."""
        key = prompt.timepoint, prompt.number
        return next((row for row in self.prompts if (row.timepoint, row.number) == key), None)

    def revision(self, timepoint: str) -> int:
        return self.revisions.get(self.protocol.timepoint(timepoint).anchor, 0)


def course_context(session: Session, library: Library, course_id: int) -> CourseContext | None:
    return next(iter(course_contexts(session, library, [course_id])), None)


def course_contexts(
    session: Session, library: Library, course_ids: Collection[int]
) -> list[CourseContext]:
    """Contexts of many courses, ordered by study code and number, in nine statements."""
    rows = session.execute(_courses, {"ids": list(course_ids)}).all()
    details = _Details(session, course_ids, {person.id for _, person, _, _ in rows})
    keys = [(study.protocol, course.protocol_sha256) for course, _, _, study in rows]
    protocols = protocols_of(session, library, keys)
    return [
        details.context(course, participant, retreat, study, protocols[key])
        for (course, participant, retreat, study), key in zip(rows, keys, strict=True)
    ]


# Statements are built once: building them costs more than the database does with them.
_courses = (
    select(Course, Participant, Retreat, Study)
    .join(Participant, col(Participant.id) == col(Course.participant_id))
    .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
    .join(Study, col(Study.id) == col(Retreat.study_id))
    .where(col(Course.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(Participant.code), col(Course.number))
)
_lock = (
    select(col(Course.id))
    .where(col(Course.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(Course.id))
    .with_for_update(key_share=True)
)
_forget_windows = delete(WindowRow).where(
    col(WindowRow.course_id).in_(bindparam("ids", expanding=True))
)
_insert_windows = insert(table_of(WindowRow))


@functools.cache
def _rows_of(table: Any, order: str) -> Select[Any]:
    query = select(table).where(table.course_id.in_(bindparam("ids", expanding=True)))
    return query.order_by(getattr(table, order)) if order else query


@functools.cache
def _plain_rows_of(model: Any, order: str) -> Select[Any]:
    table = table_of(model)
    query = select(table).where(table.c.course_id.in_(bindparam("ids", expanding=True)))
    return query.order_by(table.c[order]) if order else query


class _Details:
    """The rows that hang on courses, each table read once and grouped by course."""

    def __init__(self, session: Session, ids: Collection[int], people: Collection[int]) -> None:
        self._stops = stops_of(session, people)
        self._anchors = _read(session, Anchor, ids)
        self._consents = _grouped(session, Consent, ids, "id")
        self._clearances = _read(session, Clearance, ids)
        self._assessments = _grouped(session, Assessment, ids, "id")
        self._prompts = _grouped(session, PromptRow, ids, "number")
        self._wishes = _read(session, Wish, ids, "number")

    def context(
        self,
        course: Course,
        participant: Participant,
        retreat: Retreat,
        study: Study,
        protocol: Protocol,
    ) -> CourseContext:
        course_id = course.id
        anchors = self._anchors[course_id]
        consents = self._consents[course_id]
        assessments = self._assessments[course_id]
        revisions = {a.anchor: a.revision for a in anchors}
        stops = tuple(s for s in self._stops[participant.id] if s.course_id in (None, course_id))
        standing = told(stops)
        current = [p for p in self._prompts[course_id] if _is_current(p, protocol, revisions)]
        rows = self._prompts[course_id]
        facts = Facts(
            zone=participant.time_zone,
            anchors={a.anchor: AnchorFact(a.date, a.confirmed_at is not None) for a in anchors},
            consented=bool(consents) and consents[-1].scope == CONSENT_SCOPES[0],
            started=frozenset((a.timepoint, a.instrument) for a in assessments),
            submitted={
                (a.timepoint, a.instrument): a.submitted_at for a in assessments if a.submitted_at
            },
            confirmed=frozenset(c.timepoint for c in self._clearances[course_id]),
            retry={(p.timepoint, p.number): p.next_at for p in current if p.next_at},
            not_before=course.not_before,
            wished=_by_timepoint(self._wishes[course_id]),
            silent=standing.silent,
            paused_until=standing.paused_until,
            ended_on=standing.ended_on,
            quiet=_quiet(participant),
        )
        return CourseContext(
            course=course,
            participant=participant,
            retreat=retreat,
            study=study,
            protocol=protocol,
            facts=replace(facts, settled=settled_by(rows, current, protocol, facts)),
            revisions=revisions,
            consents=tuple(consents),
            assessments=tuple(assessments),
            prompts=tuple(current),
            all_prompts=tuple(rows),
            stops=stops,
        )


def still_planned(row: PromptRow, protocol: Protocol, facts: Facts) -> bool:
    """Whether a row's prompt is planned, under these facts, for the local day it was due."""
    timepoint = protocol.timepoint(row.timepoint)
    anchor = facts.anchors.get(timepoint.anchor)
    if anchor is None or row.number >= len(timepoint.prompts):
        return False
    day = anchor.date + timedelta(days=timepoint.prompts[row.number])
    # Rows of the first releases have no day of their own.
    return (row.planned_on or row.due_at.astimezone(ZoneInfo(facts.zone)).date()) == day


def settled_by(
    rows: Iterable[PromptRow], current: Collection[PromptRow], protocol: Protocol, facts: Facts
) -> frozenset[tuple[str, int]]:
    """What needs no more looking at: also a wish, wherever its anchor moves, what was sent for a
    day that moved away and came back, and what a sent one came after."""
    settled = [row for row in rows if row.status in SETTLED]
    found = {(row.timepoint, row.number) for row in settled if row in current or _is_wish(row)}
    for row in (row for row in settled if row.status == "sent" and not _is_wish(row)):
        if row in current or still_planned(row, protocol, facts):
            found |= {(row.timepoint, number) for number in range(row.number + 1)}
    return frozenset(found)


def _is_wish(row: PromptRow) -> bool:
    return row.number > WISHED


def _quiet(participant: Participant) -> tuple[time, time] | None:
    start, end = participant.quiet_from, participant.quiet_until
    return (start, end) if start is not None and end is not None else None


def _by_timepoint(wishes: Sequence[Wish]) -> dict[str, tuple[tuple[int, datetime], ...]]:
    found: defaultdict[str, tuple[tuple[int, datetime], ...]] = defaultdict(tuple)
    for wish in wishes:
        found[wish.timepoint] += ((wish.number, wish.at),)
    return dict(found)


def _is_current(prompt: PromptRow, protocol: Protocol, revisions: Mapping[str, int]) -> bool:
    anchor = protocol.timepoint(prompt.timepoint).anchor
    return prompt.revision == revisions.get(anchor, 0)


def _grouped(
    session: Session, table: Any, ids: Collection[int], order: str = ""
) -> defaultdict[int, list[Any]]:
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for row in session.scalars(_rows_of(table, order), {"ids": list(ids)}):
        grouped[row.course_id].append(row)
    return grouped


def _read(
    session: Session, table: Any, ids: Collection[int], order: str = ""
) -> defaultdict[int, list[Any]]:
    """The same, of what nobody changes through a context: plain rows cost half of entities. They
    do not flush the session, which the statement before them did."""
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_plain_rows_of(table, order), {"ids": list(ids)}):
        grouped[row.course_id].append(row)
    return grouped


def window_rows(context: CourseContext) -> list[dict[str, Any]]:
    """The derivation that `window` must equal."""
    return [
        {
            "course_id": context.course_id,
            "timepoint": timepoint.id,
            "opens_at": window.opens_at,
            "closes_at": window.closes_at,
            "next_prompt": next_prompt(timepoint, context.facts),
        }
        for timepoint, window in windows(context.protocol, context.facts)
    ]


def refresh_windows(session: Session, library: Library, course_ids: Iterable[int]) -> None:
    """Write the windows of some courses anew, in the caller's write transaction."""
    ids = list(course_ids)
    session.flush()
    if lock_courses(session, ids):
        # What was read before the lock may have changed while it was waited for.
        session.expire_all()
    write_windows(session, course_contexts(session, library, ids))


def write_windows(session: Session, contexts: Sequence[CourseContext]) -> None:
    """The same, of contexts read after the change, in the transaction that locked the courses.

    Prompts that wait for nothing any more, because everything was answered or a newer one was
    sent, are settled with it.
    """
    for context in contexts:
        _settle_idle(context)
    ids = [context.course_id for context in contexts]
    session.execute(_forget_windows, {"ids": ids}, execution_options=NO_SYNC)
    rows = [row for context in contexts for row in window_rows(context)]
    if rows:
        session.execute(_insert_windows, rows)


def _settle_idle(context: CourseContext) -> None:
    for row in context.prompts:
        if row.status not in ("held", "waiting"):
            continue
        if is_answered(context.protocol.timepoint(row.timepoint), context.facts):
            row.status, row.reason, row.next_at = "skipped", ANSWERED, None
        elif (row.timepoint, row.number) in context.facts.settled:
            row.status, row.reason, row.next_at = "skipped", NEWER, None


def lock_courses(session: Session, course_ids: Collection[int]) -> bool:
    """Make writers of the same courses wait for each other; False where they are alone anyway.

    Everybody who writes about a course locks its row, and that first. The lock lets rows that
    refer to the course be inserted meanwhile: one that did not would deadlock with them.
    """
    if session.get_bind().dialect.name == "sqlite":
        return False
    session.execute(_lock, {"ids": list(course_ids)})
    return True


def mend_windows(session: Session, library: Library) -> int:
    """Derive every window anew; the number of courses whose windows differed."""
    ids = list(session.scalars(select(col(Course.id)).order_by(col(Course.id))))
    kept: defaultdict[int, set[tuple[Any, ...]]] = defaultdict(set)
    for row in session.scalars(select(WindowRow)):
        kept[row.course_id].add((row.timepoint, row.opens_at, row.closes_at, row.next_prompt))
    wrong: list[int] = []
    for start in range(0, len(ids), CHUNK):
        for context in course_contexts(session, library, ids[start : start + CHUNK]):
            derived = {tuple(row.values())[1:] for row in window_rows(context)}
            if derived != kept[context.course_id]:
                wrong.append(context.course_id)
    if wrong:
        refresh_windows(session, library, wrong)
    return len(wrong)
