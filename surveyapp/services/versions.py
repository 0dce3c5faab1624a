"""Versions: a retreat that runs under an earlier text of its protocol, and taking the new one.

Nothing happens by itself when a protocol's file changes. The change is previewed like a moved day:
windows and messages that shift, for each person. It is refused where a timepoint or an anchor that
holds answers, messages or a date is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ..store import roster, versions
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.windows import lock_courses, refresh_windows
from ..study.protocol import Protocol
from ..study.schedule import prompts_of, window_of
from .enrolment import append_all, protocol_of, the_retreat, the_study
from .errors import InputError, RefusedError
from .invitations import Ways
from .moving import (
    CourseShift,
    PromptShift,
    WindowShift,
    answer_warnings,
    digest_of,
    judge_reason,
    lot_of,
)
from .permissions import KeptBack
from .site import Site

NOTHING_NEW = "This retreat runs under the protocol as it is installed."
STALE = "Something changed since the preview that you saw. Look at it again."


@dataclass(frozen=True)
class VersionPreview:
    """What the installed version would change. `lost` names what would have no place in it."""

    retreat: str
    before: str
    after: str
    shifts: tuple[CourseShift, ...]
    lost: tuple[str, ...]
    digest: str


def _both(session: Session, site: Site, retreat_id: int) -> tuple[Protocol, Protocol | None]:
    """The text that the retreat runs under, and the installed one."""
    retreat = the_retreat(session, retreat_id)
    name = the_study(session, retreat.study_id).protocol
    return protocol_of(session, site, retreat), site.library.protocols.get(name)


def _newer(session: Session, site: Site, retreat_id: int) -> tuple[Protocol, Protocol]:
    """The same where they differ. Raises RefusedError."""
    old, new = _both(session, site, retreat_id)
    if new is None or old.sha256 == new.sha256:
        raise RefusedError(NOTHING_NEW)
    return old, new


def preview(site: Site, retreat_id: int, now: datetime) -> VersionPreview:
    """Raises NotFoundError, and RefusedError where there is nothing new."""
    with site.database.read() as session:
        return _preview(session, site, retreat_id, now)


def _preview(session: Session, site: Site, retreat_id: int, now: datetime) -> VersionPreview:
    old, new = _newer(session, site, retreat_id)
    ids = roster.course_ids(session, retreat_id)
    contexts = course_contexts(session, site.library, ids)
    ways = Ways.of(session, site, contexts)
    shifts = tuple(_shift(c, new, now, ways.kept_back(c)) for c in contexts)
    lost = tuple(line for context in contexts for line in _lost(context, new))
    digest = digest_of((new.sha256, shifts, lost))
    name = the_retreat(session, retreat_id).name
    return VersionPreview(name, old.version, new.version, shifts, lost, digest)


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
    held = {row.timepoint for row in (*context.assessments, *context.all_prompts)}
    for timepoint in context.protocol.timepoints:
        if timepoint.id in held - kept:
            yield f"{context.participant.code}: {timepoint.label}"
    known = {anchor.id for anchor in new.anchors}
    for anchor in context.protocol.anchors:
        if anchor.id in context.facts.anchors and anchor.id not in known:
            yield f"{context.participant.code}: {anchor.label}"


def take(
    site: Site, retreat_id: int, digest: str, reason: str, *, actor: str, now: datetime
) -> int:
    """Bring a retreat's courses to the installed version, as previewed; how many.

    Raises InputError without a reason, or when the preview went stale; RefusedError when something
    would be lost or there is nothing new; NotFoundError.
    """
    judge_reason(reason)
    with site.database.write() as session:
        ids = roster.course_ids(session, retreat_id)
        lock_courses(session, ids)
        told = _preview(session, site, retreat_id, now)
        if told.digest != digest:
            raise InputError({"preview": STALE})
        if told.lost:
            raise RefusedError(f"Not in the new version, but in use: {', '.join(told.lost)}.")
        _, new = _newer(session, site, retreat_id)
        versions.bring(session, ids, versions.keep(session, new, now))
        contexts = course_contexts(session, site.library, ids)
        payload: dict[str, object] = {
            "before": told.before,
            "after": told.after,
            "sha256": new.sha256,
            "reason": reason.strip(),
        }
        append_all(session, contexts, "protocol version taken", actor, now, payload)
        roster.look_again(session, ids, now)
        refresh_windows(session, site.library, ids)
        return len(ids)
