"""Personal: what a participant's page shows beside the trajectory: courses, scores, prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

from ..reports import charts, sentences, words
from ..store import roster
from ..store.database import Session
from ..store.facts import CourseContext, Reading, read_person
from ..store.programme import session_dates
from ..store.records import RECORDS, people_from
from ..store.several import by_course
from ..store.tables import Contact, Participant
from ..store.tables_care import Alert, BloodPressure, Correction
from ..store.tables_entry import Acknowledgement, Pin
from ..store.tables_group import Attendance, Note
from ..study.instrument import Instrument
from ..study.protocol import Anchor, Timepoint
from ..study.record import Course, Dose, Person
from ..study.schedule import window_of
from ..study.trajectory import (
    Line,
    ScaleChange,
    changes,
    line,
    local_date,
    marks_of,
    since_last,
)
from ..texts import day, number
from .consent import lines_of as lines_of_consent
from .dosing import held_prompts
from .enrolment import the_person
from .forecast import prompt_lines
from .invitations import Ways
from .overview import cells_of, dose_words
from .permissions import KeptBack
from .pins import state_of_pin
from .programme import SessionLine, attended_of, lines_of
from .reaching import CHANNELS, contact_lines
from .readmodels import (
    ChartView,
    CourseAnchor,
    CourseView,
    DoseLine,
    PersonView,
    ScoreCell,
    ScoreRow,
    ScoreTable,
    SheetLine,
    StopLine,
)
from .safetylog import CourseLog, logs_from
from .site import Site
from .stopping import PERSON
from .timeline import Sources, timeline
from .today import to_clear
from .values import values_table

BESIDES = (
    *(*RECORDS, BloodPressure, Correction, Contact),
    *(Pin, Acknowledgement, Attendance, Alert),
)
DOSE_NAMES = {"first": "Dose", "booster": "Booster"}


def person_view(site: Site, code: str, now: datetime) -> PersonView:
    """Raises NotFoundError."""
    with site.database.read() as session:
        reading = read_person(session, site.library, code, BESIDES)
        contexts = reading.contexts
        participant = contexts[0].participant if contexts else the_person(session, code)
        person = next(iter(people_from(reading)), Person(code, ()))
        practice = any(c.study.mode == "practice" for c in contexts)
        ways = Ways(session, site, reading.rows[Contact])
        logs = logs_from(reading)
        held = _programmes(session, contexts)
        views = [
            _with_timeline(
                _course(
                    context,
                    course,
                    person,
                    now,
                    ways.kept_back(context),
                    logs[course.number],
                    _corrected(context, reading),
                ),
                context,
                course,
                held(context),
                reading,
                now,
            )
            for context, course in zip(contexts, person.courses, strict=True)
        ]
        return PersonView(
            code=code,
            language=participant.language,
            zone=participant.time_zone,
            contacts=contact_lines(site, ways, participant, practice=practice),
            channels=CHANNELS[participant.channels or "email"],
            quiet=_quiet(participant),
            pin=state_of_pin(reading.rows[Pin], now),
            practice=practice,
            notices=_notices(person, participant.language),
            acknowledged=_acknowledged(reading.rows[Acknowledgement]),
            charts=_charts(person, now),
            courses=tuple(reversed(views)),
        )


def _programmes(
    session: Session, contexts: Sequence[CourseContext]
) -> Callable[[CourseContext], tuple[SessionLine, ...]]:
    """The sessions of a course's retreat."""
    retreats = [context.retreat.id for context in contexts]
    kept = session_dates(session, retreats) if retreats else []
    dates = roster.retreat_dates(session, retreats) if retreats else {}

    def of(context: CourseContext) -> tuple[SessionLine, ...]:
        own = context.retreat.id
        days = {anchor: on for (retreat, anchor), on in dates.items() if retreat == own}
        return lines_of(context.protocol, days, [r for r in kept if r.retreat_id == own], (), 0)

    return of


def _with_timeline(
    view: CourseView,
    context: CourseContext,
    course: Course,
    sessions: tuple[SessionLine, ...],
    reading: Reading,
    now: datetime,
) -> CourseView:
    own = context.course_id
    attendance = by_course(reading.rows[Attendance])[own]
    sources = Sources(
        context=context,
        course=course,
        prompts=view.prompts,
        sheets=view.sheets,
        log=view.log,
        sessions=sessions,
        attendance=attendance,
        notes=by_course(reading.rows[Note])[own],
        alerts=by_course(reading.rows[Alert])[own],
        now=now,
    )
    attended = attended_of(sessions, attendance)
    ahead = (s.id for s in sessions if s.on and s.on >= sources.today and not s.dropped)
    return replace(
        view,
        timeline=timeline(sources),
        sessions=attended,
        next_session=next(ahead, ""),
    )


def _quiet(participant: Participant) -> str:
    """22:00 to 10:00; empty without quiet hours of one's own."""
    start, end = participant.quiet_from, participant.quiet_until
    return f"{start:%H:%M} to {end:%H:%M}" if start and end else ""


def _corrected(context: CourseContext, reading: Reading) -> dict[tuple[str, str], date]:
    """The last day on which each sheet was corrected, by timepoint and instrument."""
    days: dict[int, datetime] = {}
    for row in reading.rows[Correction]:
        days[row.assessment_id] = max(
            row.corrected_at, days.get(row.assessment_id, row.corrected_at)
        )
    return {
        (sheet.timepoint, sheet.instrument): days[sheet.id].astimezone(context.zone).date()
        for sheet in context.assessments
        if sheet.id in days
    }


def _stops(context: CourseContext) -> tuple[StopLine, ...]:
    return tuple(
        StopLine(
            id=stop.id,
            kind=stop.kind,
            since=stop.since,
            until=stop.until,
            reason=stop.reason,
            own=stop.recorded_by == PERSON,
            whole=stop.course_id is None,
        )
        for stop in context.stops
    )


def _acknowledged(rows: Iterable[Acknowledgement]) -> tuple[str, ...]:
    return tuple(
        f"{f'Version {row.version}' if row.version else 'Built-in notice'} ({row.language}),"
        f" {day(row.at.date())}"
        for row in sorted(rows, key=attrgetter("at"))
    )


def _notices(person: Person, language: str) -> tuple[str, ...]:
    """What must be said of stand-in texts that were used."""
    used = dict.fromkeys(s.instrument for c in person.courses for s in c.sheets if s.placeholder)
    wordings = [person.instruments[name].wording(language) for name in used]
    told = [w.notice for w in wordings] + [s.told for c in person.courses for s in c.sheets]
    return tuple(dict.fromkeys(filter(None, told)))


def _charts(person: Person, now: datetime) -> tuple[ChartView, ...]:
    """The figures of every instrument that was answered, as on page one of the report."""
    used = {sheet.instrument for course in person.courses for sheet in course.sheets}
    asked = (i for c in person.courses for t in c.protocol.timepoints for i in t.instruments)
    known, found = person.instruments, list[ChartView]()
    for instrument in (known[n] for n in dict.fromkeys(asked) if n in used):
        if instrument.session:
            found.append(
                ChartView("Session, as remembered", charts.profile_svg(person, instrument))
            )
            continue
        for scales in charts.chart_scales(instrument):
            title = words.join([words.name(scale) for scale in scales]).capitalize()
            svg = charts.trajectory_svg(person, instrument, scales, now, live=True)
            found.append(ChartView(title, svg, *values_table(person, instrument, scales, now)))
    return tuple(chart for chart in found if chart.svg)


def _course(
    context: CourseContext,
    course: Course,
    person: Person,
    now: datetime,
    kept: KeptBack,
    log: CourseLog,
    corrected: Mapping[tuple[str, str], date],
) -> CourseView:
    zone = ZoneInfo(context.facts.zone)
    fact = context.facts.anchors.get(context.protocol.main_anchor.id)
    consent = context.consents[-1] if context.consents else None
    anchors = tuple(_anchor(context, anchor, course, now) for anchor in context.protocol.anchors)
    return CourseView(
        number=course.number,
        retreat_id=context.retreat.id,
        retreat=course.retreat,
        study=context.study.title,
        practice=context.study.mode == "practice",
        dosing_date=fact.date if fact else None,
        confirmed=fact is not None and fact.confirmed,
        day=(now.astimezone(zone).date() - fact.date).days if fact else None,
        consent_on=consent.given_on if consent else None,
        consent_scope=consent.scope if consent else "",
        consent_version=consent.version if consent else "",
        consent_lines=lines_of_consent(context, now),
        withdrawn=bool(context.hanging.signed and context.hanging.signed.withdrawn),
        runs_under=context.runs_under,
        held=anchors[0].held,
        cells=cells_of(context, now),
        to_clear=tuple((t.id, t.label) for t in to_clear(context, now)),
        scores=_scores(person, course, now),
        prompts=prompt_lines(context, now, kept),
        sheets=_sheets(person, course, corrected),
        doses=tuple(dose for anchor in anchors for dose in anchor.doses),
        anchors=anchors,
        stops=_stops(context),
        log=log,
        to_enter=_to_enter(context, now),
        missing=course.missing,
        intention=course.intention,
    )


def _to_enter(context: CourseContext, now: datetime) -> dict[str, list[tuple[str, str]]]:
    """What was not sent of the windows that have opened."""
    found: dict[str, list[tuple[str, str]]] = {}
    for timepoint in context.protocol.timepoints:
        window = window_of(timepoint, context.facts)
        if window is None or window.opens_at > now:
            continue
        missing = [
            i for i in timepoint.instruments if (timepoint.id, i) not in context.facts.submitted
        ]
        found[timepoint.id] = [(name, context.instruments[name].name) for name in missing]
    return found


def _anchor(context: CourseContext, anchor: Anchor, course: Course, now: datetime) -> CourseAnchor:
    fact = context.facts.anchors.get(anchor.id)
    confirmed = fact is not None and fact.confirmed
    return CourseAnchor(
        id=anchor.id,
        label=anchor.label,
        named=anchor.named,
        dosing=anchor.dosing,
        on=fact.date if fact else None,
        confirmed=confirmed,
        held=held_prompts(context, anchor.id, now) if fact and not confirmed else 0,
        doses=tuple(
            _dose_line(dose, context.facts.zone)
            for dose in course.doses
            if dose.anchor == anchor.id
        ),
    )


def _dose_line(dose: Dose, zone: str) -> DoseLine:
    at = dose.given_at.astimezone(ZoneInfo(zone)) if dose.given_at else None
    return DoseLine(DOSE_NAMES[dose.kind], dose_words(dose), at)


def _sheets(
    person: Person, course: Course, corrected: Mapping[tuple[str, str], date]
) -> tuple[SheetLine, ...]:
    return tuple(
        SheetLine(
            label=timepoint.label,
            timepoint=timepoint.id,
            key=sheet.instrument,
            corrected=corrected.get((sheet.timepoint, sheet.instrument)),
            instrument=course.instruments[sheet.instrument].name,
            on=local_date(sheet.submitted_at, course),
            mode=sheet.mode,
            marks=marks_of(course, timepoint, sheet, person),
        )
        for sheet in course.sheets
        for timepoint in [course.protocol.timepoint(sheet.timepoint)]
    )


def _scores(person: Person, course: Course, now: datetime) -> tuple[ScoreTable, ...]:
    """A table for every instrument that was answered at least once."""
    answered = dict.fromkeys(s.instrument for s in course.sheets)
    return tuple(_score_table(course.instruments[name], person, course, now) for name in answered)


def _score_table(
    instrument: Instrument, person: Person, course: Course, now: datetime
) -> ScoreTable:
    asked = [t for t in course.protocol.timepoints if instrument.id in t.instruments]
    lines = [line(person, course, instrument, scale, now) for scale in instrument.scales]
    return ScoreTable(
        instrument=instrument.name,
        heads=tuple(t.label for t in asked),
        compares=not instrument.session,
        rows=tuple(
            ScoreRow(
                scale=words.name(found.scale),
                unit=words.direction(found.scale),
                scores=tuple(_score_cell(found, timepoint) for timepoint in asked),
                changes=tuple(_told(change) for change in changes(course, instrument, found)),
                since_last=_since_last(course, instrument, found),
            )
            for found in lines
        ),
    )


def _score_cell(found: Line, timepoint: Timepoint) -> ScoreCell:
    point = next((p for p in found.points if p.timepoint == timepoint.id), None)
    if point is None:
        gap = next((g for g in found.gaps if g.timepoint == timepoint.id), None)
        return ScoreCell(words.REASONS[gap.reason] if gap else "", "", False)
    asides = [f"estimated, {point.answered} of {point.of}"] if point.estimated else []
    asides += point.marks
    shown = words.value(found.scale, point.value, estimated=point.estimated)
    return ScoreCell(shown, ", ".join(asides), True)


def _since_last(course: Course, instrument: Instrument, found: Line) -> str:
    """Since Day 8: +3, may be within error (±5.4); empty where the baseline's change says it."""
    change = since_last(course, instrument, found)
    if change is None:
        return ""
    label, _, told = _told(change).partition(": ")
    return f"{label} since {words.opened(change.start.label)}: {told}"


def _told(change: ScaleChange) -> str:
    """Day 8: −5, may be within error (±5.4)"""
    reliable = change.change.reliable
    limit = f" (±{number(reliable.limit, 1)})" if reliable else ""
    size = words.difference(change.scale, change)
    return f"{change.end.label}: {size}, {sentences.verdict(change)}{limit}"
