"""The retreat's report: a group of people over their courses, for staff.

Means with sample SD and 95 % interval per course, timepoint and scale, everybody's lines behind
the mean, who met a criterion, who took a booster, events by term and grade. Change in a group
without a control group cannot be put down to anything, and the report says so first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..study.instrument import Criterion, Instrument, Scale
from ..study.record import Course, Person
from ..study.summary import (
    GroupScore,
    Share,
    booster_shares,
    criterion_shares,
    group_scores,
)
from ..texts import day, gettext, number, ordinal, render, spoken
from . import words
from .charts import group_svg
from .foot import Foot, foot
from .frame import asked
from .tables import Table

_ = gettext

CAUTION = _(
    "There is no control group, so change cannot be put down to the treatment: people also differ "
    "from day to day, and those who begin at a hard time often find it easier later."
)
STAFF = _("For staff, not for handing to the group.")
NOTHING = "–"
SCORE_WIDTHS = (26, 22, 8, 12, 10, 10, 12)


@dataclass(frozen=True)
class Chart:
    heading: str
    svg: str


@dataclass(frozen=True)
class RetreatView:
    """All that the report shows; `scores`, `criteria` and `boosters` are what it came from."""

    name: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    cautions: tuple[str, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    shares: tuple[Table, ...]
    events: Table | None
    foot: Foot
    scores: tuple[GroupScore, ...]
    criteria: Mapping[str, tuple[Share, ...]]
    boosters: tuple[Share, ...]


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
    scores = tuple(group_scores(people, instruments))
    used = [i for i in instruments.values() if any(asked(c, i) for p in people for c in p.courses)]
    criteria = {c.id: tuple(criterion_shares(people, i.id, c.id)) for i in used for c in i.criteria}
    boosters = _every_course(people, booster_shares(people))
    return RetreatView(
        name=name,
        subtitle=_(STAFF),
        facts=_facts(name, people),
        cautions=(_(CAUTION),),
        charts=_charts(people, used, scores, now),
        tables=tuple(_score_table(i, people, scores) for i in used),
        shares=(
            *(_share_table(c.label, criteria[c.id], c) for i in used for c in i.criteria),
            _share_table(_("Booster"), boosters, None),
        ),
        events=_events(people),
        foot=foot(name, people, instruments, as_of, practice=practice),
        scores=scores,
        criteria=criteria,
        boosters=boosters,
    )


def retreat_html(view: RetreatView) -> str:
    """The report as one HTML document, for the renderer."""
    named = {"title": view.name, "language": spoken()}
    return render("report/retreat.html", view=view, foot=view.foot, **named)


def retreat_json(view: RetreatView) -> dict[str, Any]:
    """`scores`, one list of shares per criterion (`complete_mystical`), `booster`; unrounded."""
    return {
        "retreat": view.name,
        "data_as_of": view.foot.stamp,
        "scores": [vars(row) for row in view.scores],
        **{key: [vars(share) for share in shares] for key, shares in view.criteria.items()},
        "booster": [{"course": s.course, "n": s.n, "count": s.count} for s in view.boosters],
        "notices": list(view.foot.notices),
    }


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


def _score_table(
    instrument: Instrument, people: Sequence[Person], scores: Sequence[GroupScore]
) -> Table:
    rows: list[tuple[str, ...]] = []
    mine = [r for r in scores if r.instrument == instrument.id]
    for course in dict.fromkeys(r.course for r in mine):
        rows.append((_("{ordinal} course").format(ordinal=ordinal(course)),))
        of_course = [r for r in mine if r.course == course]
        for scale in instrument.scales:
            of_scale = [r for r in of_course if r.scale == scale.id]
            rows += [
                (words.name(scale) if i == 0 else "", *_cells(people, r))
                for i, r in enumerate(of_scale)
            ]
    head = (
        *(_("Scale"), _("When"), _("n"), _("Complete n"), _("Mean"), _("SD")),
        _("95 % interval"),
    )
    unit = _(", percent of the most possible") if _is_percent(instrument.scales) else ""
    return Table(f"{instrument.name}{unit}", SCORE_WIDTHS, head, tuple(rows))


def _is_percent(scales: Sequence[Scale]) -> bool:
    return all(s.report == "percent" for s in scales)


def _cells(people: Sequence[Person], row: GroupScore) -> tuple[str, ...]:
    label = next(
        c.protocol.timepoint(row.timepoint).label
        for p in people
        for c in p.courses
        if c.number == row.course and any(t.id == row.timepoint for t in c.protocol.timepoints)
    )
    interval = NOTHING
    if row.ci_low is not None and row.ci_high is not None:
        interval = _("{low} to {high}").format(
            low=number(row.ci_low, 2), high=number(row.ci_high, 2)
        )
    return (
        label,
        number(row.n),
        number(row.complete_n),
        NOTHING if row.mean is None else number(row.mean, 2),
        NOTHING if row.sd is None else number(row.sd, 2),
        interval,
    )


def _share_table(title: str, shares: Sequence[Share], criterion: Criterion | None) -> Table:
    rows = [
        (
            _("{ordinal} course").format(ordinal=ordinal(s.course)),
            _("{count} of {n}").format(count=s.count, n=s.n),
            NOTHING if s.percent is None else f"{number(s.percent)} %",
        )
        for s in shares
    ]
    note = _("Of those who had a dose.")
    if criterion is not None:
        note = _(
            "At least {percent} % of the most possible on each of the {n} scales; of those whose "
            "answers decide it."
        ).format(percent=criterion.percent, n=len(criterion.scales))
    return Table(title, (26, 22, 52), ("", "", ""), tuple(rows), note=note)


def _events(people: Sequence[Person]) -> Table | None:
    """How often each term came in each grade, per course; serious ones counted beside it."""
    seen = [(c.number, e) for p in people for c in p.courses for e in c.events]
    counted = Counter((n, e.term, e.grade) for n, e in seen)
    serious = Counter((n, e.term, e.grade) for n, e in seen if e.serious)
    if not seen:
        return None
    rows = [
        (
            _("{ordinal} course").format(ordinal=ordinal(n)),
            term,
            number(grade),
            number(counted[n, term, grade]),
            number(serious[n, term, grade]),
        )
        for n, term, grade in sorted(counted)
    ]
    head = (_("Course"), _("Event"), _("Grade"), _("Times"), _("Serious"))
    return Table(_("Events by term and grade"), (20, 44, 12, 12, 12), head, tuple(rows))
