"""The group chart: every person's line thin behind the mean with its 95 % interval, per course.

Means and intervals are those of the table; a person's line stands at true days, the mean at its
timepoint's planned day. Answers left out of the table are left out here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from ..study.instrument import Instrument, Scale
from ..study.record import Course, Person
from ..study.summary import GroupScore
from ..study.trajectory import Line, counts, line
from ..texts import gettext, number, ordinal, render
from . import words
from .frame import (
    FIRST_GAP,
    PLOT,
    RIGHT,
    SIZE,
    SMALL,
    TOP,
    WIDTH,
    Frame,
    Grid,
    Space,
    asked,
    days_shown,
    frame,
    offset,
)
from .marks import RADIUS, STYLES, Entry, flow, path
from .measure import TALL, text_width
from .placement import BESIDE, FIRST, Placed, Segment, Target, place
from .trajectory_chart import day_after, joined_points

_ = gettext


@dataclass(frozen=True)
class Mean:
    """A mean with its interval's ends; `label` is where its text stands."""

    x: float
    y: float
    low: float
    high: float
    path: str
    text: str
    label: Placed | None


@dataclass(frozen=True)
class Panel:
    frame: Frame
    people: tuple[Segment, ...]
    dots: tuple[tuple[float, float], ...]
    joined: tuple[Segment, ...]
    means: tuple[Mean, ...]


def group_svg(
    people: Sequence[Person],
    instrument: Instrument,
    scale: Scale,
    rows: Sequence[GroupScore],
    now: datetime,
) -> str:
    """One panel per course number; `rows` are the table's. "" when nobody was asked."""
    rows = [r for r in rows if (r.instrument, r.scale) == (instrument.id, scale.id)]
    members = _members(people, instrument)
    if not members:
        return ""
    lines = {n: [line(p, c, instrument, scale, now) for p, c in of] for n, of in members.items()}
    courses = [c for of in members.values() for _p, c in of]
    drawn = [day_after(c, p) for n, of in members.items()
             for (_p, c), ln in zip(of, lines[n], strict=True) for p in ln.points]  # fmt: skip
    days = days_shown(courses, instrument, drawn)
    grid = Grid(len(members), TOP + PLOT + FIRST_GAP)
    panels: list[Panel] = []
    for index, (number_of, of) in enumerate(members.items()):
        own = [c for _p, c in of]
        dosed = all(map(words.is_dosed, own))
        title = _course_title(own, _room(grid, index))
        found = frame(grid, index, days, scale, title, [], dosed=dosed)
        mine = [r for r in rows if r.course == number_of]
        panels.append(_panel(found, [c for _p, c in of], lines[number_of], mine))
    legend, bottom = flow(_legend(instrument, scale), grid.height + 4, WIDTH, SMALL)
    return render(
        "chart/group.svg",
        panels=panels,
        legend=legend,
        style=STYLES[0],
        width=WIDTH,
        height=bottom + 5,
        title=_("{scale} of the group over time").format(scale=words.name(scale)),
        described=" ".join(_described(n, [r for r in rows if r.course == n]) for n in members),
    )


def _members(
    people: Sequence[Person], instrument: Instrument
) -> dict[int, list[tuple[Person, Course]]]:
    """Who was asked, by course number."""
    found: dict[int, list[tuple[Person, Course]]] = {}
    for person in people:
        for course in person.courses:
            if asked(course, instrument) and course.dosing_date:
                found.setdefault(course.number, []).append((person, course))
    return dict(sorted(found.items()))


def _room(grid: Grid, index: int) -> float:
    """How wide a panel's title may be."""
    left, right, _top = grid.corner(index)
    return right + RIGHT - left


def _course_title(courses: Sequence[Course], room: float) -> str:
    """With the retreat's name when all were at the same one and it fits."""
    same = len({c.retreat for c in courses}) == 1
    full = words.course_title(courses[0])
    fits = text_width(full, SIZE, bold=True) <= room
    return full if same and fits else words.course_name(courses[0])


def _panel(
    f: Frame, courses: Sequence[Course], lines: Sequence[Line], rows: Sequence[GroupScore]
) -> Panel:
    pairs = list(zip(courses, lines, strict=True))
    means = _means(f.space, courses, rows)
    joined = tuple(Segment(a.x, a.y, b.x, b.y, pad=2.0) for a, b in pairwise(means))
    bars = [Segment(m.x, m.low, m.x, m.high, pad=2.0) for m in means]
    targets = [_target(m, first=m is means[0]) for m in means]
    labels = place(targets, (*f.lines, *joined, *bars), f.space.plot)
    return Panel(
        frame=f,
        people=tuple(s for course, found in pairs for s in _thin(f.space, course, found)),
        dots=tuple(d for course, found in pairs for d in _dots(f.space, course, found)),
        joined=joined,
        means=tuple(replace(m, label=at) for m, at in zip(means, labels, strict=True)),
    )


def _thin(space: Space, course: Course, found: Line) -> list[Segment]:
    return [
        Segment(
            *(space.x(day_after(course, a)), space.y(a.value)),
            *(space.x(day_after(course, b)), space.y(b.value)),
        )
        for a, b in joined_points(course, found)
    ]


def _dots(space: Space, course: Course, found: Line) -> list[tuple[float, float]]:
    return [
        (space.x(day_after(course, p)), space.y(p.value)) for p in found.points if counts(p.marks)
    ]


def _planned(courses: Sequence[Course], timepoint: str) -> int | None:
    """The planned day of a timepoint; these courses may run under several protocols."""
    asked = (c for c in courses if any(t.id == timepoint for t in c.protocol.timepoints))
    return next((at for c in asked if (at := offset(c, timepoint)) is not None), None)


def _means(space: Space, courses: Sequence[Course], rows: Sequence[GroupScore]) -> list[Mean]:
    """In order of planned days; timepoints that nobody answered have none."""
    found: list[Mean] = []
    for row in rows:
        at = _planned(courses, row.timepoint)
        if row.mean is None or at is None:
            continue
        low = row.mean if row.ci_low is None else max(space.low, row.ci_low)
        high = row.mean if row.ci_high is None else min(space.high, row.ci_high)
        x, y = space.x(at), space.y(row.mean)
        mark = path(STYLES[0].shape, x, y)
        text = number(row.mean, 1)
        found.append(Mean(x, y, space.y(low), space.y(high), mark, text, None))
    return sorted(found, key=lambda m: m.x)


def _target(mean: Mean, *, first: bool) -> Target:
    return Target(
        x=mean.x,
        y=mean.y,
        radius=RADIUS + 0.8,
        width=text_width(mean.text, SIZE, bold=True),
        height=TALL * SIZE + 1,
        sides=FIRST if first else BESIDE,
    )


def _legend(instrument: Instrument, scale: Scale) -> list[Entry]:
    entries = [
        Entry(words.direction(scale)),
        Entry(_("mean with 95 % interval"), STYLES[0]),
        Entry(_("thin lines: each person")),
    ]
    levels = [str(at) for at in words.thresholds(scale)]
    if levels:
        entries.append(Entry(f"{', '.join(levels)}: {instrument.threshold_note}"))
    return entries


def _described(course: int, rows: Sequence[GroupScore]) -> str:
    told = [_told(r) for r in rows if r.mean is not None]
    name = _("{ordinal} course").format(ordinal=ordinal(course))
    return f"{name}: {'; '.join(told) or _('nothing yet')}."


def _told(row: GroupScore) -> str:
    text = _("{timepoint} mean {mean} of {n}").format(
        timepoint=row.timepoint, mean=number(row.mean or 0.0, 2), n=row.n
    )
    if row.ci_low is None or row.ci_high is None:
        return text
    low, high = number(row.ci_low, 2), number(row.ci_high, 2)
    return _("{text} (95 % interval {low} to {high})").format(text=text, low=low, high=high)
