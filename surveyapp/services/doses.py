"""Doses as they are typed, and what makes one impossible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from ..store.facts import CourseContext
from ..store.tables import DoseRow
from ..study.protocol import Anchor
from ..study.schedule import instant
from ..texts import day
from .dates import year_fault

MOST_MG = 1000
KINDS, STATUSES = ("first", "booster"), ("given", "declined", "not eligible")


@dataclass(frozen=True)
class NewDose:
    """One dose as typed; `on` and `at` are local to the participant.

    `anchor` is the dosing day it belongs to, whatever its date; empty for the protocol's first.
    """

    kind: str
    status: str = "given"
    mg: float | None = None
    on: date | None = None
    at: time | None = None
    reason: str = ""
    anchor: str = ""


def given_instant(dose: NewDose, context: CourseContext) -> datetime | None:
    """When it was given; None while that is not said, or when it was not given."""
    if dose.status != "given" or dose.on is None or dose.at is None:
        return None
    return instant(dose.on, dose.at, context.facts.zone)


def _before_booster(
    dose: NewDose, given_at: datetime | None, booster_at: datetime
) -> dict[str, str]:
    """A correction may not leave the booster without, or before, its first dose."""
    if dose.status != "given":
        return {"status": "A booster was given after this dose, so it was given."}
    if given_at is not None and given_at > booster_at:
        return {"at": "The booster was given before this time."}
    return {}


def dose_problems(
    dose: NewDose,
    context: CourseContext,
    anchor: Anchor,
    there: tuple[DoseRow | None, DoseRow | None],
    now: datetime,
) -> dict[str, str]:
    """What is wrong with a dose by field; `there` are the recorded first dose and booster."""
    first, booster = there
    if not anchor.dosing:
        return {"": f"Nothing is given on the {anchor.named}."}
    problems = _own_problems(dose, context, anchor, first, now)
    if "on" in problems:
        return problems
    if dose.kind == "first" and booster is not None and booster.given_at is not None:
        problems |= _before_booster(dose, given_instant(dose, context), booster.given_at)
    return problems


def _own_problems(
    dose: NewDose, context: CourseContext, anchor: Anchor, first: DoseRow | None, now: datetime
) -> dict[str, str]:
    problems: dict[str, str] = {}
    if dose.kind not in KINDS:
        problems["kind"] = "Choose first dose or booster."
    if dose.status not in STATUSES:
        problems["status"] = "Choose given, declined or not eligible."
    if anchor.id not in context.facts.anchors:
        problems[""] = f"Set the {anchor.named} of {context.participant.code} first."
    if dose.kind == "booster" and (first is None or first.status != "given"):
        problems["kind"] = "A booster follows a first dose, and none was recorded as given."
    if dose.status == "given":
        return problems | _given_problems(dose, context, first, now)
    if not dose.reason.strip():
        problems["reason"] = "Say why, in a few words."
    return problems


def _given_problems(
    dose: NewDose,
    context: CourseContext,
    first: DoseRow | None,
    now: datetime,
) -> dict[str, str]:
    problems: dict[str, str] = {}
    if dose.mg is None or not 0 < dose.mg <= MOST_MG:
        problems["mg"] = f"Write the milligrams, above 0 and at most {MOST_MG}."
    if dose.on is None:
        problems["on"] = "Write the date on which it was given."
    elif fault := year_fault(dose.on, now.date()):
        problems["on"] = fault
    if dose.at is None:
        problems["at"] = "Write the time at which it was given."
    if "on" in problems or "at" in problems:
        return problems
    return problems | _time_problems(dose, context, first, now)


def _time_problems(
    dose: NewDose, context: CourseContext, first: DoseRow | None, now: datetime
) -> dict[str, str]:
    """What is wrong with the moment at which it was given, where that is known."""
    given_at = given_instant(dose, context)
    if given_at is None:
        return {}
    if given_at > now:
        local = now.astimezone(ZoneInfo(context.facts.zone))
        return {"on": f"This lies in the future: it is {day(local.date())}, {local:%H:%M} there."}
    if dose.kind == "booster" and first and first.given_at and given_at < first.given_at:
        return {"at": "A booster cannot be given before the first dose."}
    return {}
