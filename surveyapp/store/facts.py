"""Facts: what the schedule needs to know of a course, read with everything around it.

Who changes a fact writes the windows anew (`windows.refresh_windows`), and that touches the course.
So contexts that were kept are made true again cheaply (`contexts_again`): only what hangs on a
course that was touched since is read again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.instrument import Wording, pick
from ..study.library import Library
from ..study.protocol import Protocol
from ..study.schedule import (
    WISHED,
    AnchorFact,
    Facts,
    Prompt,
)
from .several import Model, Rows, about, by_course
from .stops import OVER, holding, told
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
)
from .tables_entry import Wish
from .tables_reach import Stop
from .tables_wording import CourseWording
from .versions import protocols_of
from .wordings import Wordings, sets_of

CHUNK = 500
NO_SYNC = {"synchronize_session": False}


HANGING = (Anchor, Consent, Clearance, Assessment, Wish, Stop, CourseWording)
_id = attrgetter("id")


@dataclass(frozen=True)
class Hanging:
    """The rows that hang on a course, besides its prompts; for reading. They change only together
    with its windows, see `windows.write_windows`. `wordings` is the hash of its set."""

    anchors: Sequence[Anchor]
    consents: Sequence[Consent]
    clearances: Sequence[Clearance]
    assessments: Sequence[Assessment]
    wishes: Sequence[Wish]
    stops: Sequence[Stop]
    wordings: str | None


@dataclass(frozen=True)
class CourseContext:
    """One course with everything around it that acts on it need. `revisions` by anchor; `prompts`
    are those of the present revision, `all_prompts` also those of days that moved. `touched` tells
    `contexts_again` whether `hanging` still holds."""

    course: Course
    participant: Participant
    retreat: Retreat
    study: Study
    protocol: Protocol
    facts: Facts
    revisions: Mapping[str, int]
    hanging: Hanging
    touched: int
    prompts: tuple[PromptRow, ...]
    wordings: Wordings
    all_prompts: tuple[PromptRow, ...] = ()

    @property
    def consents(self) -> Sequence[Consent]:
        return self.hanging.consents

    @property
    def assessments(self) -> Sequence[Assessment]:
        return self.hanging.assessments

    @property
    def stops(self) -> Sequence[Stop]:
        return self.hanging.stops

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

    def wording(self, instrument: str, language: str = "") -> Wording:
        """What this course is asked in; in the person's language unless one is named."""
        live = self.study.mode == "live"
        return pick(self.wordings[instrument], language or self.participant.language, live=live)

    def revision(self, timepoint: str) -> int:
        return self.revisions.get(self.protocol.timepoint(timepoint).anchor, 0)


def course_context(session: Session, library: Library, course_id: int) -> CourseContext | None:
    return next(iter(course_contexts(session, library, [course_id])), None)


def course_contexts(
    session: Session, library: Library, course_ids: Collection[int]
) -> list[CourseContext]:
    """Contexts of many courses, ordered by study code and number, in three statements."""
    return read_courses(session, library, course_ids).contexts


@dataclass(frozen=True)
class Reading:
    """Courses with rows of other tables about them, see `several.about`."""

    contexts: list[CourseContext]
    rows: Rows


def read_courses(
    session: Session, library: Library, course_ids: Collection[int], also: Sequence[Model] = ()
) -> Reading:
    """Courses by their ids; what `also` names comes with them, still in three statements."""
    return _reading(session, library, _heads(session, library, course_ids), also)


def read_retreat(
    session: Session, library: Library, retreat_id: int, also: Sequence[Model] = ()
) -> Reading:
    """The same of a retreat's courses."""
    heads = _found(session, library, _in_retreat, {"retreat": retreat_id})
    return _reading(session, library, heads, also)


def read_person(
    session: Session, library: Library, code: str, also: Sequence[Model] = ()
) -> Reading:
    """The same of a person's courses, by study code."""
    return _reading(session, library, _found(session, library, _of_person, {"code": code}), also)


def contexts_again(
    session: Session, library: Library, before: Sequence[CourseContext]
) -> list[CourseContext]:
    """The same courses as they are now, in two statements where nobody touched them since."""
    heads = _heads(session, library, [context.course_id for context in before])
    known = {(context.course_id, context.touched): context.hanging for context in before}
    return _contexts(session, library, heads, known)


@dataclass(frozen=True)
class _Head:
    """A course and what it belongs to."""

    course: Course
    participant: Participant
    retreat: Retreat
    study: Study
    protocol: Protocol


def _heads(session: Session, library: Library, ids: Collection[int]) -> list[_Head]:
    return _found(session, library, _by_id, {"ids": list(ids)})


def _found(
    session: Session,
    library: Library,
    query: Select[Course, Participant, Retreat, Study],
    given: Mapping[str, Any],
) -> list[_Head]:
    rows = session.execute(query, given).all()
    keys = [(study.protocol, course.protocol_sha256) for course, _, _, study in rows]
    protocols = protocols_of(session, library, keys)
    return [
        _Head(course, participant, retreat, study, protocols[key])
        for (course, participant, retreat, study), key in zip(rows, keys, strict=True)
    ]


def _contexts(
    session: Session,
    library: Library,
    heads: Sequence[_Head],
    known: Mapping[tuple[int, int], Hanging],
) -> list[CourseContext]:
    """`known` is what hangs on a course, by its id and how often it was touched then."""
    stale = [head for head in heads if (head.course.id, head.course.touched) not in known]
    rows = about(session, HANGING, [head.course.id for head in stale]) if stale else {}
    fresh = _hanging(stale, rows)
    prompts = _prompts(session, [head.course.id for head in heads])
    hanging = {
        head.course.id: fresh.get(head.course.id) or known[head.course.id, head.course.touched]
        for head in heads
    }
    return _all_contexts(session, library, heads, hanging, prompts)


def _all_contexts(
    session: Session,
    library: Library,
    heads: Sequence[_Head],
    hanging: Mapping[int, Hanging],
    prompts: Mapping[int, Sequence[PromptRow]],
) -> list[CourseContext]:
    sets = sets_of(session, library, (found.wordings for found in hanging.values()))
    return [
        _context(head, own := hanging[head.course.id], prompts[head.course.id], sets[own.wordings])
        for head in heads
    ]


def _reading(
    session: Session, library: Library, heads: Sequence[_Head], also: Sequence[Model]
) -> Reading:
    if not heads:
        return Reading([], {model: [] for model in also})
    ids = [head.course.id for head in heads]
    rows = about(session, (*HANGING, *also), ids)
    hanging, prompts = _hanging(heads, rows), _prompts(session, ids)
    return Reading(_all_contexts(session, library, heads, hanging, prompts), rows)


# Statements are built once: building them costs more than the database does with them.
_courses = (
    select(Course, Participant, Retreat, Study)
    .join(Participant, col(Participant.id) == col(Course.participant_id))
    .join(Retreat, col(Retreat.id) == col(Course.retreat_id))
    .join(Study, col(Study.id) == col(Retreat.study_id))
    .order_by(col(Participant.code), col(Course.number))
)
_by_id = _courses.where(col(Course.id).in_(bindparam("ids", expanding=True)))
_in_retreat = _courses.where(col(Course.retreat_id) == bindparam("retreat"))
_of_person = _courses.where(col(Participant.code) == bindparam("code"))
_prompts_of = (
    select(PromptRow)
    .where(col(PromptRow.course_id).in_(bindparam("ids", expanding=True)))
    .order_by(col(PromptRow.number))
)


def _hanging(heads: Sequence[_Head], found: Rows) -> dict[int, Hanging]:
    """What hangs on these courses."""
    if not heads:
        return {}
    consents, sheets = (by_course(sorted(found[t], key=_id)) for t in (Consent, Assessment))
    anchors, clearances = by_course(found[Anchor]), by_course(found[Clearance])
    wishes = by_course(sorted(found[Wish], key=attrgetter("number")))
    stops = holding(found[Stop])
    wordings = {row.course_id: row.set_sha256 for row in found[CourseWording]}
    return {
        (course := head.course.id): Hanging(
            anchors=anchors[course],
            consents=consents[course],
            clearances=clearances[course],
            assessments=sheets[course],
            wishes=wishes[course],
            stops=[s for s in stops[head.participant.id] if s.course_id in (None, course)],
            wordings=wordings.get(course),
        )
        for head in heads
    }


def _context(
    head: _Head, hanging: Hanging, rows: Sequence[PromptRow], wordings: Wordings
) -> CourseContext:
    protocol, revisions = head.protocol, {a.anchor: a.revision for a in hanging.anchors}
    current = [p for p in rows if _is_current(p, protocol, revisions)]
    facts = _facts(head, hanging, current)
    return CourseContext(
        course=head.course,
        participant=head.participant,
        retreat=head.retreat,
        study=head.study,
        protocol=protocol,
        facts=replace(facts, settled=settled_by(rows, current, protocol, facts)),
        revisions=revisions,
        hanging=hanging,
        touched=head.course.touched,
        prompts=tuple(current),
        wordings=wordings,
        all_prompts=tuple(rows),
    )


def _facts(head: _Head, hanging: Hanging, current: Sequence[PromptRow]) -> Facts:
    """What the schedule needs to know, all but what is settled."""
    consents, sheets, standing = hanging.consents, hanging.assessments, told(hanging.stops)
    return Facts(
        zone=head.participant.time_zone,
        anchors={a.anchor: AnchorFact(a.date, a.confirmed_at is not None) for a in hanging.anchors},
        consented=bool(consents) and consents[-1].scope == CONSENT_SCOPES[0],
        started=frozenset((a.timepoint, a.instrument) for a in sheets),
        submitted={(a.timepoint, a.instrument): a.submitted_at for a in sheets if a.submitted_at},
        confirmed=frozenset(c.timepoint for c in hanging.clearances),
        retry={(p.timepoint, p.number): p.next_at for p in current if p.next_at},
        not_before=head.course.not_before,
        wished=_by_timepoint(hanging.wishes),
        silent=standing.silent,
        paused_until=standing.paused_until,
        ended_on=standing.ended_on,
        quiet=_quiet(head.participant),
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


def _prompts(session: Session, ids: Collection[int]) -> defaultdict[int, list[PromptRow]]:
    """These are entities, because the worker changes them."""
    return by_course(list(session.scalars(_prompts_of, {"ids": list(ids)})))
