"""The profile of a session: one bar per scale in plain words, with its mark, per session.

More is more, in percent of the scale's maximum. No total, no verdict: a person's profile has no
word for having reached all marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..study.instrument import Instrument, Scale
from ..study.record import Course, Person, Sheet
from ..study.scoring import Score
from ..study.trajectory import day_of
from ..texts import day, gettext, number, render
from . import words
from .frame import SMALL, WIDTH, Text
from .measure import text_width

_ = gettext

PER_ROW = 2
BETWEEN = 28.0
TITLE, FIRST_BAR, STEP, BAR = 12.0, 22.0, 19.0, 11.0
VALUE = 42.0


@dataclass(frozen=True)
class Bar:
    """One scale; `fill` is its width, None without a score."""

    name: Text
    left: float
    top: float
    width: float
    fill: float | None
    estimated: bool
    mark: float | None
    value: Text


@dataclass(frozen=True)
class Profile:
    title: Text
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Answered:
    """One session's answer sheet."""

    course: Course
    sheet: Sheet
    days: int | None


def answered_sessions(person: Person, instrument: Instrument) -> list[Answered]:
    """Every sent sheet of a session's instrument, in order of courses and timepoints."""
    return [
        Answered(course, sheet, day_of(timepoint, sheet.submitted_at, course))
        for course in person.courses
        for timepoint in course.protocol.timepoints
        if (sheet := course.sheet(timepoint.id, instrument.id)) is not None
    ]


def profile_scales(instrument: Instrument) -> tuple[Scale, ...]:
    """The scales a profile shows: those of items, not the total."""
    return tuple(s for s in instrument.scales if s.items)


def profile_svg(person: Person, instrument: Instrument) -> str:
    """One profile per answered session, two in a row; "" when none was answered."""
    sessions = answered_sessions(person, instrument)
    scales = profile_scales(instrument)
    if not sessions:
        return ""
    height = FIRST_BAR + STEP * len(scales) + 10
    marks = sorted({s.mark for s in scales if s.mark is not None})
    bottom = height * -(-len(sessions) // PER_ROW)
    return render(
        "chart/profile.svg",
        profiles=[_profile(s, i, height, scales) for i, s in enumerate(sessions)],
        note=Text(0, bottom + 8, _note(scales, marks)),
        width=WIDTH,
        height=bottom + 13,
        bar=BAR,
        title=_("The sessions as remembered"),
        described=" ".join(_described(s, scales) for s in sessions),
    )


def _note(scales: Sequence[Scale], marks: Sequence[float]) -> str:
    note = words.direction(scales[0])
    if not marks:
        return note
    lines = words.join([f"{number(m)} %" for m in marks])
    return _("{note} of the most possible. The line stands at {lines}.").format(
        note=note, lines=lines
    )


def _profile(session: Answered, index: int, height: float, scales: Sequence[Scale]) -> Profile:
    width = (WIDTH - BETWEEN * (PER_ROW - 1)) / PER_ROW
    left, top = (index % PER_ROW) * (width + BETWEEN), (index // PER_ROW) * height
    names = max(text_width(words.name(s), SMALL) for s in scales) + 8
    bars = [
        _bar(session.sheet, scale, left, top + FIRST_BAR + STEP * i, names, width)
        for i, scale in enumerate(scales)
    ]
    return Profile(Text(left, top + TITLE, session_title(session)), tuple(bars))


def session_title(session: Answered) -> str:
    """Sat 14 Feb 2026, answered 8 days after"""
    timepoint = session.course.protocol.timepoint(session.sheet.timepoint)
    dosing = session.course.facts.anchors.get(timepoint.anchor)
    on = day(dosing.date) if dosing else words.course_title(session.course)
    if session.days is None:
        return on
    unit = _("day") if session.days == 1 else _("days")
    return _("{on}, answered {n} {unit} after").format(on=on, n=session.days, unit=unit)


def _bar(sheet: Sheet, scale: Scale, left: float, top: float, names: float, width: float) -> Bar:
    score = sheet.scores.get(scale.id)
    start, length = left + names, width - names - VALUE
    known = score.value if score else None
    _low, most = words.axis(scale)
    return Bar(
        name=Text(start - 7, top + BAR - 2, words.name(scale), "end"),
        left=start,
        top=top,
        width=length,
        fill=None if known is None else known / most * length,
        estimated=bool(score and score.estimated),
        mark=None if scale.mark is None else start + scale.mark / most * length,
        value=Text(start + length + 7, top + BAR - 1.5, shown(scale, score)),
    )


def shown(scale: Scale, score: Score | None) -> str:
    """52 %; ≈52 % when estimated; a dash without a score."""
    if score is None or score.value is None:
        return "–"
    text = words.value(scale, score.value, estimated=score.estimated)
    return f"≈{text}" if score.estimated else text


def _described(session: Answered, scales: Sequence[Scale]) -> str:
    told = [_told(s, session.sheet.scores.get(s.id)) for s in scales]
    return f"{words.course_name(session.course)}, {session_title(session)}: {', '.join(told)}."


def _told(scale: Scale, score: Score | None) -> str:
    if score is None or score.value is None:
        return _("{name} without a score").format(name=words.name(scale))
    text = words.value(scale, score.value, estimated=score.estimated)
    estimated = _(" (estimated)") if score.estimated else ""
    return f"{words.name(scale)} {text}{estimated}"
