"""Moving a day: what would shift, shown before it is done.

A preview compares the facts as they are with the facts as they would be, through the schedule
itself, so it cannot differ from what happens. Its digest goes with the second press of the button:
when anything changed in between, the new preview is shown instead of the move being made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from ..store import roster
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts, settled_by
from ..study.protocol import Anchor, Timepoint
from ..study.schedule import (
    AnchorFact,
    Facts,
    Hold,
    Prompt,
    Send,
    Skip,
    Window,
    barrier,
    consent_lapses,
    judge,
    prompts_of,
    state_of,
    window_of,
)
from ..texts import day
from . import dosing
from .enrolment import protocol_of, the_anchor, the_course, the_retreat
from .errors import InputError
from .invitations import Ways
from .permissions import KeptBack
from .site import Site

LONGEST_REASON = 300
WHY = "Say why the day moves, in a few words."
SENT_BEFORE = "it was sent for this day already"
Lot = Literal["later", "at once", "held", "not sent"]


@dataclass(frozen=True)
class WindowShift:
    """One window's local dates, before and after; None where there is none."""

    label: str
    before: Window | None
    after: Window | None


@dataclass(frozen=True)
class PromptShift:
    """What would become of one message: its local times before and after, its lot and why; `sent`
    is when it went out for the day before."""

    label: str
    number: int
    before: datetime | None
    after: datetime
    lot: Lot
    why: str
    sent: datetime | None = None


@dataclass(frozen=True)
class CourseShift:
    """One course under the moved day. `warnings` are whole sentences about its answers, `shut` the
    timepoints that are open or ahead, not answered, and would have closed."""

    code: str
    number: int
    before: date | None
    windows: tuple[WindowShift, ...]
    prompts: tuple[PromptShift, ...]
    warnings: tuple[str, ...]
    shut: tuple[str, ...] = ()

    @property
    def at_once(self) -> int:
        return sum(p.lot == "at once" for p in self.prompts)


@dataclass(frozen=True)
class Preview:
    """Every course that would move, and who keeps their day because a dose was given on it."""

    on: date
    named: str
    shifts: tuple[CourseShift, ...]
    keep: tuple[str, ...]
    in_hand: int

    @property
    def digest(self) -> str:
        """Changes with whatever the preview says of people."""
        return digest_of((self.on, self.shifts, self.keep))


def digest_of(told: object) -> str:
    """A short name of what somebody saw before they agreed."""
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def course_preview(
    site: Site, code: str, number: int, on: date | None, reason: str, anchor: str, now: datetime
) -> Preview:
    """What moving one course's day would do. Raises InputError by field, NotFoundError."""
    with site.database.read() as session:
        context = the_course(session, site, code, number)
        which = the_anchor(context.protocol, anchor)
        dates = {name: fact.date for name, fact in context.facts.anchors.items()}
        zone = context.facts.zone
        judged = dosing.judged(context.protocol, which, on, dates, zone, now)
        judge_reason(reason, WHY)
        given = dosing.has_first_dose(session, context.course_id, which.id)
        shifts = _shifts(session, site, [context], which, judged, now, stays_confirmed=given)
        if not shifts:
            raise InputError({"dosing_date": f"The {which.named} is {day(judged)} already."})
        return Preview(judged, which.named, shifts, (), dosing.in_hand([context], now))


def retreat_preview(
    site: Site, retreat_id: int, on: date | None, reason: str, anchor: str, now: datetime
) -> Preview:
    """What moving a retreat's day would do to its people. Raises InputError, NotFoundError."""
    with site.database.read() as session:
        retreat = the_retreat(session, retreat_id)
        protocol = protocol_of(session, site, retreat)
        which = the_anchor(protocol, anchor)
        dates = {name: d for (_, name), d in roster.retreat_dates(session, [retreat_id]).items()}
        judged = dosing.judged(protocol, which, on, dates, retreat.time_zone, now)
        judge_reason(reason, WHY)
        ids = roster.course_ids(session, retreat_id)
        movers = dosing.undosed(session, site, ids, which)
        everybody = course_contexts(session, site.library, ids)
        shifts = _shifts(session, site, movers, which, judged, now, stays_confirmed=False)
        if not shifts and dates.get(which.id) == judged:
            raise InputError({"dosing_date": f"The {which.named} is {day(judged)} already."})
        moving = {context.course_id for context in movers}
        keep = tuple(c.participant.code for c in everybody if c.course_id not in moving)
        return Preview(judged, which.named, shifts, keep, dosing.in_hand(movers, now))


def judge_reason(reason: str, ask: str = "Say why, in a few words.") -> None:
    """Raises InputError."""
    if not reason.strip():
        raise InputError({"reason": ask})
    if len(reason) > LONGEST_REASON:
        raise InputError({"reason": f"Use at most {LONGEST_REASON} characters."})


def _shifts(
    session: Session,
    site: Site,
    contexts: Collection[CourseContext],
    anchor: Anchor,
    on: date,
    now: datetime,
    *,
    stays_confirmed: bool,
) -> tuple[CourseShift, ...]:
    found: list[CourseShift] = []
    ways = Ways.of(session, site, contexts)
    for context in contexts:
        before = context.facts.anchors.get(anchor.id)
        if before is not None and before.date == on:
            continue
        facts = moved(context, anchor.id, on, confirmed=stays_confirmed)
        found.append(_shift(context, anchor, facts, now, ways.kept_back(context)))
    return tuple(found)


def moved(context: CourseContext, anchor: str, on: date, *, confirmed: bool) -> Facts:
    """The facts with one anchor on another day. What was sent for the old day settles nothing, but
    what was sent for the new one, before the day moved away from it, does."""
    anchors = {**context.facts.anchors, anchor: AnchorFact(on, confirmed)}
    facts = replace(context.facts, anchors=anchors, retry={})
    other = [p for p in context.prompts if context.protocol.timepoint(p.timepoint).anchor != anchor]
    settled = settled_by(context.all_prompts, other, context.protocol, facts)
    return replace(facts, settled=settled)


def _shift(
    context: CourseContext, anchor: Anchor, facts: Facts, now: datetime, held: KeptBack
) -> CourseShift:
    own = [t for t in context.protocol.timepoints if t.anchor == anchor.id]
    before = context.facts.anchors.get(anchor.id)
    return CourseShift(
        code=context.participant.code,
        number=context.course.number,
        before=before.date if before else None,
        windows=window_shifts(own, context.facts, facts),
        prompts=prompt_shifts(context, own, facts, now, held),
        warnings=tuple(answer_warnings(zip(own, own, strict=True), context.facts, facts)),
        shut=tuple(t.label for t in own if _would_be_shut(t, context.facts, facts, now)),
    )


def _would_be_shut(timepoint: Timepoint, before: Facts, after: Facts, now: datetime) -> bool:
    still = state_of(timepoint, before, now) in ("not expected", "upcoming", "open", "in progress")
    return still and state_of(timepoint, after, now) == "missed"


def window_shifts(
    timepoints: Iterable[Timepoint], before: Facts, after: Facts
) -> tuple[WindowShift, ...]:
    """Every window that there would be and that is not as it was."""
    shifts: list[WindowShift] = []
    for timepoint in timepoints:
        old, new = window_of(timepoint, before), window_of(timepoint, after)
        if new is not None and new != old:
            shifts.append(WindowShift(timepoint.label, old, new))
    return tuple(shifts)


def prompt_shifts(
    context: CourseContext,
    timepoints: Iterable[Timepoint],
    after: Facts,
    now: datetime,
    held: KeptBack,
) -> tuple[PromptShift, ...]:
    """Every message there would be, in time order."""
    gone = {(p.timepoint, p.number): p for p in context.prompts if p.status == "sent"}
    shifts: list[PromptShift] = []
    for timepoint in timepoints:
        old = {p.number: p.local for p in prompts_of(timepoint, context.facts)}
        for prompt in prompts_of(timepoint, after):
            lot, why = lot_of(
                timepoint, after, prompt, now, held.at(context, timepoint, max(now, prompt.utc))
            )
            sent = gone.get((timepoint.id, prompt.number)) if lot != "not sent" else None
            shifts.append(
                PromptShift(
                    label=timepoint.label,
                    number=prompt.number,
                    before=old.get(prompt.number),
                    after=prompt.local,
                    lot=lot,
                    why=why,
                    sent=sent.updated_at.astimezone(ZoneInfo(after.zone)) if sent else None,
                )
            )
    return tuple(sorted(shifts, key=lambda p: p.after))


def lot_of(
    timepoint: Timepoint, facts: Facts, prompt: Prompt, now: datetime, held: Hold | None
) -> tuple[Lot, str]:
    """What would become of one prompt under these facts, and why."""
    verdicts = {p.number: verdict for p, verdict in judge(timepoint, facts, now)}
    verdict = verdicts.get(prompt.number) or barrier(timepoint, facts)
    if verdict is None and (ends := consent_lapses(facts)) is not None and prompt.utc >= ends:
        verdict = Hold(facts.no_consent)
    verdict = verdict or held
    if (prompt.timepoint, prompt.number) in facts.settled:
        return "not sent", SENT_BEFORE
    if isinstance(verdict, Skip):
        return "not sent", verdict.reason
    if isinstance(verdict, Send) and held is not None:
        verdict = held
    if isinstance(verdict, Hold):
        return "held", verdict.reason
    return ("at once", "") if prompt.number in verdicts else ("later", "")


def answer_warnings(
    pairs: Iterable[tuple[Timepoint | None, Timepoint]], before: Facts, after: Facts
) -> Iterable[str]:
    """A sentence for every timepoint, as it was and as it becomes, whose answers would lie outside
    their window and did not before."""
    for old, new in pairs:
        sent = [after.submitted.get((new.id, name)) for name in new.instruments]
        given = [at for at in sent if at is not None]
        window = window_of(new, after)
        if not given or window is None or (old and _where(old, before, given) == "outside"):
            continue
        last = max(given)
        told = f"{new.label} was sent {day(last.astimezone(ZoneInfo(after.zone)).date())}"
        if min(given) < window.opens_at:
            fault = "too old to be a baseline" if new.before_anchor else "too early"
            yield f"{told}, before its new window opens ({day(window.opens)}): {fault}."
        elif last >= window.closes_at:
            fault = "it is no baseline then" if new.before_anchor else "it becomes late"
            yield f"{told}, after its new window closes ({day(window.closes)}): {fault}."


def _where(timepoint: Timepoint, facts: Facts, given: list[datetime]) -> str:
    window = window_of(timepoint, facts)
    if window is None:
        return "inside"
    return "inside" if window.opens_at <= min(given) <= max(given) < window.closes_at else "outside"
