"""A retreat's tables: who was there, scores, change, courses compared, shares, events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..study.comparing import CourseComparison, GroupChange
from ..study.flow import Flow
from ..study.instrument import Criterion, Instrument
from ..study.record import Person
from ..study.summary import GroupScore, Median, Share
from ..texts import gettext, marked, number, ordinal, signed
from . import words
from .tables import Table

_ = gettext

NOTHING = "–"
FLOW_WIDTHS = (16, 9, 11, 7, 7, 9, 17, 7, 8, 9)
SCORE_WIDTHS = (22, 18, 6, 12.5, 10, 8, 8, 15.5)
CHANGE_WIDTHS = (23, 19, 6, 12, 8, 16, 16)
COMPARED_WIDTHS = (23, 19, 6, 12, 12, 12, 16)
REASONS = {
    "died": marked("died"),
    "too unwell": marked("too unwell"),
    "declined": marked("did not want to"),
    "not reached": marked("not reached"),
    "our error": marked("our error"),
    "not recorded": marked("reason not recorded"),
}
MEASURES = {
    "score": marked("Scores"),
    "change": marked("Change from each course's own baseline"),
}
Rows = list[tuple[str, ...]]
Labels = Mapping[tuple[int, str], str]


def labels_of(people: Iterable[Person]) -> dict[tuple[int, str], str]:
    """What each course number's protocol calls its timepoints."""
    courses = [c for p in people for c in p.courses]
    return {(c.number, t.id): t.label for c in reversed(courses) for t in c.protocol.timepoints}


def _course(number_of: int) -> str:
    return _("{ordinal} course").format(ordinal=ordinal(number_of))


def _figure(value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return NOTHING
    return signed(value, 2) if sign else number(value, 2)


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return NOTHING
    return _("{low} to {high}").format(low=number(low, 2), high=number(high, 2))


def _named(instrument: Instrument, rows: Iterable[tuple[str, tuple[str, ...]]]) -> Rows:
    """Rows by scale, in the instrument's order; a scale's name stands at its first row."""
    found = list(rows)
    named: Rows = []
    for scale in instrument.scales:
        mine = [cells for scale_id, cells in found if scale_id == scale.id]
        named += [(words.name(scale) if i == 0 else "", *cells) for i, cells in enumerate(mine)]
    return named


def flow_table(rows: Sequence[Flow], labels: Labels) -> Table | None:
    """Who was enrolled and what became of them at each timepoint."""
    shown: Rows = []
    for course in dict.fromkeys(r.course for r in rows):
        mine = [r for r in rows if r.course == course]
        enrolled = _("{n} enrolled").format(n=number(max(r.enrolled for r in mine)))
        shown.append((f"{_course(course)} · {enrolled}",))
        shown += [(labels[course, r.timepoint], *_flow_cells(r)) for r in mine]
    head = (
        *(_("When"), _("Expected"), _("Answered"), _("of them late"), _("In part"), _("Missed")),
        *(_("Why"), _("Not yet"), _("Left"), _("Died")),
    )
    note = _flow_note(rows, labels)
    title = _("Who was there, and whose answers came")
    return Table(title, FLOW_WIDTHS, head, tuple(shown), note=note) if shown else None


def _flow_cells(row: Flow) -> tuple[str, ...]:
    counts = (row.expected, row.answered, row.late, row.in_part, row.missed)
    gone = (row.waiting, row.withdrawn, row.died)
    why = ", ".join(
        f"{number(n)}\N{NO-BREAK SPACE}{_(REASONS.get(k, k))}" for k, n in row.reasons.items()
    )
    return (*map(number, counts), why or NOTHING, *map(number, gone))


def _flow_note(rows: Sequence[Flow], labels: Labels) -> str:
    note = _(
        "Expected: enrolled, without those who had left or died before the window closed. In part: "
        "some forms sent, not all. Not yet: may still come, or no day is set."
    )
    text = _("{course} · {timepoint}: {n} answered at a time that no figure counts.")
    return " ".join(
        [note, *(
            text.format(
                timepoint=labels[r.course, r.timepoint],
                course=_course(r.course),
                n=number(r.left_out),
            )
            for r in rows if r.left_out
        )]
    )  # fmt: skip


def score_table(
    instrument: Instrument, scores: Sequence[GroupScore], medians: Sequence[Median], labels: Labels
) -> Table:
    middle = {(m.course, m.timepoint, m.instrument, m.scale): m.median for m in medians}
    shown: Rows = []
    for course, mine in _by_course([r for r in scores if r.instrument == instrument.id]):
        shown.append((_course(course),))
        shown += _named(
            instrument,
            (
                (
                    r.scale,
                    (
                        labels[course, r.timepoint],
                        *(number(r.n), number(r.complete_n), _figure(r.mean), _figure(r.sd)),
                        _figure(middle[course, r.timepoint, r.instrument, r.scale]),
                        _interval(r.ci_low, r.ci_high),
                    ),
                )
                for r in mine
            ),
        )
    head = (
        *(_("Scale"), _("When"), _("n"), _("Complete n"), _("Mean"), _("SD"), _("Median")),
        _("95 % interval"),
    )
    return Table(_titled(instrument, instrument.name), SCORE_WIDTHS, head, tuple(shown))


def _titled(instrument: Instrument, title: str) -> str:
    percent = all(s.report == "percent" for s in instrument.scales)
    return f"{title}{_(', percent of the most possible')}" if percent else title


def _by_course(rows: Sequence[GroupScore]) -> Iterator[tuple[int, list[GroupScore]]]:
    for course in dict.fromkeys(r.course for r in rows):
        yield course, [r for r in rows if r.course == course]


def change_table(
    instrument: Instrument, changes: Sequence[GroupChange], labels: Labels
) -> Table | None:
    """From each course's own baseline; None for what has no baseline."""
    mine = [r for r in changes if r.instrument == instrument.id]
    shown: Rows = []
    for course in dict.fromkeys(r.course for r in mine):
        shown.append((_course(course),))
        shown += _named(
            instrument,
            ((r.scale, _change_cells(r, labels)) for r in mine if r.course == course),
        )
    head = (
        *(_("Scale"), _("When"), _("n"), _("Mean change"), _("SD"), _("95 % interval")),
        _("Effect size"),
    )
    title = _("{instrument}: change from each course's own baseline")
    note = _(
        "Over those with both scores; below zero means a lower score than before. Effect size: the "
        "standardised mean change, which is the mean change divided by the same people's SD at "
        "baseline, without a correction for small groups; – where that SD is zero or unknown."
    )
    titled = title.format(instrument=instrument.name)
    return Table(titled, CHANGE_WIDTHS, head, tuple(shown), note=note) if shown else None


def _change_cells(row: GroupChange, labels: Labels) -> tuple[str, ...]:
    return (
        labels[row.course, row.end],
        number(row.n),
        _figure(row.mean, sign=True),
        _figure(row.sd),
        _interval(row.ci_low, row.ci_high),
        _figure(row.effect_size, sign=True),
    )


def compared_tables(
    used: Sequence[Instrument], rows: Sequence[CourseComparison], labels: Labels
) -> tuple[Table, ...]:
    """First course against second, if somebody was asked in both; the note once, at the end."""
    found = [t for i in used if (t := _compared_table(i, rows, labels))]
    note = _(
        "Means of those who have both; difference: second course less first. Everybody had the "
        "courses in the same order, so order, time and dose cannot be told apart."
    )
    return (*found[:-1], *(replace(t, note=note) for t in found[-1:]))


def _compared_table(
    instrument: Instrument, rows: Sequence[CourseComparison], labels: Labels
) -> Table | None:
    mine = [r for r in rows if r.instrument == instrument.id]
    shown: Rows = []
    for measure in dict.fromkeys(r.measure for r in mine):
        shown.append((_(MEASURES[measure]),))
        shown += _named(
            instrument,
            ((r.scale, _compared_cells(r, labels)) for r in mine if r.measure == measure),
        )
    head = (
        *(_("Scale"), _("When"), _("n"), _("First course"), _("Second course")),
        *(_("Difference"), _("95 % interval")),
    )
    title = _("{instrument}: first course against second, the same people")
    titled = _titled(instrument, title.format(instrument=instrument.name))
    return Table(titled, COMPARED_WIDTHS, head, tuple(shown)) if shown else None


def _compared_cells(row: CourseComparison, labels: Labels) -> tuple[str, ...]:
    sign = row.measure == "change"
    return (
        labels[1, row.timepoint],
        number(row.n),
        _figure(row.mean_first, sign=sign),
        _figure(row.mean_second, sign=sign),
        _figure(row.difference, sign=True),
        _interval(row.ci_low, row.ci_high),
    )


def share_table(title: str, shares: Sequence[Share], criterion: Criterion | None) -> Table:
    rows = [
        (
            _course(s.course),
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


def events_table(people: Sequence[Person]) -> Table | None:
    """How often each term came in each grade, per course; serious ones counted beside it."""
    seen = [(c.number, e) for p in people for c in p.courses for e in c.events]
    counted = Counter((n, e.term, e.grade) for n, e in seen)
    serious = Counter((n, e.term, e.grade) for n, e in seen if e.serious)
    if not seen:
        return None
    rows = [
        (_course(n), term, number(grade), number(times), number(serious[n, term, grade]))
        for (n, term, grade), times in sorted(counted.items())
    ]
    head = (_("Course"), _("Event"), _("Grade"), _("Times"), _("Serious"))
    return Table(_("Events by term and grade"), (20, 44, 12, 12, 12), head, tuple(rows))
