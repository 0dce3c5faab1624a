"""Overview: what the lists and a retreat's page show. A few queries each, however many people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..store import freezing, roster
from ..store.facts import CourseContext, Reading, course_contexts, read_retreat
from ..store.programme import session_dates
from ..store.records import missing_of
from ..store.scopes import Scope
from ..store.tables import DoseRow, Study
from ..store.tables_group import Attendance, MissingForm
from ..study.protocol import Anchor, Protocol, Timepoint
from ..study.record import Dose
from ..study.schedule import GRACE, state_of, window_of
from ..texts import amount
from .consent import to_sign
from .dosing import held_prompts, unconfirmed
from .enrolment import StudySettings, protocol_of, the_retreat, the_study
from .freezing import changes
from .programme import SessionLine, attended_of, lines_of
from .readmodels import (
    Cell,
    Outdated,
    PersonLine,
    RetreatAnchor,
    RetreatLine,
    RetreatView,
    RosterDay,
    RosterRow,
    StudyLine,
    StudyView,
)
from .site import Site

MOST_PEOPLE = 300
ON_ROSTER = (DoseRow, Attendance, MissingForm)
SETTINGS = {
    "emergency": "emergency line",
    "crisis_line": "24-hour line",
    "phone": "phone",
    "hours": "hours",
    "readers": "who reads the answers",
    "read_when": "when they are read",
}


def studies(site: Site, scope: Scope = None) -> list[StudyLine]:
    """Every study with a retreat within the scope, and how many of those it has."""
    with site.database.read() as session:
        return [
            StudyLine(
                id=study.id,
                title=study.title,
                protocol=study.protocol,
                practice=study.mode == "practice",
                retreats=count,
                missing=missing_settings(study),
                whole=found.whole,
            )
            for found in roster.studies(session, scope)
            for study, count in ((found.study, found.retreats),)
        ]


def missing_settings(study: Study) -> tuple[str, ...]:
    return tuple(words for name, words in SETTINGS.items() if not getattr(study, name))


def study_view(site: Site, study_id: int) -> StudyView:
    """Raises NotFoundError."""
    with site.database.read() as session:
        study = the_study(session, study_id)
        settings = StudySettings(**{name: getattr(study, name) for name in SETTINGS})
        practice = study.mode == "practice"
        return StudyView(study.id, study.title, study.protocol, practice, settings)


def retreats(site: Site, scope: Scope = None) -> list[RetreatLine]:
    """Every retreat within the scope, the newest first."""
    with site.database.read() as session:
        found = roster.retreats(session, scope)
        anchors = {r.retreat.id: main_anchor(site, r.study.protocol) for r in found}
        dates = roster.retreat_dates(session, list(anchors))
        confirmed = roster.confirmed_counts(session, anchors)
        return [
            RetreatLine(
                id=r.retreat.id,
                name=r.retreat.name,
                study=r.study.title,
                zone=r.retreat.time_zone,
                dosing_date=dates.get((r.retreat.id, anchors[r.retreat.id])),
                people=r.courses,
                confirmed=confirmed.get(r.retreat.id, 0),
            )
            for r in found
        ]


def main_anchor(site: Site, protocol: str) -> str:
    return site.library.protocols[protocol].main_anchor.id


def retreat_name(site: Site, retreat_id: int) -> str:
    """Raises NotFoundError."""
    with site.database.read() as session:
        return the_retreat(session, retreat_id).name


def retreat_view(site: Site, retreat_id: int, now: datetime) -> RetreatView:
    """Raises NotFoundError."""
    with site.database.read() as session:
        reading = read_retreat(session, site.library, retreat_id, ON_ROSTER)
        contexts = reading.contexts
        # With people in it, retreat and study were read with them and cost nothing more.
        retreat = the_retreat(session, retreat_id)
        study = the_study(session, retreat.study_id)
        protocol = contexts[0].protocol if contexts else protocol_of(session, site, retreat)
        doses = {(row.course_id, row.anchor, row.kind): row for row in reading.rows[DoseRow]}
        dates = roster.retreat_dates(session, [retreat_id])
        sessions = lines_of(
            protocol,
            {anchor: on for (_, anchor), on in dates.items()},
            session_dates(session, [retreat_id]),
            reading.rows[Attendance],
            len(contexts),
        )
        rows = tuple(_row(context, reading, doses, sessions, now) for context in contexts)
        anchors = tuple(
            _retreat_anchor(anchor, dates.get((retreat_id, anchor.id)), contexts, now)
            for anchor in protocol.anchors
        )
        return RetreatView(
            id=retreat.id,
            name=retreat.name,
            study_id=study.id,
            study=study.title,
            practice=study.mode == "practice",
            zone=retreat.time_zone,
            dosing_date=dates.get((retreat_id, protocol.main_anchor.id)),
            timepoints=tuple((t.id, t.label) for t in protocol.timepoints),
            rows=rows,
            unconfirmed=anchors[0].unconfirmed,
            held=anchors[0].held,
            anchors=anchors,
            sessions=sessions,
            done={t.id: _done(rows, t.id) for t in protocol.timepoints},
            outdated=_outdated(site, study, protocol, contexts),
            runs_under=contexts[0].runs_under if contexts else f"{protocol.id} {protocol.version}",
        )


def _outdated(
    site: Site, study: Study, protocol: Protocol, contexts: Sequence[CourseContext]
) -> Outdated | None:
    """None where the retreat runs under what is installed, or nothing is installed any more."""
    after = freezing.installed(site.library, study.protocol)
    instruments = contexts[0].instruments if contexts else site.library.instruments
    found = changes(freezing.Under(protocol, instruments), after) if after else ()
    if not found or after is None:
        return None
    words = tuple(change.words for change in found)
    return Outdated(protocol.version, after.protocol.version, words)


def _retreat_anchor(
    anchor: Anchor, on: date | None, contexts: Sequence[CourseContext], now: datetime
) -> RetreatAnchor:
    waiting = unconfirmed(contexts, anchor.id)
    return RetreatAnchor(
        id=anchor.id,
        label=anchor.label,
        named=anchor.named,
        dosing=anchor.dosing,
        on=on,
        unconfirmed=len(waiting),
        held=sum(held_prompts(context, anchor.id, now) for context in waiting),
    )


def _done(rows: Iterable[RosterRow], timepoint: str) -> tuple[int, int]:
    """How many answered it, of those whose window has opened."""
    states = [c.state for row in rows for c in row.cells if c.timepoint == timepoint]
    opened = [state for state in states if state not in ("not expected", "upcoming")]
    return sum(state in ("submitted", "late") for state in opened), len(opened)


def _row(
    context: CourseContext,
    reading: Reading,
    doses: Mapping[roster.DoseKey, DoseRow],
    sessions: Sequence[SessionLine],
    now: datetime,
) -> RosterRow:
    own = context.course_id
    attendance = [row for row in reading.rows[Attendance] if row.course_id == own]
    reasons = [row for row in reading.rows[MissingForm] if row.course_id == own]
    main = context.protocol.main_anchor.id
    fact = context.facts.anchors.get(main)
    return RosterRow(
        code=context.participant.code,
        number=context.course.number,
        consent=context.consents[-1].given_on if context.consents else None,
        consent_due=to_sign(context, now.astimezone(context.zone).date()),
        dosing_date=fact.date if fact else None,
        confirmed=fact is not None and fact.confirmed,
        dose=dose_words(doses.get((context.course_id, main, "first"))),
        booster=dose_words(doses.get((context.course_id, main, "booster"))),
        days=tuple(_roster_day(context, anchor, doses) for anchor in context.protocol.anchors),
        cells=cells_of(context, now),
        missing=missing_of(context, reasons),
        sessions=attended_of(sessions, attendance),
    )


def _roster_day(
    context: CourseContext, anchor: Anchor, doses: Mapping[roster.DoseKey, DoseRow]
) -> RosterDay:
    fact = context.facts.anchors.get(anchor.id)
    return RosterDay(
        id=anchor.id,
        named=anchor.named,
        dosing=anchor.dosing,
        on=fact.date if fact else None,
        confirmed=fact is not None and fact.confirmed,
        dose=dose_words(doses.get((context.course_id, anchor.id, "first"))),
        booster=dose_words(doses.get((context.course_id, anchor.id, "booster"))),
    )


def dose_words(dose: DoseRow | Dose | None) -> str:
    """35 mg; 10 mg after 75 min; declined (reason); empty while nothing is recorded."""
    if dose is None:
        return ""
    if dose.status != "given":
        return f"{dose.status} ({dose.reason})" if dose.reason else dose.status
    after = f" after {dose.minutes} min" if dose.minutes is not None else ""
    return f"{amount(dose.mg or 0)} mg{after}"


def cells_of(context: CourseContext, now: datetime) -> tuple[Cell, ...]:
    """Every timepoint of a course, in the protocol's order."""
    return tuple(cell_of(context, timepoint, now) for timepoint in context.protocol.timepoints)


def cell_of(context: CourseContext, timepoint: Timepoint, now: datetime) -> Cell:
    state = state_of(timepoint, context.facts, now)
    word, on = _date(context, timepoint, now)
    return Cell(timepoint.id, timepoint.label, state, word, on)


def _date(context: CourseContext, timepoint: Timepoint, now: datetime) -> tuple[str, date | None]:
    """What the date beside a state is, and the date."""
    facts = context.facts
    window = window_of(timepoint, facts)
    state = state_of(timepoint, facts, now)
    if window is None:
        return "", None
    if state in ("submitted", "late"):
        sent = [facts.submitted[timepoint.id, name] for name in timepoint.instruments]
        return "sent", max(sent).astimezone(ZoneInfo(facts.zone)).date()
    if state == "upcoming":
        return "opens", window.opens
    if state == "missed":
        return "closed", window.closes
    if now >= window.closes_at:
        last = (window.closes_at + GRACE).astimezone(ZoneInfo(facts.zone)) - timedelta(seconds=1)
        return "takes answers until", last.date()
    return "closes", window.closes


def people(site: Site, sought: str, now: datetime, scope: Scope = None) -> list[PersonLine]:
    """People whose study code contains `sought`, at most 300, by their newest course within the
    scope."""
    with site.database.read() as session:
        codes = roster.search_codes(session, sought.strip(), MOST_PEOPLE, scope)
        ids = roster.course_ids_by_code(session, codes, scope)
        newest = {c.participant.code: c for c in course_contexts(session, site.library, ids)}
        return [_person_line(newest[code], now) for code in codes if code in newest]


def _person_line(context: CourseContext, now: datetime) -> PersonLine:
    fact = context.facts.anchors.get(context.protocol.main_anchor.id)
    return PersonLine(
        code=context.participant.code,
        retreat=context.retreat.name,
        number=context.course.number,
        dosing_date=fact.date if fact else None,
        consented=bool(context.consents),
        now=_current(cells_of(context, now)),
    )


def _current(cells: tuple[Cell, ...]) -> Cell | None:
    """The timepoint that takes answers now, else the next, else the last."""
    for states in (("open", "in progress"), ("upcoming",)):
        for cell in cells:
            if cell.state in states:
                return cell
    return cells[-1] if cells and cells[-1].on else None
