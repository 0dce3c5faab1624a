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

from ..study.consent import Form, standing
from ..study.instrument import Instrument, Wording, pick
from ..study.library import Library
from ..study.protocol import Protocol
from ..study.schedule import (
    WISHED,
    AnchorFact,
    Facts,
    Prompt,
)
from .consents import as_forms
from .hanging import HANGING, Hanging, Owner, by_owner
from .keys import instruments_of
from .several import Model, Rows, about, by_course
from .stops import OVER, told
from .tables import (
    SETTLED,
    Assessment,
    Consent,
    Course,
    Participant,
    PromptRow,
    Retreat,
    Study,
)
from .tables_consent import CourseAmendment
from .tables_entry import Wish
from .tables_reach import Stop
from .versions import protocols_of
from .wordings import Wordings, set_of

CHUNK = 500
NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True)
class CourseContext:
    """One course with everything around it that acts on it need. `instruments` are under the keys
    that it is frozen to, `revisions` by anchor; `prompts` are those of the present revision,
    `all_prompts` also those of days that moved. `touched` tells `contexts_again` whether `hanging`
    still holds."""

    course: Course
    participant: Participant
    retreat: Retreat
    study: Study
    protocol: Protocol
    instruments: Mapping[str, Instrument]
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
    def forms(self) -> list[Form]:
        """The versions of the study's consent form, oldest first."""
        return as_forms(self.hanging.forms)

    @property
    def amendment(self) -> CourseAmendment | None:
        """The amendment that it runs under, if any."""
        return max(self.hanging.amendments, key=attrgetter("number"), default=None)

    @property
    def runs_under(self) -> str:
        """In short, as pages, PDFs and exports say it: "second-retreat 1, amendment 2"."""
        said, amendment = f"{self.protocol.id} {self.protocol.version}", self.amendment
        return f"{said}, amendment {amendment.number}" if amendment else said

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
    return _reading(session, _heads(session, library, course_ids), also)


def read_retreat(
    session: Session, library: Library, retreat_id: int, also: Sequence[Model] = ()
) -> Reading:
    """The same of a retreat's courses."""
    heads = _found(session, library, _in_retreat, {"retreat": retreat_id})
    return _reading(session, heads, also)


def read_person(
    session: Session, library: Library, code: str, also: Sequence[Model] = ()
) -> Reading:
    """The same of a person's courses, by study code."""
    return _reading(session, _found(session, library, _of_person, {"code": code}), also)


def contexts_again(
    session: Session, library: Library, before: Sequence[CourseContext]
) -> list[CourseContext]:
    """The same courses as they are now, in two statements where nobody touched them since."""
    heads = _heads(session, library, [context.course_id for context in before])
    known = {(context.course_id, context.touched): context.hanging for context in before}
    return _contexts(session, heads, known)


@dataclass(frozen=True)
class _Head:
    """A course and what it belongs to."""

    course: Course
    participant: Participant
    retreat: Retreat
    study: Study
    protocol: Protocol
    instruments: Mapping[str, Instrument]


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
    known = instruments_of(session, library, [course.keys_sha256 for course, *_ in rows])
    return [
        _Head(course, participant, retreat, study, protocols[key], known[course.keys_sha256])
        for (course, participant, retreat, study), key in zip(rows, keys, strict=True)
    ]


def _contexts(
    session: Session,
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
    return _all_contexts(session, heads, hanging, prompts)


def _all_contexts(
    session: Session,
    heads: Sequence[_Head],
    hanging: Mapping[int, Hanging],
    prompts: Mapping[int, Sequence[PromptRow]],
) -> list[CourseContext]:
    return [
        _context(
            head,
            own := hanging[head.course.id],
            prompts[head.course.id],
            set_of(session, head.instruments, own.wordings),
        )
        for head in heads
    ]


def _reading(session: Session, heads: Sequence[_Head], also: Sequence[Model]) -> Reading:
    if not heads:
        return Reading([], {model: [] for model in also})
    ids = [head.course.id for head in heads]
    rows = about(session, (*HANGING, *also), ids)
    hanging, prompts = _hanging(heads, rows), _prompts(session, ids)
    return Reading(_all_contexts(session, heads, hanging, prompts), rows)


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
    return by_owner([Owner(h.course.id, h.participant.id, h.study.id) for h in heads], found)


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
        instruments=head.instruments,
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
    sheets, stopped = hanging.assessments, told(hanging.stops)
    consent = standing(hanging.signed, as_forms(hanging.forms))
    return Facts(
        zone=head.participant.time_zone,
        anchors={a.anchor: AnchorFact(a.date, a.confirmed_at is not None) for a in hanging.anchors},
        consented=consent.given,
        consent_ends=consent.ends,
        no_consent=consent.reason,
        started=frozenset((a.timepoint, a.instrument) for a in sheets),
        submitted={(a.timepoint, a.instrument): a.submitted_at for a in sheets if a.submitted_at},
        confirmed=frozenset(c.timepoint for c in hanging.clearances),
        retry={(p.timepoint, p.number): p.next_at for p in current if p.next_at},
        not_before=head.course.not_before,
        wished=_by_timepoint(hanging.wishes),
        silent=stopped.silent,
        paused_until=stopped.paused_until,
        ended_on=stopped.ended_on,
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
