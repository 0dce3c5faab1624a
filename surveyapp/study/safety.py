"""Safety: the words of the log of events, and how long after a dose something began.

Grades follow the common five steps of severity (CTCAE 5.0, 2017: mild, moderate, severe,
life-threatening, death); what each means is said in our own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .record import Dose

GRADES = {
    1: "Mild: noticed, nothing was needed",
    2: "Moderate: limited what the person could do, or simple help was given",
    3: "Severe: not able to care for themselves, or a hospital was needed",
    4: "Life-threatening: urgent help was needed",
    5: "Death",
}
RELATEDNESS = ("unrelated", "unlikely", "possible", "probable", "definite")
ACTIONS = ("none", "watched", "helped without medicine", "medicine given", "sent to hospital")
OUTCOMES = ("recovered", "recovering", "not recovered", "recovered with after-effects", "died")
SOURCES = ("asked", "volunteered")
EXPECTED = ("Blood pressure increased", "Nausea", "Headache", "Dizziness", "Anxiety")
"""Asked for on each dosing day, one by one."""
VERY_HIGH = 180, 120
"""From here (mmHg) a reading is pointed out at once: the threshold of a hypertensive crisis in the
ACC/AHA guideline of 2017 (10.1161/HYP.0000000000000065)."""


def minutes_after(doses: Sequence[Dose], kind: str, at: datetime) -> int | None:
    """Whole minutes since the newest dose of this kind that was given by then; None without."""
    times = [d.given_at for d in doses if d.kind == kind and d.given_at and d.given_at <= at]
    return int((at - max(times)).total_seconds() // 60) if times else None


def began_before(doses: Sequence[Dose], at: datetime) -> bool:
    """Whether it began before the first dose of the course; False while none is known."""
    times = [d.given_at for d in doses if d.given_at]
    return bool(times) and at < min(times)


def is_very_high(systolic: int, diastolic: int) -> bool:
    return systolic >= VERY_HIGH[0] or diastolic >= VERY_HIGH[1]
