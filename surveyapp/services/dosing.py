"""Dosing: an anchor's day, its confirmation, the doses, and the coordinator's word for a timepoint.

An anchor is planned until it is confirmed: by a given first dose, for one course, or for a whole
retreat at once. A dose never moves an anchor. A day that moves is planned again, unless the dose
was given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from ..store import roster, trail
from ..store.database import Session
from ..store.facts import CourseContext, course_contexts, refresh_windows
from ..store.tables import DoseRow
from ..study.schedule import instant, open_prompts, window_of
from ..texts import day
from .enrolment import append_all, past_fault, protocol_of, the_course, the_retreat
from .errors import InputError, RefusedError
from .site import Site

MOST_MG = 1000
KINDS, STATUSES = ("first", "booster"), ("given", "declined", "not eligible")


@dataclass(frozen=True)
class NewDose:
    """One dose as typed; `on` and `at` are local to the participant."""

    kind: str
    status: str = "given"
    mg: float | None = None
    on: date | None = None
    at: time | None = None
    reason: str = ""


def set_dosing_day(
    site: Site, code: str, number: int, on: date | None, *, actor: str, now: datetime
) -> None:
    """Set or move one course's dosing day. Raises InputError, NotFoundError."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        anchor = context.protocol.main_anchor.id
        fault = "Write the dosing day." if on is None else None
        if on is not None:
            fault = past_fault(context.protocol, anchor, on, context.facts.zone, now)
        if fault or on is None:
            raise InputError({"dosing_date": fault or ""})
        _move(session, [context], anchor, on, actor, now)
        refresh_windows(session, site.library, [context.course_id])


def set_retreat_day(
    site: Site, retreat_id: int, on: date | None, *, actor: str, now: datetime
) -> int:
    """Set or move the dosing day of a retreat and of its people who had no dose yet.

    Returns how many courses it changed. Raises InputError, NotFoundError.
    """
    with site.database.write() as session:
        retreat = the_retreat(session, retreat_id)
        protocol = protocol_of(session, site, retreat)
        anchor = protocol.main_anchor.id
        fault = "Write the dosing day." if on is None else None
        if on is not None:
            fault = past_fault(protocol, anchor, on, retreat.time_zone, now)
        if fault or on is None:
            raise InputError({"dosing_date": fault or ""})
        roster.set_retreat_date(session, retreat_id, anchor, on)
        fields = {"retreat": retreat_id, "anchor": anchor, "date": on.isoformat()}
        trail.append(session, trail.SYSTEM, "retreat day set", actor, now, fields)
        contexts = _undosed(session, site, roster.course_ids(session, retreat_id))
        changed = _move(session, contexts, anchor, on, actor, now)
        refresh_windows(session, site.library, changed)
        return len(changed)


def _undosed(session: Session, site: Site, ids: Collection[int]) -> list[CourseContext]:
    """The courses without a given first dose."""
    doses = roster.doses(session, ids)
    given = {
        course for (course, kind), d in doses.items() if (kind, d.status) == ("first", "given")
    }
    return course_contexts(session, site.library, [i for i in ids if i not in given])


def _move(
    session: Session,
    contexts: Iterable[CourseContext],
    anchor: str,
    on: date,
    actor: str,
    now: datetime,
) -> list[int]:
    """The ids of the courses whose day was another."""
    moved: list[int] = []
    for context in contexts:
        before = context.facts.anchors.get(anchor)
        if before is not None and before.date == on:
            continue
        row = roster.set_anchor(session, context.course_id, anchor, on)
        if not _has_first_dose(session, context.course_id):
            row.confirmed_at = None
        payload = {
            "anchor": anchor,
            "date": on.isoformat(),
            "before": before.date.isoformat() if before else None,
        }
        trail.append(session, context.course.chain, "dosing day set", actor, now, payload)
        moved.append(context.course_id)
    return moved


def _has_first_dose(session: Session, course_id: int) -> bool:
    dose = roster.doses(session, [course_id]).get((course_id, "first"))
    return dose is not None and dose.status == "given"


def confirm_anchor(site: Site, code: str, number: int, *, actor: str, now: datetime) -> None:
    """Confirm one course's dosing day. Raises RefusedError while it has none."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        if context.protocol.main_anchor.id not in context.facts.anchors:
            raise RefusedError("Set the dosing day first.")
        _confirm(session, [context], actor, now)
        refresh_windows(session, site.library, [context.course_id])


def confirm_retreat(site: Site, retreat_id: int, *, actor: str, now: datetime) -> int:
    """Confirm the dosing day of everybody in a retreat who has one; how many were not before."""
    with site.database.write() as session:
        the_retreat(session, retreat_id)
        ids = roster.course_ids(session, retreat_id)
        contexts = unconfirmed(course_contexts(session, site.library, ids))
        if not contexts:
            raise RefusedError("There is no dosing day to confirm.")
        _confirm(session, contexts, actor, now)
        refresh_windows(session, site.library, [c.course_id for c in contexts])
        return len(contexts)


def unconfirmed(contexts: Iterable[CourseContext]) -> list[CourseContext]:
    """The courses whose dosing day is set and not confirmed."""
    found: list[CourseContext] = []
    for context in contexts:
        fact = context.facts.anchors.get(context.protocol.main_anchor.id)
        if fact is not None and not fact.confirmed:
            found.append(context)
    return found


def held_prompts(context: CourseContext, now: datetime) -> int:
    """How many prompts wait for this course's dosing day alone to be confirmed."""
    total = 0
    for timepoint in context.protocol.timepoints:
        window = window_of(timepoint, context.facts)
        if window is None or not timepoint.after_anchor or window.closes_at <= now:
            continue
        total += len(open_prompts(timepoint, context.facts))
    return total


def _confirm(
    session: Session, contexts: Collection[CourseContext], actor: str, now: datetime
) -> None:
    for context in contexts:
        row = roster.anchor(session, context.course_id, context.protocol.main_anchor.id)
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
    existing = roster.doses(session, [context.course_id])
    first, booster = (existing.get((context.course_id, kind)) for kind in KINDS)
    given_at = _instant(dose, context)
    problems = _dose_problems(dose, context, first, given_at, now)
    if dose.kind == "first" and booster is not None and booster.given_at is not None:
        problems |= _before_booster(dose, given_at, booster.given_at)
    if problems:
        raise InputError(problems)
    row = existing.get((context.course_id, dose.kind))
    before = _payload(row) if row else None
    if row is None:
        row = DoseRow(course_id=context.course_id, kind=dose.kind, status="", recorded_at=now)
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
        _confirm(session, [context], actor, now)


def _instant(dose: NewDose, context: CourseContext) -> datetime | None:
    if dose.status != "given" or dose.on is None or dose.at is None:
        return None
    return instant(dose.on, dose.at, context.facts.zone)


def _minutes(given_at: datetime | None, first: DoseRow | None) -> int | None:
    if given_at is None or first is None or first.given_at is None:
        return None
    return round((given_at - first.given_at).total_seconds() / 60)


def _before_booster(
    dose: NewDose, given_at: datetime | None, booster_at: datetime
) -> dict[str, str]:
    """A correction may not leave the booster without, or before, its first dose."""
    if dose.status != "given":
        return {"status": "A booster was given after this dose, so it was given."}
    if given_at is not None and given_at > booster_at:
        return {"at": "The booster was given before this time."}
    return {}


def _dose_problems(
    dose: NewDose,
    context: CourseContext,
    first: DoseRow | None,
    given_at: datetime | None,
    now: datetime,
) -> dict[str, str]:
    problems: dict[str, str] = {}
    if dose.kind not in KINDS:
        problems["kind"] = "Choose first dose or booster."
    if dose.status not in STATUSES:
        problems["status"] = "Choose given, declined or not eligible."
    if context.protocol.main_anchor.id not in context.facts.anchors:
        problems[""] = f"Set the dosing day of {context.participant.code} first."
    if dose.kind == "booster" and (first is None or first.status != "given"):
        problems["kind"] = "A booster follows a first dose, and none was recorded as given."
    if dose.status == "given":
        return problems | _given_problems(dose, context, first, given_at, now)
    if not dose.reason.strip():
        problems["reason"] = "Say why, in a few words."
    return problems


def _given_problems(
    dose: NewDose,
    context: CourseContext,
    first: DoseRow | None,
    given_at: datetime | None,
    now: datetime,
) -> dict[str, str]:
    problems: dict[str, str] = {}
    if dose.mg is None or not 0 < dose.mg <= MOST_MG:
        problems["mg"] = f"Write the milligrams, above 0 and at most {MOST_MG}."
    if dose.on is None:
        problems["on"] = "Write the date on which it was given."
    if dose.at is None:
        problems["at"] = "Write the time at which it was given."
    if given_at is None:
        return problems
    if given_at > now:
        local = now.astimezone(ZoneInfo(context.facts.zone))
        problems["on"] = f"This lies in the future: it is {day(local.date())}, {local:%H:%M} there."
    elif dose.kind == "booster" and first and first.given_at and given_at < first.given_at:
        problems["at"] = "A booster cannot be given before the first dose."
    return problems


def _payload(row: DoseRow) -> dict[str, object]:
    return {
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
