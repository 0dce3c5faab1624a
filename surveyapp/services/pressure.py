"""Blood pressure on a dosing day: readings entered fast, one after another, on a tablet.

A reading that was mistyped is withdrawn with a reason and stays in the store. A very high one is
taken and pointed out at once; what is to be done is the site's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from ..store import safety as store
from ..store import trail
from ..store.facts import CourseContext
from ..store.tables_care import BloodPressure
from ..store.windows import lock_courses
from ..study.safety import is_very_high
from ..study.schedule import instant
from ..texts import day, moment
from .enrolment import the_anchor, the_course
from .errors import InputError, NotFoundError
from .site import Site

LIMITS = {"systolic": (40, 300), "diastolic": (20, 200), "pulse": (20, 250)}
LONGEST_REASON = 300
DAYS_AFTER = 2
"""A dosing day runs past midnight, and is written up the day after."""


@dataclass(frozen=True)
class NewReading:
    """As typed: mmHg, beats a minute, local day and time."""

    systolic: float | None
    diastolic: float | None
    pulse: float | None
    on: date | None
    at: time | None
    anchor: str = ""


def add_reading(
    site: Site, code: str, number: int, new: NewReading, *, actor: str, now: datetime
) -> bool:
    """Whether it is very high. Raises InputError by field, NotFoundError."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        lock_courses(session, [context.course_id])
        anchor = the_anchor(context.protocol, new.anchor)
        at = _judged(context, anchor.id, new, now)
        assert new.systolic is not None
        assert new.diastolic is not None
        reading = BloodPressure(
            course_id=context.course_id,
            anchor=anchor.id,
            at=at,
            systolic=int(new.systolic),
            diastolic=int(new.diastolic),
            pulse=int(new.pulse) if new.pulse is not None else None,
            recorded_by=actor,
            recorded_at=now,
        )
        store.add_reading(session, reading)
        payload = {**_payload(reading), "at": at.isoformat()}
        trail.append(session, context.course.chain, "blood pressure recorded", actor, now, payload)
        return is_very_high(reading.systolic, reading.diastolic)


def withdraw_reading(
    site: Site, code: str, number: int, reading_id: int, why: str, *, actor: str, now: datetime
) -> None:
    """Raises InputError, NotFoundError."""
    with site.database.write() as session:
        context = the_course(session, site, code, number)
        lock_courses(session, [context.course_id])
        reading = store.reading_by_id(session, context.course_id, reading_id)
        if reading is None or reading.withdrawn_at is not None:
            raise NotFoundError("There is no such reading: it may have been withdrawn already.")
        if not 0 < len(why.strip()) <= LONGEST_REASON:
            raise InputError({"reason": f"Say why, in at most {LONGEST_REASON} characters."})
        reading.withdrawn_at, reading.withdrawn_by = now, actor
        reading.withdrawn_why = why.strip()
        payload = {**_payload(reading), "reason": why.strip()}
        trail.append(session, context.course.chain, "blood pressure withdrawn", actor, now, payload)


def _payload(reading: BloodPressure) -> dict[str, object]:
    return {
        "id": reading.id,
        "systolic": reading.systolic,
        "diastolic": reading.diastolic,
        "pulse": reading.pulse,
    }


def _judged(context: CourseContext, anchor: str, new: NewReading, now: datetime) -> datetime:
    """The moment of the reading. Raises InputError."""
    problems = _number_problems(new)
    fact = context.facts.anchors.get(anchor)
    if fact is None:
        problems[""] = "Set the dosing day first: the readings belong to it."
    elif new.on is None or not 0 <= (new.on - fact.date).days <= DAYS_AFTER:
        problems["on"] = (
            f"Write the day of the reading, from {day(fact.date)} to {DAYS_AFTER} days later."
        )
    if new.at is None:
        problems["at"] = "Write the time, for example 10:45."
    if problems or new.on is None or new.at is None:
        raise InputError(problems)
    at = instant(new.on, new.at, context.facts.zone)
    if at > now:
        there = moment(now.astimezone(context.zone))
        raise InputError({"at": f"This lies in the future: it is {there}."})
    return at


def _number_problems(new: NewReading) -> dict[str, str]:
    problems: dict[str, str] = {}
    for name, (least, most) in LIMITS.items():
        value = getattr(new, name)
        if value is None:
            if name != "pulse":
                problems[name] = f"Write a whole number from {least} to {most}."
        elif value != int(value) or not least <= value <= most:
            problems[name] = f"Write a whole number from {least} to {most}."
    if not problems and (new.diastolic or 0) >= (new.systolic or 0):
        problems["diastolic"] = "The lower number must be below the upper one."
    return problems
