"""The participant's report: one person's trajectory for a session, and its numbers.

Page one is enough for the session; what follows is for looking up. It never holds a name, a
contact, other people's data or a word on causes, and it needs no more than a baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ..study.instrument import Instrument, Scale
from ..study.record import Course, Person
from ..study.trajectory import Line, ScaleChange, changes, line
from ..texts import day, gettext, number, render, spoken
from . import words
from .charts import chart_scales, profile_svg, trajectory_svg
from .foot import Foot, foot, newest
from .frame import asked
from .missing import missing_lines
from .sentences import Sentence, sentence
from .spoken import label
from .tables import (
    Table,
    answers_table,
    events_table,
    moved_table,
    score_rows,
    sessions_table,
)

_ = gettext

SCORE_WIDTHS = (13, 20, 7, 16, 11, 8, 18, 7)


@dataclass(frozen=True)
class Chart:
    heading: str
    svg: str


@dataclass(frozen=True)
class CourseLines:
    """One instrument's scales in one course, with their changes from the course's baseline."""

    course: Course
    instrument: Instrument
    lines: tuple[Line, ...]
    changes: tuple[ScaleChange, ...]


@dataclass(frozen=True)
class ParticipantView:
    """All that the report shows, in words, tables and figures; `data` is what it came from.

    `said_of` is the timepoint of all sentences, "" when each has its own.
    """

    code: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    said_of: str
    sentences: tuple[Sentence, ...]
    missing: tuple[str, ...]
    intention: str
    alerts: tuple[str, ...]
    charts: tuple[Chart, ...]
    scores: Table | None
    sessions: tuple[Table, ...]
    moved: tuple[Table, ...]
    answers: tuple[Table, ...]
    events: Table | None
    sources: tuple[str, ...]
    foot: Foot
    person: Person
    data: tuple[CourseLines, ...]
    session_instruments: tuple[Instrument, ...]


@dataclass(frozen=True)
class Around:
    """What stands on page one besides the person's record: the session it is made for (label and
    local day), and open alerts (rule, timepoint's label)."""

    session: tuple[str, date | None] | None = None
    alerts: tuple[tuple[str, str], ...] = ()


NOTHING = Around()
RULES = {
    "reliable worsening": _("worse beyond measurement error"),
    "case range": _("a score in the highest range"),
    "safety item": _("an answer marked for safety"),
}


def participant_view(
    person: Person,
    instruments: Mapping[str, Instrument],
    *,
    now: datetime,
    as_of: datetime,
    practice: bool,
    around: Around = NOTHING,
) -> ParticipantView:
    """Build the report. `now` decides what is missing, `as_of` is the data's last change."""
    used = [i for i in instruments.values() if any(asked(c, i) for c in person.courses)]
    data = tuple(
        _course_lines(person, c, i, now)
        for i in used
        for c in person.courses
        if not i.session and asked(c, i)
    )
    current = newest(person.courses) if person.courses else None
    said = _sentences(data, current)
    times = {s.when for s in said}
    return ParticipantView(
        code=person.code,
        subtitle=_subtitle(current, around),
        facts=_facts(person, current),
        said_of=times.pop() if len(times) == 1 else "",
        sentences=said,
        missing=missing_lines(person, instruments, now),
        intention=current.intention if current else "",
        alerts=tuple(_alert(*found) for found in around.alerts),
        charts=_charts(person, used, now),
        scores=_score_table(data),
        sessions=_present([sessions_table(person, i) for i in used if i.session]),
        moved=_present([moved_table(current, i) for i in used if not i.session and current]),
        answers=_present([answers_table(person, i) for i in used]),
        events=events_table(person),
        sources=_sources(data),
        foot=foot(person.code, [person], instruments, as_of, practice=practice),
        person=person,
        data=data,
        session_instruments=tuple(i for i in used if i.session),
    )


def participant_html(view: ParticipantView) -> str:
    """The report as one HTML document, for the renderer."""
    named = {"title": view.code, "language": spoken()}
    return render("report/participant.html", view=view, foot=view.foot, **named)


def _subtitle(current: Course | None, around: Around) -> str:
    """Second course · Winter 2026 · Integration 2, Tue 24 Feb 2026"""
    if current is None:
        return _("no course yet")
    title = words.course_title(current)
    if around.session is None:
        return title
    name, on = around.session
    return f"{title} · {label(name)}{f', {day(on)}' if on else ''}"


def _alert(rule: str, timepoint: str) -> str:
    where = label(timepoint)
    return _("Open alert, {timepoint}: {what}.").format(
        timepoint=where, what=_(RULES.get(rule, rule))
    )


def _course_lines(
    person: Person, course: Course, instrument: Instrument, now: datetime
) -> CourseLines:
    lines = tuple(line(person, course, instrument, s, now) for s in instrument.scales)
    found = tuple(c for each in lines for c in changes(course, instrument, each))
    return CourseLines(course, instrument, lines, found)


def _present(tables: Sequence[Table | None]) -> tuple[Table, ...]:
    return tuple(t for t in tables if t is not None)


def _facts(person: Person, current: Course | None) -> tuple[tuple[str, str], ...]:
    if current is None:
        return ()
    facts = _anchor_facts(current)
    facts += [
        (words.course_name(c), ", ".join(filter(None, (_dosing_day(c), words.doses(c)))))
        for c in person.courses
        if c is not current
    ]
    return (*facts, (_("Answered"), _answered(current)))


def _anchor_facts(course: Course) -> list[tuple[str, str]]:
    """The one dosing day and its doses, or every anchor with its day and doses."""
    if len(course.protocol.anchors) == 1 and words.is_dosed(course):
        return [
            (_("Dosing day"), _dosing_day(course) or _("not set")),
            (_("Dose"), words.doses(course)),
        ]
    facts: list[tuple[str, str]] = []
    for anchor in course.protocol.anchors:
        fact = course.facts.anchors.get(anchor.id)
        told = [day(fact.date)] if fact else [_("not set")]
        told += [words.doses_on(course, anchor.id)] if fact and anchor.dosing else []
        facts.append((anchor.label, ", ".join(told)))
    return facts


def _dosing_day(course: Course) -> str:
    return day(course.dosing_date) if course.dosing_date else ""


def _answered(course: Course) -> str:
    timepoints = course.protocol.timepoints
    done = [t for t in timepoints if all(course.sheet(t.id, name) for name in t.instruments)]
    return _("{k} of {n}").format(k=len(done), n=len(timepoints))


def _sentences(data: Sequence[CourseLines], current: Course | None) -> tuple[Sentence, ...]:
    """One per scale of items; the total of two scales would only say them again."""
    said = [
        sentence(each, [c for c in found.changes if c.scale is each.scale])
        for found in data
        if found.course is current
        for each in found.lines
        if each.scale.items
    ]
    return tuple(s for s in said if s is not None)


def _charts(person: Person, used: Sequence[Instrument], now: datetime) -> tuple[Chart, ...]:
    charts = [
        Chart(words.heading(scales), trajectory_svg(person, i, scales, now))
        for i in used
        if not i.session
        for scales in chart_scales(i)
    ]
    charts += [
        Chart(_("The sessions as remembered, more is more"), profile_svg(person, i))
        for i in used
        if i.session
    ]
    return tuple(c for c in charts if c.svg)


def _score_table(data: Sequence[CourseLines]) -> Table | None:
    head = (
        *(_("Scale"), _("When"), _("Days"), _("Score"), _("Since before")),
        *(_("Error"), _("What may be said"), _("Range")),
    )
    rows: list[tuple[str, ...]] = []
    for found in sorted(data, key=lambda d: d.course.number):
        mine = score_rows(found.lines, found.changes)
        title = f"{words.course_title(found.course)} · {found.instrument.name}"
        rows += [(title,), *mine] if mine else []
    return Table("", SCORE_WIDTHS, head, tuple(rows)) if rows else None


def _sources(data: Sequence[CourseLines]) -> tuple[str, ...]:
    """Where the error, the ranges and the notes come from, each said once."""
    judged = {(c.scale.id, c.retest): c for found in data for c in found.changes}
    lines = [_error_source([c for c in judged.values() if c.change.reliable])]
    lines += [_meaning_source(c.scale) for c in judged.values()]
    lines += [
        _("Ranges: {note}. A screen, not a diagnosis.").format(note=found.instrument.threshold_note)
        for found in data
        if found.instrument.threshold_note
    ]
    lines += [c.scale.reliability.source for c in judged.values() if c.scale.reliability]
    return tuple(dict.fromkeys(text for text in lines if text))


def _error_source(judged: Sequence[ScaleChange]) -> str:
    """The formula once, and what went into it for each scale and interval."""
    parts: list[str] = []
    for scale in {c.scale.id: c.scale for c in judged}.values():
        told = [_coefficient(c) for c in judged if c.scale is scale]
        sd = number(scale.reliability.sd, 2) if scale.reliability else ""
        parts.append(f"{words.name(scale)} SD {sd}, {'; '.join(told)}.")
    if not parts:
        return ""
    formula = _(
        "Error: 1.96 × √2 × SD × √(1 − r), r the retest reliability (Jacobson, Truax 1991)."
    )
    return " ".join([formula, *parts])


def _coefficient(change: ScaleChange) -> str:
    reliability, retest = change.scale.reliability, change.retest
    if reliability is None or retest is None:
        return ""
    r = number(reliability.retest[retest], 2)
    return _("r {r} ({name}) to {end}").format(r=r, name=_(retest), end=change.end.label)


def _meaning_source(scale: Scale) -> str:
    mark = scale.meaningful
    if mark is None:
        return ""
    points = words.join([number(p, 1) for p in mark.points])
    if mark.for_groups:
        text = _(
            "Means of groups: {points} points are called noticeable, never used for one person."
        )
        return f"{text.format(points=points)} {mark.source}"
    return mark.source
