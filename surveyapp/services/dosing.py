"""Dosing: an anchor's day, its confirmation, the doses, and the coordinator's word for a timepoint.

A course has one anchor or several; acts name theirs, and mean the protocol's first when they name
none. An anchor is planned until it is confirmed: by a given first dose on it, for one course, or
for a whole retreat at once. A dose never moves an anchor. A day that moves is planned again, unless
its dose was given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from ..store import roster, trail
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts
from ..store.tables import DoseRow
from ..store.windows import lock_courses, refresh_windows
from ..study.protocol import Anchor, Protocol
from ..study.schedule import open_prompts, window_of
from .doses import KINDS, dose_problems, given_instant
from .doses import NewDose as NewDose
from .enrolment import (
    append_all,
    day_fault,
    protocol_of,
    the_anchor,
    the_course,
    the_retreat,
)
from .errors import InputError, RefusedError
from .site import Site


def set_dosing_day(
    site: Site,
    code: str,
    number: int,
    on: date | None,
    *,
    anchor: str = "",
    reason: str = "",
    actor: str,
    now: datetime,
) -> None:
    """Set or move one course's anchor. Raises InputError, NotFoundError."""
    with site.database.write() as session:
        lock_courses(session, [the_course(session, site, code, number).course_id])
        context = the_course(session, site, code, number)
        which = the_anchor(context.protocol, anchor)
        dates = {name: fact.date for name, fact in context.facts.anchors.items()}
        day_on = judged(context.protocol, which, on, dates, context.facts.zone, now)
        _move(session, [context], which, day_on, reason, actor, now)
        refresh_windows(session, site.library, [context.course_id])


def judged(
    protocol: Protocol,
    anchor: Anchor,
    on: date | None,
    dates: Mapping[str, date],
    zone: str,
    now: datetime,
) -> date:
    """The date, if it may be this anchor's. Raises InputError."""
    if on is None:
        raise InputError({"dosing_date": f"Write the {anchor.named}."})
    if fault := day_fault(protocol, {**dates, anchor.id: on}, anchor.id, zone, now):
        raise InputError({"dosing_date": fault})
    return on


def set_retreat_day(
    site: Site,
    retreat_id: int,
    on: date | None,
    *,
    anchor: str = "",
    reason: str = "",
    actor: str,
    now: datetime,
) -> int:
    """Set or move an anchor of a retreat and of its people who had no dose on it yet.

    Returns how many courses it changed. Raises InputError, NotFoundError.
    """
    with site.database.write() as session:
        retreat = the_retreat(session, retreat_id)
        protocol = protocol_of(session, site, retreat)
        which = the_anchor(protocol, anchor)
        dates = {name: d for (_, name), d in roster.retreat_dates(session, [retreat_id]).items()}
        day_on = judged(protocol, which, on, dates, retreat.time_zone, now)
        roster.set_retreat_date(session, retreat_id, which.id, day_on)
        fields = {"retreat": retreat_id, "anchor": which.id, "date": day_on.isoformat()}
        trail.append(session, trail.SYSTEM, "retreat day set", actor, now, fields)
        contexts = undosed(session, site, roster.course_ids(session, retreat_id), which)
        changed = _move(session, contexts, which, day_on, reason, actor, now)
        refresh_windows(session, site.library, changed)
        return len(changed)


def undosed(
    session: Session, site: Site, ids: Collection[int], anchor: Anchor
) -> list[CourseContext]:
    """The courses without a given first dose on this anchor."""
    doses = roster.doses(session, ids).values()
    wanted = (anchor.id, "first", "given")
    given = {d.course_id for d in doses if (d.anchor, d.kind, d.status) == wanted}
    return course_contexts(session, site.library, [i for i in ids if i not in given])


def _move(
    session: Session,
    contexts: Iterable[CourseContext],
    anchor: Anchor,
    on: date,
    reason: str,
    actor: str,
    now: datetime,
) -> list[int]:
    """The ids of the courses whose day was another."""
    moved: list[int] = []
    for context in contexts:
        before = context.facts.anchors.get(anchor.id)
        if before is not None and before.date == on:
            continue
        row = roster.set_anchor(session, context.course_id, anchor.id, on)
        if not has_first_dose(session, context.course_id, anchor.id):
            row.confirmed_at = None
        payload = {
            "anchor": anchor.id,
            "date": on.isoformat(),
            "before": before.date.isoformat() if before else None,
            "reason": reason.strip(),
        }
        trail.append(session, context.course.chain, "dosing day set", actor, now, payload)
        moved.append(context.course_id)
    return moved


def in_hand(contexts: Iterable[CourseContext], now: datetime) -> int:
    """How many messages of these courses a worker is handing over just now."""
    rows = (row for context in contexts for row in context.prompts)
    return sum(row.status == "claimed" and (row.next_at or now) > now for row in rows)


def has_first_dose(session: Session, course_id: int, anchor: str) -> bool:
    """Whether a first dose was given on this anchor."""
    dose = roster.doses(session, [course_id]).get((course_id, anchor, "first"))
    return dose is not None and dose.status == "given"


def confirm_anchor(
    site: Site, code: str, number: int, *, anchor: str = "", actor: str, now: datetime
) -> None:
    """Confirm one anchor of a course. Raises RefusedError while it has no date."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        which = the_anchor(context.protocol, anchor)
        if which.id not in context.facts.anchors:
            raise RefusedError(f"Set the {which.named} first.")
        _confirm(session, [context], which, actor, now)
        refresh_windows(session, site.library, [context.course_id])


def confirm_retreat(
    site: Site, retreat_id: int, *, anchor: str = "", actor: str, now: datetime
) -> int:
    """Confirm an anchor of everybody in a retreat who has its date; how many were not before."""
    with site.database.write() as session:
        which = the_anchor(protocol_of(session, site, the_retreat(session, retreat_id)), anchor)
        ids = roster.course_ids(session, retreat_id)
        contexts = unconfirmed(course_contexts(session, site.library, ids), which.id)
        if not contexts:
            raise RefusedError(f"There is no {which.named} to confirm.")
        _confirm(session, contexts, which, actor, now)
        refresh_windows(session, site.library, [c.course_id for c in contexts])
        return len(contexts)


def unconfirmed(contexts: Iterable[CourseContext], anchor: str) -> list[CourseContext]:
    """The courses in which this anchor has a date and is not confirmed."""
    found: list[CourseContext] = []
    for context in contexts:
        fact = context.facts.anchors.get(anchor)
        if fact is not None and not fact.confirmed:
            found.append(context)
    return found


def held_prompts(context: CourseContext, anchor: str, now: datetime) -> int:
    """How many prompts wait for this anchor of the course alone to be confirmed."""
    total = 0
    for timepoint in context.protocol.timepoints:
        if timepoint.anchor != anchor:
            continue
        window = window_of(timepoint, context.facts)
        if window is None or not timepoint.after_anchor or window.closes_at <= now:
            continue
        total += len(open_prompts(timepoint, context.facts))
    return total


def _confirm(
    session: Session,
    contexts: Collection[CourseContext],
    anchor: Anchor,
    actor: str,
    now: datetime,
) -> None:
    for context in contexts:
        row = roster.anchor(session, context.course_id, anchor.id)
        if row is not None and row.confirmed_at is None:
            row.confirmed_at = now
            append_all(
                session, [context], "dosing day confirmed", actor, now, {"anchor": row.anchor}
            )


def record_dose(
    site: Site, code: str, number: int, dose: NewDose, *, actor: str, now: datetime
) -> None:
    """Record a dose; recorded again it is corrected. A given first dose confirms the dosing day.

    Raises InputError by field, NotFoundError.
    """
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        _record(session, context, dose, actor, now)
        refresh_windows(session, site.library, [context.course_id])


def record_doses(
    site: Site, retreat_id: int, codes: Collection[str], dose: NewDose, *, actor: str, now: datetime
) -> int:
    """Record the same first dose for several people of a retreat, all or none; how many.

    Raises InputError by field, NotFoundError.
    """
    with site.database.write() as session:
        the_retreat(session, retreat_id)
        ids = roster.course_ids(session, retreat_id)
        contexts = course_contexts(session, site.library, ids)
        chosen = [c for c in contexts if c.participant.code in codes]
        if not chosen or len(chosen) < len(set(codes)):
            raise InputError({"codes": "Choose who had this dose."})
        for context in chosen:
            _record(session, context, dose, actor, now)
        refresh_windows(session, site.library, [c.course_id for c in chosen])
        return len(chosen)


def _record(
    session: Session, context: CourseContext, dose: NewDose, actor: str, now: datetime
) -> None:
    anchor = the_anchor(context.protocol, dose.anchor)
    existing = roster.doses(session, [context.course_id])
    first, booster = (existing.get((context.course_id, anchor.id, kind)) for kind in KINDS)
    if problems := dose_problems(dose, context, anchor, (first, booster), now):
        raise InputError(problems)
    given_at = given_instant(dose, context)
    row = existing.get((context.course_id, anchor.id, dose.kind))
    before = _payload(row) if row else None
    if row is None:
        row = DoseRow(
            course_id=context.course_id,
            anchor=anchor.id,
            kind=dose.kind,
            status="",
            recorded_at=now,
        )
        roster.add_dose(session, row)
    given = dose.status == "given"
    row.status, row.recorded_at = dose.status, now
    row.mg, row.given_at = (dose.mg, given_at) if given else (None, None)
    row.reason = "" if given else dose.reason.strip()
    row.minutes = _minutes(given_at, first) if dose.kind == "booster" else None
    if dose.kind == "first" and booster is not None:
        booster.minutes = _minutes(booster.given_at, row)
    payload: dict[str, object] = {**_payload(row), **({"before": before} if before else {})}
    kind = "dose corrected" if before else "dose recorded"
    trail.append(session, context.course.chain, kind, actor, now, payload)
    if given and dose.kind == "first":
        _confirm(session, [context], anchor, actor, now)


def _minutes(given_at: datetime | None, first: DoseRow | None) -> int | None:
    if given_at is None or first is None or first.given_at is None:
        return None
    return round((given_at - first.given_at).total_seconds() / 60)


def _payload(row: DoseRow) -> dict[str, object]:
    return {
        "anchor": row.anchor,
        "kind": row.kind,
        "status": row.status,
        "mg": row.mg,
        "given_at": row.given_at.isoformat() if row.given_at else None,
        "reason": row.reason,
    }


def clear_timepoint(
    site: Site, code: str, number: int, timepoint: str, *, actor: str, now: datetime
) -> None:
    """The coordinator's word that a person is well enough to be asked at this timepoint.

    Raises RefusedError where the protocol asks for none, NotFoundError.
    """
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        known = {t.id: t for t in context.protocol.timepoints}
        if timepoint not in known or not known[timepoint].confirm:
            raise RefusedError("This timepoint needs no confirmation.")
        if roster.add_clearance(session, context.course_id, timepoint, actor, now):
            fields = {"timepoint": timepoint}
            trail.append(session, context.course.chain, "timepoint confirmed", actor, now, fields)
            refresh_windows(session, site.library, [context.course_id])
