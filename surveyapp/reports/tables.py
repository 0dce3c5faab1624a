"""The tables of a participant's report: scores with change, sessions, items, events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ..study.instrument import Instrument, Scale
from ..study.record import Course, Event, Person, Sheet
from ..study.trajectory import Line, Point, ScaleChange, day_of
from ..texts import day, gettext, number
from . import sentences, words
from .measure import text_width
from .profile_chart import answered_sessions, shown

_ = gettext

MOVED_BY = 2
MOST_MOVED = 6
MOVED_BLOCKS = 3
MOVED_WIDTHS = (12.0, 12.5, 8.5)
TOPIC = 16.0
ABSENT = "–"


@dataclass(frozen=True)
class Table:
    """Cells in words; a row of one cell is a heading within the table.

    `widths` are the columns' shares of the page's width in percent: laying columns out by what
    stands in them would take as long as the rest of the report. `groups` are (text, columns)
    above the head, empty for none.
    """

    title: str
    widths: tuple[float, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    groups: tuple[tuple[str, int], ...] = ()
    note: str = ""


def shares(first: float, others: int, blocks: int = 1) -> tuple[float, ...]:
    """Widths of `blocks` times one wide column and `others` equal ones, in percent."""
    rest = (100 / blocks - first) / max(1, others)
    return (first, *((rest,) * others)) * blocks


def shares_of(texts: Sequence[str]) -> tuple[float, ...]:
    """Widths that leave each of the texts room on one line, if the page has it."""
    needed = [text_width(text, 1) + 1.5 for text in texts]
    return tuple(100 * width / sum(needed) for width in needed)


def score_rows(
    lines: Sequence[Line], changes: Sequence[ScaleChange]
) -> tuple[tuple[str, ...], ...]:
    """Rows of scale, timepoint, days, score, change, error, verdict, range."""
    rows: list[tuple[str, ...]] = []
    for found in lines:
        for index, point in enumerate(found.points):
            change = next((c for c in changes if c.end is point), None)
            named = words.name(found.scale) if index == 0 else ""
            rows.append((named, *_score_row(found.scale, point, change)))
    return tuple(rows)


def _score_row(scale: Scale, point: Point, change: ScaleChange | None) -> tuple[str, ...]:
    score = words.value(scale, point.value, estimated=point.estimated)
    if point.estimated:
        score = _("{score}, from {k} of {n}").format(score=score, k=point.answered, n=point.of)
    if point.marks:
        score = f"{score} ({', '.join(point.marks)})"
    band = next((b for b in scale.bands if b.id == point.band), None)
    ranged = f"{band.low}–{band.high}" if band else ABSENT
    reliable = change.change.reliable if change else None
    return (
        point.label,
        number(point.day),
        score,
        words.difference(scale, change) if change else ABSENT,
        f"±{number(reliable.limit, 1)}" if reliable else ABSENT,
        sentences.verdict(change) if change else _before(point),
        ranged,
    )


def _before(point: Point) -> str:
    return _("baseline") if point.is_baseline else _("nothing to compare with")


def sessions_table(person: Person, instrument: Instrument) -> Table | None:
    """Every scale of every answered session, in percent and as the mean answer."""
    sessions = answered_sessions(person, instrument)
    if not sessions:
        return None
    most = max(max(i.values) for i in instrument.items)
    rows = [
        (
            words.course_name(found.course),
            *(_percent(s, found.sheet, most) for s in instrument.scales),
        )
        for found in sessions
    ]
    note = _("Percent of the most possible (mean answer, 0 to {most}); ≈ estimated.")
    head = (_("Session"), *(words.name(s) for s in instrument.scales))
    return Table(
        "", shares_of(("Second course", *head[1:])), head, tuple(rows), note=note.format(most=most)
    )


def _percent(scale: Scale, sheet: Sheet, most: int) -> str:
    score = sheet.scores.get(scale.id)
    if score is None or score.value is None:
        return _("too few answers")
    return f"{shown(scale, score)} ({number(score.value / 100 * most, 1)})"


def moved_table(course: Course, instrument: Instrument) -> Table | None:
    """Items that moved by two or more from the baseline to the newest answers of one course."""
    sheets = [s for t in course.protocol.timepoints if (s := course.sheet(t.id, instrument.id))]
    before = next((s for s in sheets if course.protocol.timepoint(s.timepoint).before_anchor), None)
    after = [s for s in sheets if not course.protocol.timepoint(s.timepoint).before_anchor]
    if before is None or not after:
        return None
    later = after[-1]
    moved = sorted(_moves(instrument, before, later), key=lambda m: -abs(m[2] - m[1]))
    cells = [(topic, number(a), number(b)) for topic, a, b in moved[:MOST_MOVED]]
    head = ("", words.timepoint_label(course, before), words.timepoint_label(course, later))
    depth = -(-len(cells) // MOVED_BLOCKS)
    blocks = -(-len(cells) // depth) if cells else 0
    note = "" if cells else _("No answer moved by {n} or more.").format(n=MOVED_BY)
    widths = MOVED_WIDTHS * blocks
    return Table(instrument.name, widths, head * blocks, side_by_side(cells, blocks, 3), note=note)


def side_by_side(
    cells: Sequence[tuple[str, ...]], blocks: int, width: int
) -> tuple[tuple[str, ...], ...]:
    """Rows of `width` cells folded into blocks, read down each block first."""
    if not cells:
        return ()
    depth = -(-len(cells) // blocks)
    padded = [*cells, *([("",) * width] * (depth * blocks - len(cells)))]
    return tuple(
        tuple(cell for block in range(blocks) for cell in padded[block * depth + row])
        for row in range(depth)
    )


def _moves(instrument: Instrument, before: Sheet, later: Sheet) -> Iterable[tuple[str, int, int]]:
    for item in instrument.items:
        a, b = before.answers.get(item.id), later.answers.get(item.id)
        if a is not None and b is not None and abs(b - a) >= MOVED_BY:
            yield item.topic, a, b


def answers_table(person: Person, instrument: Instrument) -> Table | None:
    """Every answer by topic, in blocks side by side, course by course."""
    columns = [
        (c, s) for c in person.courses for t in c.protocol.timepoints
        if (s := c.sheet(t.id, instrument.id))
    ]  # fmt: skip
    if not columns:
        return None
    blocks = max(1, min(4, 20 // (3 + len(columns))))
    head = [day_head(c, s) for c, s in columns]
    groups = _course_groups([c for c, _s in columns])
    cells = [(item.topic, *(_answer(s, item.id) for _c, s in columns)) for item in instrument.items]
    return Table(
        title="",
        widths=shares(TOPIC, len(columns), blocks),
        head=(("", *head) * blocks),
        rows=side_by_side(cells, blocks, 1 + len(columns)),
        groups=tuple(
            g for b in range(blocks) for g in (("" if b else instrument.name, 1), *groups)
        ),
        note=_note(instrument),
    )


def day_head(course: Course, sheet: Sheet) -> str:
    """Days after the dose, as a column's head."""
    days = day_of(course.protocol.timepoint(sheet.timepoint), sheet.submitted_at, course)
    return ABSENT if days is None else number(days)


def _course_groups(courses: Sequence[Course]) -> list[tuple[str, int]]:
    numbers = [c.number for c in courses]
    return [(words.nth(n), numbers.count(n)) for n in dict.fromkeys(numbers)]


def _answer(sheet: Sheet, item: str) -> str:
    value = sheet.answers.get(item)
    return ABSENT if value is None else number(value)


def _note(instrument: Instrument) -> str:
    values = [v for i in instrument.items for v in i.values]
    span = f"{number(min(values))}–{number(max(values))}"
    better = words.way(instrument.scales[0])
    text = _(
        "Answers as scored, {span}. {better} Columns: course, days after the dose; – no answer."
    )
    return " ".join(text.format(span=span, better=better).split())


def events_table(person: Person) -> Table | None:
    """Adverse events of all courses, in time order within each."""
    rows = [
        (words.course_name(c), *_event_row(c, e))
        for c in person.courses
        for e in sorted(c.events, key=lambda e: e.started_at)
    ]
    if not rows:
        return None
    head = (_("Course"), _("Event"), _("Began"), _("Lasted"), _("Grade"), _("Serious"))
    return Table(_("Events"), (15, 30, 22, 17, 8, 8), head, tuple(rows))


def _event_row(course: Course, event: Event) -> tuple[str, ...]:
    began = event.started_at.astimezone(ZoneInfo(course.facts.zone))
    return (
        event.term,
        f"{day(began.date())}, {began:%H:%M}",
        _lasted(event),
        number(event.grade),
        _("yes") if event.serious else _("no"),
    )


def _lasted(event: Event) -> str:
    if event.ended_at is None:
        return _("not known to have ended")
    minutes = (event.ended_at - event.started_at).total_seconds() / 60
    if minutes < 90:
        return _("{n} minutes").format(n=number(minutes))
    if minutes < 48 * 60:
        return _("{n} hours").format(n=number(minutes / 60))
    return _("{n} days").format(n=number(minutes / 60 / 24))
