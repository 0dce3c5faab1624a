"""The trajectory chart: one person's scores, one panel per course, all on one scale of days.

A line joins neighbouring timepoints only: never across a missing one, and never to an answer that
does not count (after the dose, after another course's dose). Estimated points are hollow; points
outside their window carry a dagger, explained in the legend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise, product

from ..study.instrument import Instrument, Scale
from ..study.record import Course, Person
from ..study.trajectory import Gap, Line, Mark, Point, counts, line
from ..texts import day, gettext, number, render
from . import words
from .event_marks import EventMark, event_marks, legend_words
from .event_marks import told as told_events
from .frame import (
    FIRST_GAP,
    GAP_STEP,
    LEFT,
    PLOT,
    RIGHT,
    SIZE,
    SMALL,
    TOP,
    WIDTH,
    Days,
    Frame,
    Grid,
    Space,
    asked,
    days_shown,
    frame,
    offset,
)
from .marks import RADIUS, STYLES, Entry, Style, flow, path
from .measure import TALL, shortened, text_width
from .placement import FIRST, LOWER, UPPER, Box, Placed, Segment, Side, Target, place

_ = gettext

MISSING, NOT_YET = "×", "|"
WAITING = ("upcoming", "open", "not expected", "in progress")
MAX_GAP_ROWS = 6
UNDER = 1.4


@dataclass(frozen=True)
class Drawn:
    """One drawn point with its label's place, and all that is known of it in words."""

    x: float
    y: float
    path: str
    hollow: bool
    text: str
    label: Placed | None
    told: str


@dataclass(frozen=True)
class Series:
    style: Style
    segments: tuple[Segment, ...]
    marks: tuple[Drawn, ...]


@dataclass(frozen=True)
class GapText:
    """A missing timepoint below the axis: a sign at its day, the words beside it."""

    x: float
    y: float
    sign: str
    text_x: float
    text: str


@dataclass(frozen=True)
class Panel:
    frame: Frame
    series: tuple[Series, ...]
    gaps: tuple[GapText, ...]
    events: tuple[EventMark, ...]


def trajectory_svg(
    person: Person,
    instrument: Instrument,
    scales: Sequence[Scale],
    now: datetime,
    *,
    live: bool = False,
) -> str:
    """The chart of `scales` (which share one axis and direction), "" when no course asks them. On
    a page (`live`) each point can be reached and tells all that is known of it."""
    courses = [c for c in person.courses if asked(c, instrument) and c.dosing_date]
    lines = [[line(person, c, instrument, s, now) for s in scales] for c in courses]
    if not courses:
        return ""
    drawn = [day_after(c, p) for c, found in zip(courses, lines, strict=True) for p in _all(found)]
    days = days_shown(courses, instrument, drawn)
    panels, height = _panels(courses, lines, days)
    entries = _legend(instrument, scales, lines)
    if events := legend_words(courses):
        entries.append(Entry(events))
    legend, bottom = flow(entries, height + 14, WIDTH, SMALL)
    return render(
        "chart/trajectory.svg",
        panels=panels,
        legend=legend,
        width=WIDTH,
        height=bottom + 5,
        title=_title(scales),
        described=_described(courses, lines),
        live=live,
    )


def day_after(course: Course, point: Point) -> int:
    """Days after the course's main anchor (a point's own `day` counts from its timepoint's)."""
    return (point.on - course.dosing_date).days if course.dosing_date else point.day


def _all(lines: Iterable[Line]) -> list[Point]:
    return [p for found in lines for p in found.points]


def _panels(
    courses: Sequence[Course], lines: Sequence[Sequence[Line]], days: Days
) -> tuple[list[Panel], float]:
    """The panels and their height together; gap lanes decide how high a row is."""
    flat = Grid(len(courses), 0)
    frames = [
        _frame(flat, i, days, found[0].scale, c)
        for i, (c, found) in enumerate(zip(courses, lines, strict=True))
    ]
    gaps = [_gaps(f.space, c, ls) for f, c, ls in zip(frames, courses, lines, strict=True)]
    lanes = max(
        (1 + int((g.y - FIRST_GAP - TOP - PLOT) // GAP_STEP) for gs in gaps for g in gs), default=0
    )
    grid = Grid(len(courses), TOP + PLOT + FIRST_GAP - GAP_STEP + lanes * GAP_STEP + 8)
    panels: list[Panel] = []
    for i, (course, found) in enumerate(zip(courses, lines, strict=True)):
        made = _frame(grid, i, days, found[0].scale, course)
        gap_texts = tuple(_gaps(made.space, course, found))
        marks = event_marks(made.space, course)
        panels.append(Panel(made, _series(made, course, found), gap_texts, marks))
    return panels, grid.height


def _frame(grid: Grid, index: int, days: Days, scale: Scale, course: Course) -> Frame:
    dosed = words.is_dosed(course)
    left, right, _top = grid.corner(index)
    title = shortened(words.course_title(course), right + RIGHT - left)
    return frame(grid, index, days, scale, title, [course], dosed=dosed)


def _series(f: Frame, course: Course, lines: Sequence[Line]) -> tuple[Series, ...]:
    joined = [_segments(f.space, course, found) for found in lines]
    points = [(found, point) for found in lines for point in found.points]
    first = _first_of_each(course, points)
    shared = len(first) < len(points)
    targets = [_target(f.space, course, found, point, lines) for found, point in first]
    if shared:
        targets = [replace(t, radius=t.radius * UNDER) for t in targets]
    obstacles = (*f.lines, *(s for segments in joined for s in segments))
    places = place(targets, obstacles, f.space.plot)
    labels = {id(point): at for (_found, point), at in zip(first, places, strict=True)}
    return tuple(
        Series(
            style,
            segments,
            tuple(_mark(f.space, course, found, p, style, labels) for p in found.points),
        )
        for style, segments, found in zip(STYLES, joined, lines, strict=False)
    )


def _first_of_each(
    course: Course, points: Sequence[tuple[Line, Point]]
) -> list[tuple[Line, Point]]:
    """Points that lie on one another and read the same need one label, not two."""
    spots: dict[tuple[int, str], tuple[Line, Point]] = {}
    for found, point in points:
        spot = (day_after(course, point), words.point_label(found.scale, point))
        spots.setdefault(spot, (found, point))
    return list(spots.values())


def _segments(space: Space, course: Course, found: Line) -> tuple[Segment, ...]:
    return tuple(
        Segment(
            *(space.x(day_after(course, a)), space.y(a.value)),
            *(space.x(day_after(course, b)), space.y(b.value)),
            pad=2.0,
        )
        for a, b in joined_points(course, found)
    )


def joined_points(course: Course, found: Line) -> list[tuple[Point, Point]]:
    """The pairs of neighbouring points that a line may join."""
    return [(a, b) for a, b in pairwise(found.points) if _may_join(course, found, a, b)]


def _may_join(course: Course, found: Line, a: Point, b: Point) -> bool:
    """Neighbouring timepoints that both count, nothing missing between them."""
    if not (counts(a.marks) and counts(b.marks)):
        return False
    ends = [offset(course, p.timepoint) or 0 for p in (a, b)]
    between = (offset(course, g.timepoint) for g in found.gaps)
    return not any(at is not None and min(ends) < at < max(ends) for at in between)


def _target(
    space: Space, course: Course, found: Line, point: Point, lines: Sequence[Line]
) -> Target:
    text = words.point_label(found.scale, point)
    return Target(
        x=space.x(day_after(course, point)),
        y=space.y(point.value),
        radius=RADIUS + 0.8,
        width=text_width(text, SIZE, bold=True),
        height=TALL * SIZE + 1,
        sides=_sides(found, point, lines),
    )


def _sides(found: Line, point: Point, lines: Sequence[Line]) -> tuple[Side, ...]:
    if point is found.points[0] and len(found.points) > 1:
        return FIRST
    others = [p.value for ln in lines if ln is not found for p in ln.points
              if p.timepoint == point.timepoint]  # fmt: skip
    return UPPER if all(point.value >= other for other in others) else LOWER


def _mark(
    space: Space,
    course: Course,
    found: Line,
    p: Point,
    style: Style,
    labels: Mapping[int, Placed | None],
) -> Drawn:
    """A mark that lies under another's is larger, so that its edge shows."""
    x, y = space.x(day_after(course, p)), space.y(p.value)
    size = RADIUS if id(p) in labels else RADIUS * UNDER
    text = words.point_label(found.scale, p)
    told = point_words(course, found.scale, p)
    return Drawn(x, y, path(style.shape, x, y, size), p.estimated, text, labels.get(id(p)), told)


def point_words(course: Course, scale: Scale, p: Point) -> str:
    """Anxiety 11, Day 8: Mon 23 Feb 2026, day 9; borderline; estimated, 6 of 7; late

    For staff pages, which are in English.
    """
    shown = words.value(scale, p.value, estimated=p.estimated)
    when = f"{day(p.on)}, day {number(day_after(course, p))}"
    parts = [f"{words.name(scale)} {shown}, {p.label}: {when}"]
    parts += [band.label.lower() for band in scale.bands if band.id == p.band]
    parts += [f"estimated, {p.answered} of {p.of}"] if p.estimated else []
    return "; ".join([*parts, *p.marks])


def _gaps(space: Space, course: Course, lines: Sequence[Line]) -> list[GapText]:
    """The missing timepoints below the axis, in as few rows as they fit in."""
    taken: list[Box] = []
    found: list[GapText] = []
    for gap, texts in missing(lines):
        at = offset(course, gap.timepoint)
        if at is not None:
            found.append(_gap_text(space, space.x(at), gap, texts, taken))
    return found


def missing(lines: Sequence[Line]) -> list[tuple[Gap, tuple[str, ...]]]:
    """Each missing timepoint and reason once, with what may be said of it, longest first."""
    groups: dict[tuple[str, str], list[tuple[Gap, Scale]]] = {}
    for found in lines:
        for gap in found.gaps:
            groups.setdefault((gap.timepoint, gap.reason), []).append((gap, found.scale))
    return [
        (group[0][0], words.gap_labels(group[0][0], _lacking(group, len(lines))))
        for group in groups.values()
    ]


def _lacking(group: Sequence[tuple[Gap, Scale]], of: int) -> list[str]:
    """The scales that lack it, none named when all do."""
    return [] if len(group) == of else [words.name(scale) for _gap, scale in group]


def _gap_text(space: Space, x: float, gap: Gap, texts: Sequence[str], taken: list[Box]) -> GapText:
    """The sign at its day with the words beside it, in the longest form that has room."""
    sign = NOT_YET if gap.reason in WAITING else MISSING
    start, end = space.left - LEFT, space.right + RIGHT
    for text in texts:
        width = text_width(text, SMALL)
        for row, at in product(range(MAX_GAP_ROWS), (x + 7, x - 7 - width)):
            y = space.bottom + FIRST_GAP + row * GAP_STEP
            box = Box(min(x, at) - 6, y - 9, max(x, at + width) + 6, y + 3)
            fits = start <= at and at + width <= end
            if fits and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                return GapText(x, y, sign, at, text)
    return GapText(x, space.bottom + FIRST_GAP, sign, x, "")


def _legend(
    instrument: Instrument, scales: Sequence[Scale], lines: Sequence[Sequence[Line]]
) -> list[Entry]:
    entries = [Entry(words.direction(scales[0]))]
    entries += [Entry(words.name(s), style) for s, style in zip(scales, STYLES, strict=False)]
    levels = [str(at) for at in words.thresholds(scales[0])]
    if levels:
        entries.append(Entry(f"{', '.join(levels)}: {instrument.threshold_note}"))
    points = [p for found in lines for p in _all(found)]
    shown: set[Mark] = {m for p in points for m in p.marks}
    if any(p.estimated for p in points):
        entries.append(Entry(_("hollow: estimated, some answers missing"), STYLES[0], hollow=True))
    for dagger in sorted({words.DAGGERS[m] for m in shown}):
        reasons = sorted(m for m in shown if words.DAGGERS[m] == dagger)
        entries.append(Entry(f"{dagger} {_('answered')} {words.join([_(r) for r in reasons])}"))
    return entries


def _title(scales: Sequence[Scale]) -> str:
    named = words.join([words.name(s) if i == 0 else words.within(words.name(s))
                        for i, s in enumerate(scales)])  # fmt: skip
    return _("{scales} over time").format(scales=named)


def _described(courses: Sequence[Course], lines: Sequence[Sequence[Line]]) -> str:
    told: list[str] = []
    for course, found in zip(courses, lines, strict=True):
        dosed = words.is_dosed(course)
        text = _("dosing day {day}, {doses}") if dosed else _("start {day}")
        on = text.format(
            day=day(course.dosing_date) if course.dosing_date else "", doses=words.doses(course)
        )
        lines_told = " ".join(words.spoken_line(each, dosed=dosed) for each in found)
        told.append(
            f"{words.course_title(course)}, {on}. {lines_told} {told_events(course)}".strip()
        )
    return " ".join(told)
