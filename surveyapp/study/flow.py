"""Flow: what became of everybody who was enrolled, timepoint by timepoint.

Whoever reads a mean has to know whose scores are not in it. At each timepoint
enrolled = answered + in part + missed + waiting + withdrawn + died, and those who neither left nor
died are the expected ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .protocol import Timepoint
from .record import MISSING, Course, EndingKind, Person
from .schedule import state_of, window_of
from .summary import is_counted

NOT_RECORDED = "not recorded"
Fate = Literal["answered", "late", "in part", "missed", "waiting", "withdrawn", "died"]


@dataclass(frozen=True)
class Flow:
    """One timepoint of one course number.

    `answered`: every form sent, `late` of them after the window closed; `in_part`: some forms
    sent, and no more may come; `missed`: none sent, and none may come; `waiting`: may still come.
    `left_out`: who sent a form that no figure counts, because it came after the dose to a
    timepoint before it, or after another course's dose. `reasons` count why forms of those in
    part or missed are missing.
    """

    course: int
    timepoint: str
    enrolled: int
    expected: int
    answered: int
    late: int
    in_part: int
    missed: int
    waiting: int
    left_out: int
    reasons: Mapping[str, int]
    withdrawn: int
    died: int


def flow(people: Sequence[Person], now: datetime) -> list[Flow]:
    """Every course number x timepoint of these people's protocols, in order."""
    rows: list[Flow] = []
    for number in sorted({c.number for p in people for c in p.courses}):
        there = [(p, c) for p in people for c in p.courses if c.number == number]
        rows += [_row(number, name, there, now) for name in _timepoints(c for _p, c in there)]
    return rows


def _timepoints(courses: Iterable[Course]) -> list[str]:
    return list(dict.fromkeys(t.id for c in courses for t in c.protocol.timepoints))


def _row(number: int, name: str, courses: Sequence[tuple[Person, Course]], now: datetime) -> Flow:
    asked = [(p, c, t) for p, c in courses for t in c.protocol.timepoints if t.id == name]
    fates = [(fate_of(c, t, now), c) for _p, c, t in asked]
    count = Counter(fate for fate, _c in fates)
    gone = count["withdrawn"] + count["died"]
    return Flow(
        course=number,
        timepoint=name,
        enrolled=len(fates),
        expected=len(fates) - gone,
        answered=count["answered"] + count["late"],
        late=count["late"],
        in_part=count["in part"],
        missed=count["missed"],
        waiting=count["waiting"],
        left_out=sum(_is_left_out(p, c, t) for p, c, t in asked),
        reasons=_reasons([c for fate, c in fates if fate in ("in part", "missed")], name),
        withdrawn=count["withdrawn"],
        died=count["died"],
    )


def fate_of(course: Course, timepoint: Timepoint, now: datetime) -> Fate:
    """What became of one timepoint of one course. Who left or died had been answering until then:
    what was sent whole before counts. A recorded reason ends the waiting."""
    state = state_of(timepoint, course.facts, now)
    if state == "submitted":
        return "answered"
    if state == "late":
        return "late"
    if state == "not expected":
        return _ended(course, timepoint)
    if state != "missed" and timepoint.id not in course.missing:
        return "waiting"
    sent = any(course.sheet(timepoint.id, name) for name in timepoint.instruments)
    return "in part" if sent else "missed"


def _ended(course: Course, timepoint: Timepoint) -> EndingKind | Literal["waiting"]:
    """By the earliest ending; without one, no day is set yet that the timepoint counts from."""
    first = min(course.endings, key=lambda e: (e.on, e.kind), default=None)
    if first is not None:
        return first.kind
    return "withdrawn" if window_of(timepoint, course.facts) else "waiting"


def _is_left_out(person: Person, course: Course, timepoint: Timepoint) -> bool:
    sheets = [course.sheet(timepoint.id, name) for name in timepoint.instruments]
    return any(s is not None and not is_counted(person, course, s) for s in sheets)


def _reasons(courses: Iterable[Course], timepoint: str) -> dict[str, int]:
    """In the order of `MISSING`; those that nobody found out come last."""
    found = Counter(c.missing.get(timepoint, NOT_RECORDED) for c in courses)
    known = [*MISSING, *sorted(found.keys() - {*MISSING, NOT_RECORDED}), NOT_RECORDED]
    return {reason: found[reason] for reason in known if found[reason]}
