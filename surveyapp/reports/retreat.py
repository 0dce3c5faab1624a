"""The retreat's report: a group of people over their courses, for staff.

Who was enrolled and what became of them, means with sample SD, median and 95 % interval per course,
timepoint and scale, change from baseline, a first course against a second for the same people,
everybody's lines behind the mean, who met a criterion, who took a booster, events by term and
grade. Change in a group without a control group cannot be put down to anything, and the report says
so first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..study.comparing import CourseComparison, GroupChange, courses_compared, group_changes
from ..study.flow import Flow, flow
from ..study.instrument import Instrument
from ..study.record import Course, Person
from ..study.summary import (
    GroupScore,
    Median,
    Share,
    booster_shares,
    criterion_shares,
    group_medians,
    group_scores,
)
from ..texts import day, gettext, number, render, spoken
from . import words
from .charts import group_svg
from .foot import Foot, foot
from .frame import asked
from .retreat_tables import (
    change_table,
    compared_tables,
    events_table,
    flow_table,
    labels_of,
    score_table,
    share_table,
)
from .tables import Table

_ = gettext

CAUTION = _(
    "There is no control group, so change cannot be put down to the treatment: people also differ "
    "from day to day, and those who begin at a hard time often find it easier later."
)
STAFF = _("For staff, not for handing to the group.")


@dataclass(frozen=True)
class Chart:
    heading: str
    svg: str


@dataclass(frozen=True)
class Figures:
    """All numbers of the report, unrounded; `criteria` by the criterion's id."""

    scores: tuple[GroupScore, ...]
    medians: tuple[Median, ...]
    changes: tuple[GroupChange, ...]
    compared: tuple[CourseComparison, ...]
    flow: tuple[Flow, ...]
    criteria: Mapping[str, tuple[Share, ...]]
    boosters: tuple[Share, ...]


@dataclass(frozen=True)
class RetreatView:
    """All that the report shows, and the `figures` it came from."""

    name: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...]
    flow: Table | None
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    changes: tuple[Table, ...]
    compared: tuple[Table, ...]
    shares: tuple[Table, ...]
    events: Table | None
    foot: Foot
    figures: Figures


def retreat_view(
    name: str,
    people: Sequence[Person],
    instruments: Mapping[str, Instrument],
    *,
    now: datetime,
    as_of: datetime,
    practice: bool,
) -> RetreatView:
    """Build the report of the retreat's people with all their courses."""
    used = [i for i in instruments.values() if any(asked(c, i) for p in people for c in p.courses)]
    found, labels = _figures(people, instruments, used, now), labels_of(people)
    changes = [change_table(i, found.changes, labels) for i in used]
    return RetreatView(
        name=name,
        subtitle=_(STAFF),
        facts=_facts(name, people),
        cautions=(_(CAUTION),),
        flow=flow_table(found.flow, labels),
        charts=_charts(people, used, found.scores, now),
        tables=tuple(score_table(i, found.scores, found.medians, labels) for i in used),
        changes=tuple(t for t in changes if t),
        compared=compared_tables(used, found.compared, labels),
        shares=(
            *(share_table(c.label, found.criteria[c.id], c) for i in used for c in i.criteria),
            share_table(_("Booster"), found.boosters, None),
        ),
        events=events_table(people),
        foot=foot(name, people, instruments, as_of, practice=practice),
        figures=found,
    )


def _figures(
    people: Sequence[Person],
    instruments: Mapping[str, Instrument],
    used: Sequence[Instrument],
    now: datetime,
) -> Figures:
    return Figures(
        scores=tuple(group_scores(people, instruments)),
        medians=tuple(group_medians(people, instruments)),
        changes=tuple(group_changes(people, instruments)),
        compared=tuple(courses_compared(people, instruments)),
        flow=tuple(flow(people, now)),
        criteria={
            c.id: tuple(criterion_shares(people, i.id, c.id)) for i in used for c in i.criteria
        },
        boosters=_every_course(people, booster_shares(people)),
    )


def retreat_html(view: RetreatView) -> str:
    """The report as one HTML document, for the renderer."""
    named = {"title": view.name, "language": spoken()}
    return render("report/retreat.html", view=view, foot=view.foot, **named)


def retreat_json(view: RetreatView) -> dict[str, Any]:
    """`scores`, `medians`, `changes`, `courses_compared` (second course less first), `flow`, one
    list of shares per criterion (`complete_mystical`), `booster`; unrounded."""
    found = view.figures
    return {
        "retreat": view.name,
        "data_as_of": view.foot.stamp,
        "scores": [vars(row) for row in found.scores],
        "medians": [vars(row) for row in found.medians],
        "changes": [_change(row) for row in found.changes],
        "courses_compared": [vars(row) for row in found.compared],
        "flow": [{**vars(row), "reasons": dict(row.reasons)} for row in found.flow],
        **{key: [vars(share) for share in shares] for key, shares in found.criteria.items()},
        "booster": [{"course": s.course, "n": s.n, "count": s.count} for s in found.boosters],
        "notices": list(view.foot.notices),
    }


def _change(row: GroupChange) -> dict[str, Any]:
    """`from` is no name that Python lets a field have."""
    names = {"start": "from", "end": "to"}
    return {names.get(key, key): value for key, value in vars(row).items()}


def _every_course(people: Sequence[Person], shares: Sequence[Share]) -> tuple[Share, ...]:
    """Courses in which nobody had a dose yet are counted too, as 0 of 0."""
    known = {s.course: s for s in shares}
    numbers = sorted({c.number for p in people for c in p.courses})
    return tuple(known.get(n, Share(n, 0, 0, None)) for n in numbers)


def _facts(name: str, people: Sequence[Person]) -> tuple[tuple[str, str], ...]:
    here = [c for p in people for c in p.courses if c.retreat == name]
    dates = sorted({c.dosing_date for c in here if c.dosing_date})
    return (
        (_("People"), number(len(people))),
        (_("Dosing day"), words.join([day(d) for d in dates]) or _("not set")),
        (_("Doses"), _doses(here)),
    )


def _doses(courses: Sequence[Course]) -> str:
    """35 + 10 mg (7), 35 mg (6)"""
    taken = Counter(words.doses(c) for c in courses)
    return ", ".join(f"{text} ({count})" for text, count in taken.most_common())


def _charts(
    people: Sequence[Person],
    used: Sequence[Instrument],
    scores: Sequence[GroupScore],
    now: datetime,
) -> tuple[Chart, ...]:
    """Scales of items, of instruments that ask about a period rather than a session."""
    charts = [
        Chart(words.heading([s]), group_svg(people, i, s, scores, now))
        for i in used
        if not i.session
        for s in i.scales
        if s.items
    ]
    return tuple(c for c in charts if c.svg)
