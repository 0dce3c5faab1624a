"""Amendments: a retreat, or a whole study, takes the protocol and the keys that are installed.

Nothing happens by itself when a file changes: a study is frozen to what it began with. The change
is previewed like a moved day: windows and messages that shift, for each person. It is refused where
a timepoint, an instrument or an anchor that holds answers, messages or a date is gone. It has the
version and the date of the approval and a reason, and each course says under which it runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ..store import freezing, roster, trail, versions, wordings
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.freezing import INSTRUMENT, Under
from ..store.tables import Retreat, Study
from ..store.tables_consent import Amendment
from ..store.windows import lock_courses, refresh_windows
from ..study.instrument import Instrument
from ..study.protocol import Protocol
from ..study.schedule import prompts_of, window_of
from .dates import past_day_fault
from .enrolment import append_all, the_retreat, the_study
from .errors import InputError, RefusedError
from .freezing import Change, changes, under_of
from .invitations import Ways
from .moving import (
    LONGEST_REASON,
    CourseShift,
    PromptShift,
    WindowShift,
    answer_warnings,
    digest_of,
    lot_of,
)
from .permissions import KeptBack
from .site import Site

NOTHING_NEW = "It runs under the protocol and the instruments as they are installed."
STALE = "Something changed since the preview that you saw. Look at it again."
LONGEST_LABEL = 40


@dataclass(frozen=True)
class NewAmendment:
    """An amendment as typed: the approval's version and date, and why."""

    label: str
    approved_on: date | None
    reason: str


@dataclass(frozen=True)
class VersionPreview:
    """What the installed files would change, for a retreat or a whole study. `changes` in words;
    `lost` names what would have no place in them."""

    name: str
    before: str
    after: str
    changes: tuple[str, ...]
    courses: int
    shifts: tuple[CourseShift, ...]
    lost: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class _Amending:
    """What would be amended: one retreat of a study, or (None) all of it."""

    study: Study
    retreat: Retreat | None
    course_ids: tuple[int, ...]
    before: Under
    after: Under

    @property
    def name(self) -> str:
        return self.retreat.name if self.retreat else self.study.title


def preview(site: Site, retreat_id: int, now: datetime) -> VersionPreview:
    """Of a retreat. Raises NotFoundError, and RefusedError where there is nothing new."""
    with site.database.read() as session:
        return _preview(session, site, _of_retreat(session, site, retreat_id), now)[0]


def preview_study(site: Site, study_id: int, now: datetime) -> VersionPreview:
    """Of all of a study. Raises NotFoundError, and RefusedError where there is nothing new."""
    with site.database.read() as session:
        return _preview(session, site, _of_study(session, site, study_id), now)[0]


def take(
    site: Site,
    retreat_id: int,
    digest: str,
    new: NewAmendment,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Bring a retreat's courses under what is installed, as previewed; how many.

    Raises InputError by field, or when the preview went stale; RefusedError when something would be
    lost or there is nothing new; NotFoundError.
    """
    with site.database.write() as session:
        lock_courses(session, roster.course_ids(session, retreat_id))
        return _take(session, site, _of_retreat(session, site, retreat_id), digest, new, actor, now)


def take_for_study(
    site: Site, study_id: int, digest: str, new: NewAmendment, *, actor: str, now: datetime
) -> int:
    """The same for every course of a study; who comes later runs under it too."""
    with site.database.write() as session:
        lock_courses(session, freezing.study_courses(session, study_id))
        return _take(session, site, _of_study(session, site, study_id), digest, new, actor, now)


def _of_retreat(session: Session, site: Site, retreat_id: int) -> _Amending:
    retreat = the_retreat(session, retreat_id)
    study = the_study(session, retreat.study_id)
    before = freezing.of_retreat(session, site.library, retreat, study)
    ids = roster.course_ids(session, retreat_id)
    return _amending(site, study, retreat, ids, before)


def _of_study(session: Session, site: Site, study_id: int) -> _Amending:
    study = the_study(session, study_id)
    before = freezing.of_study(session, site.library, study)
    ids = freezing.study_courses(session, study_id)
    return _amending(site, study, None, ids, before)


def _amending(
    site: Site, study: Study, retreat: Retreat | None, ids: Sequence[int], before: Under | None
) -> _Amending:
    """Raises RefusedError where nothing is installed, or nothing new."""
    after = freezing.installed(site.library, study.protocol)
    if before is None or after is None or (retreat is not None and not changes(before, after)):
        raise RefusedError(NOTHING_NEW)
    return _Amending(study, retreat, tuple(ids), before, after)


def _preview(
    session: Session, site: Site, amending: _Amending, now: datetime
) -> tuple[VersionPreview, tuple[Change, ...], list[int]]:
    """With what changes, and the courses that it changes for."""
    after = amending.after
    contexts = [
        context
        for context in course_contexts(session, site.library, amending.course_ids)
        if changes(under_of(context), after)
    ]
    found = {change: None for change in changes(amending.before, after)}
    found |= {change: None for c in contexts for change in changes(under_of(c), after)}
    if not found:
        raise RefusedError(NOTHING_NEW)
    ways = Ways.of(session, site, contexts)
    shifts = tuple(_shift(c, after.protocol, now, ways.kept_back(c)) for c in contexts)
    lost = tuple(line for context in contexts for line in _lost(context, after.protocol))
    hashes = tuple(sorted(after.hashes.items()))
    told = VersionPreview(
        name=amending.name,
        before=amending.before.protocol.version,
        after=after.protocol.version,
        changes=tuple(change.words for change in found),
        courses=len(contexts),
        shifts=tuple(s for s in shifts if s.windows or s.prompts or s.warnings),
        lost=lost,
        digest=digest_of((hashes, shifts, lost)),
    )
    return told, tuple(found), [context.course_id for context in contexts]


def _take(
    session: Session,
    site: Site,
    amending: _Amending,
    digest: str,
    new: NewAmendment,
    actor: str,
    now: datetime,
) -> int:
    told, found, ids = _preview(session, site, amending, now)
    if problems := _problems(new, now):
        raise InputError(problems)
    if told.digest != digest:
        raise InputError({"preview": STALE})
    if told.lost:
        raise RefusedError(f"Not in the new version, but in use: {', '.join(told.lost)}.")
    row = freezing.add_amendment(session, _row(session, amending, new, found, actor, now))
    _bring(session, site, amending, ids, row, now)
    for change in found:
        if change.kind == INSTRUMENT and change.after is not None:
            wordings.bring(session, site.library, ids, change.name, now)
    payload = _payload(row, found)
    contexts = course_contexts(session, site.library, ids)
    append_all(session, contexts, "amendment taken", actor, now, payload)
    whole = {"study": amending.study.id, "retreat": row.retreat_id, "courses": len(ids)}
    trail.append(session, trail.SYSTEM, "amendment taken", actor, now, {**payload, **whole})
    roster.look_again(session, ids, now)
    refresh_windows(session, site.library, ids)
    return len(ids)


def _bring(
    session: Session,
    site: Site,
    amending: _Amending,
    ids: Sequence[int],
    row: Amendment,
    now: datetime,
) -> None:
    """What the courses, and for a whole study the study, run under from now on."""
    for own, instruments in _by_keys(course_contexts(session, site.library, ids)):
        freezing.hold_sheets(session, own, instruments)
    protocol, kept = freezing.keep(session, amending.after, now)
    if amending.retreat is None:
        freezing.refreeze(session, amending.study.id, amending.after, now)
    versions.bring(session, ids, protocol, kept)
    freezing.put_under(session, ids, row)


def _by_keys(
    contexts: Sequence[CourseContext],
) -> Iterator[tuple[list[int], Mapping[str, Instrument]]]:
    """Courses that run under the same keys, with those."""
    for sha256 in {context.course.keys_sha256 for context in contexts}:
        same = [c for c in contexts if c.course.keys_sha256 == sha256]
        yield [c.course_id for c in same], same[0].instruments


def _problems(new: NewAmendment, now: datetime) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not new.label.strip():
        problems["label"] = "Write the amendment's version, as the approval names it."
    elif len(new.label) > LONGEST_LABEL:
        problems["label"] = f"Use at most {LONGEST_LABEL} characters."
    if fault := past_day_fault(new.approved_on, now.date(), "Write the day of the approval."):
        problems["approved_on"] = fault
    if not new.reason.strip():
        problems["reason"] = "Say why, in a few words."
    elif len(new.reason) > LONGEST_REASON:
        problems["reason"] = f"Use at most {LONGEST_REASON} characters."
    return problems


def _row(
    session: Session,
    amending: _Amending,
    new: NewAmendment,
    found: Sequence[Change],
    actor: str,
    now: datetime,
) -> Amendment:
    assert new.approved_on is not None
    before = freezing.newest_amendment(session, amending.study.id)
    return Amendment(
        study_id=amending.study.id,
        retreat_id=amending.retreat.id if amending.retreat else None,
        number=before.number + 1 if before else 1,
        label=new.label.strip(),
        approved_on=new.approved_on,
        reason=" ".join(new.reason.split()),
        changes=json.dumps([change.payload for change in found], sort_keys=True),
        taken_by=actor,
        taken_at=now,
    )


def _payload(row: Amendment, found: Sequence[Change]) -> dict[str, object]:
    return {
        "amendment": row.number,
        "label": row.label,
        "approved_on": row.approved_on.isoformat(),
        "reason": row.reason,
        "changes": [change.payload for change in found],
    }


def _shift(context: CourseContext, new: Protocol, now: datetime, held: KeptBack) -> CourseShift:
    old = {t.id: t for t in context.protocol.timepoints}
    pairs = [(old.get(t.id), t) for t in new.timepoints]
    main = context.facts.anchors.get(context.protocol.main_anchor.id)
    return CourseShift(
        code=context.participant.code,
        number=context.course.number,
        before=main.date if main else None,
        windows=tuple(_windows(context, new)),
        prompts=tuple(sorted(_prompts(context, new, now, held), key=lambda p: p.after)),
        warnings=tuple(answer_warnings(pairs, context.facts, context.facts)),
    )


def _windows(context: CourseContext, new: Protocol) -> Iterator[WindowShift]:
    old = {t.id: t for t in context.protocol.timepoints}
    for timepoint in new.timepoints:
        before = old.pop(timepoint.id, None)
        was = window_of(before, context.facts) if before else None
        becomes = window_of(timepoint, context.facts)
        if becomes != was:
            yield WindowShift(timepoint.label, was, becomes)
    for gone in old.values():
        yield WindowShift(gone.label, window_of(gone, context.facts), None)


def _prompts(
    context: CourseContext, new: Protocol, now: datetime, held: KeptBack
) -> Iterator[PromptShift]:
    """Messages still to come whose time would be another."""
    facts = context.facts
    was = {
        (p.timepoint, p.number): p.local
        for timepoint in context.protocol.timepoints
        for p in prompts_of(timepoint, facts)
    }
    for timepoint in new.timepoints:
        for prompt in prompts_of(timepoint, facts):
            key = prompt.timepoint, prompt.number
            if key in facts.settled or was.get(key) == prompt.local:
                continue
            kept = held.at(context, timepoint, max(now, prompt.utc))
            lot, why = lot_of(timepoint, facts, prompt, now, kept)
            yield PromptShift(timepoint.label, prompt.number, was.get(key), prompt.local, lot, why)


def _lost(context: CourseContext, new: Protocol) -> Iterator[str]:
    """What the new version has no place for, by person and label."""
    kept = {t.id for t in new.timepoints}
    asked = {(t.id, name) for t in new.timepoints for name in t.instruments}
    held = {row.timepoint for row in (*context.assessments, *context.all_prompts)}
    for timepoint in context.protocol.timepoints:
        if timepoint.id in held - kept:
            yield f"{context.participant.code}: {timepoint.label}"
    for row in context.assessments:
        if row.timepoint in kept and (row.timepoint, row.instrument) not in asked:
            label = context.protocol.timepoint(row.timepoint).label
            yield f"{context.participant.code}: {label}, {row.instrument}"
    known = {anchor.id for anchor in new.anchors}
    for anchor in context.protocol.anchors:
        if anchor.id in context.facts.anchors and anchor.id not in known:
            yield f"{context.participant.code}: {anchor.label}"
