"""The frame of a time chart: panels side by side over one true scale of days, one fixed axis.

Sizes are CSS pixels. A chart is 672 wide, the text width of an A4 page. Axis figures stand left of
each panel and threshold figures right of it, so that nothing but points and their labels is
written inside. Above each panel are its title and the dosing day; below it the weeks, and then
lanes that name each missing timepoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..study.instrument import Instrument, Scale
from ..study.record import Course
from ..study.schedule import window_of
from ..texts import gettext, number
from . import words
from .measure import text_width
from .placement import Box, Segment

_ = gettext

WIDTH = 672.0
PER_ROW = 3
LEFT, RIGHT, BETWEEN = 24.0, 20.0, 8.0
TITLE, LANE, TOP, PLOT = 12.0, 29.0, 38.0, 215.0
WEEKS, FIRST_GAP, GAP_STEP = 15.0, 30.0, 13.0
LOW_INSET, HIGH_INSET = 30.0, 26.0
LEAST_TICK = 46.0
STEPS = (1, 2, 4, 8, 12, 26, 52, 104)
SIZE, SMALL = 11.0, 9.5

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    anchor: Anchor = "start"


@dataclass(frozen=True)
class Days:
    """The days every panel shows, and how they come to x within a panel."""

    first: int
    last: int

    def at(self, day: float, left: float, right: float) -> float:
        start, end = left + LOW_INSET, right - HIGH_INSET
        return start + (day - self.first) / max(1, self.last - self.first) * (end - start)


@dataclass(frozen=True)
class Space:
    """Where one panel's plot lies, and how days and values come to it."""

    left: float
    right: float
    top: float
    bottom: float
    low: float
    high: float
    days: Days

    @property
    def plot(self) -> Box:
        """Where labels may stand; the highest value's may reach up to the dosing day's text."""
        return Box(self.left + 2, self.top - 5, self.right - 2, self.bottom - 1)

    def x(self, day: float) -> float:
        return self.days.at(day, self.left, self.right)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


@dataclass(frozen=True)
class Frame:
    """Everything of one panel that is not data."""

    space: Space
    title: Text
    doses: tuple[Text, ...]
    dose_lines: tuple[Segment, ...]
    threshold_lines: tuple[Segment, ...]
    thresholds: tuple[Text, ...]
    ends: tuple[Text, ...]
    weeks: tuple[Text, ...]
    ticks: tuple[Segment, ...]

    @property
    def lines(self) -> tuple[Segment, ...]:
        """What labels must keep clear of."""
        return (*self.dose_lines, *self.threshold_lines)


@dataclass(frozen=True)
class Grid:
    """Where panels stand: up to three in a row, all equally wide."""

    count: int
    row_height: float

    def corner(self, index: int) -> tuple[float, float, float]:
        """(left, right, top) of the plot and its row."""
        columns = min(PER_ROW, self.count)
        cell = (WIDTH - BETWEEN * (columns - 1)) / columns
        left = (index % columns) * (cell + BETWEEN)
        return left + LEFT, left + cell - RIGHT, (index // columns) * self.row_height

    @property
    def height(self) -> float:
        return self.row_height * -(-self.count // PER_ROW)


def asked(course: Course, instrument: Instrument) -> bool:
    return any(instrument.id in t.instruments for t in course.protocol.timepoints)


def chart_scales(instrument: Instrument) -> list[tuple[Scale, ...]]:
    """The scales to draw, grouped so that one panel never mixes axes or directions."""
    groups: dict[tuple[str, str, float], list[Scale]] = {}
    for scale in instrument.scales:
        if scale.items:
            key = (scale.direction, scale.report, words.axis(scale)[1])
            groups.setdefault(key, []).append(scale)
    return [tuple(group[i : i + 4]) for group in groups.values() for i in range(0, len(group), 4)]


def offset(course: Course, timepoint_id: str) -> int | None:
    """The timepoint's target in days after the course's main anchor."""
    timepoint = course.protocol.timepoint(timepoint_id)
    window, dosing = window_of(timepoint, course.facts), course.dosing_date
    return (window.target - dosing).days if window and dosing else None


def days_shown(courses: Iterable[Course], instrument: Instrument, drawn: Iterable[int]) -> Days:
    """From the first to the last planned or drawn day, the dosing day always within."""
    days = [0, *drawn]
    for course in courses:
        for timepoint in course.protocol.timepoints:
            planned = offset(course, timepoint.id)
            if instrument.id in timepoint.instruments and planned is not None:
                days.append(planned)
    return Days(min(days), max(days))


def frame(
    grid: Grid,
    index: int,
    days: Days,
    scale: Scale,
    title: str,
    courses: Sequence[Course],
    *,
    dosed: bool = True,
) -> Frame:
    """The frame of one panel; dosing days have their dates and doses when `courses` is one.

    Day 0 is called the dose, or the start when nothing is given then (`dosed` false).
    """
    left, right, row = grid.corner(index)
    low, high = words.axis(scale)
    space = Space(left, right, row + TOP, row + TOP + PLOT, low, high, days)
    at = [*words.thresholds(scale)] or ([scale.mark] if scale.mark is not None else [])
    weeks = _weeks(space)
    return Frame(
        space=space,
        title=Text(left, row + TITLE, title),
        doses=_dose_texts(space, row + LANE, courses),
        dose_lines=_dose_lines(space, row + LANE - 9, courses),
        threshold_lines=tuple(Segment(left, space.y(v), right, space.y(v), pad=1.0) for v in at),
        thresholds=tuple(Text(right + 3, space.y(v) + 3.5, number(v)) for v in at),
        ends=tuple(Text(left - 5, space.y(v) + 3.5, number(v), "end") for v in (low, high)),
        weeks=(
            _under(space, 0, _("dose") if dosed else _("start")),
            *(_under(space, 7 * n, _week(n)) for n in weeks),
        ),
        ticks=tuple(_tick(space, 7 * n) for n in (0, *weeks)),
    )


def _dose_lines(space: Space, top: float, courses: Sequence[Course]) -> tuple[Segment, ...]:
    days = {0}
    if len(courses) == 1 and (main := courses[0].dosing_date):
        days |= {(a.date - main).days for a in courses[0].facts.anchors.values()}
    return tuple(Segment(space.x(d), top, space.x(d), space.bottom) for d in sorted(days))


def _dose_texts(space: Space, y: float, courses: Sequence[Course]) -> tuple[Text, ...]:
    if len(courses) != 1 or courses[0].dosing_date is None:
        return ()
    main = courses[0].dosing_date
    dates = {name: fact.date for name, fact in courses[0].facts.anchors.items()}
    marked = sorted((space.x((on - main).days) + 4, name, on) for name, on in dates.items())
    ends = [*(x - 8 for x, _name, _on in marked[1:]), space.right + RIGHT]
    return tuple(
        Text(x, y, _fitting(words.dose_labels(courses[0], name, on), end - x))
        for (x, name, on), end in zip(marked, ends, strict=True)
    )


def _fitting(texts: Sequence[str], room: float) -> str:
    return next((t for t in texts if text_width(t, SMALL) <= room), "")


def _weeks(space: Space) -> list[int]:
    """The weeks to name, as close as can be read."""
    per_week = space.x(7) - space.x(0)
    step = next((s for s in STEPS if s * per_week >= LEAST_TICK), STEPS[-1])
    return list(range(step, space.days.last // 7 + 1, step))


def _week(number_of: int) -> str:
    return _("{n} wk").format(n=number_of)


def _under(space: Space, day: int, text: str) -> Text:
    return Text(space.x(day), space.bottom + WEEKS, text, "middle")


def _tick(space: Space, day: int) -> Segment:
    return Segment(space.x(day), space.bottom, space.x(day), space.bottom + 4)
