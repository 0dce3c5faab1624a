"""The rows of an export, by file and column. Codes and topics only: no texts of questionnaires
and no contact details leave the house."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ...store.dump import AssessmentDump, CourseDump, PersonDump
from ...store.tables import AdverseEvent, PromptRow
from ...store.tables_care import Alert, BloodPressure
from ...store.tables_entry import DataNotice
from ...store.tables_reach import Stop
from ...study.record import Course, Person, Sheet
from ...study.schedule import window_of
from ...study.trajectory import marks_of
from ..forecast import prompts_ahead
from ..notices import in_every_language
from ..permissions import KeptBack
from ..programme import SessionLine
from .consents import consent_row

Value = str | int | float | bool | date | datetime | None
Row = dict[str, Value]
Rows = dict[str, list[Row]]
ATTENDED = ("session", "status", "note", "recorded_at")
MISSED = ("timepoint", "reason", "note", "recorded_at")


def rows_of(dump: PersonDump, now: datetime, kept_back: KeptBack | None) -> Rows:
    """One person's rows by file name; each row holds every column of its file. `kept_back` as
    `invitations` tells it."""
    rows: Rows = defaultdict(list)
    rows["participants.csv"].append(
        {
            "participant": dump.participant.code,
            "language": dump.participant.language,
            "time_zone": dump.participant.time_zone,
            "courses": len(dump.courses),
        }
    )
    rows["acknowledgements.csv"] += _acknowledged(dump)
    records = {course.number: course for course in dump.person.courses}
    for course in dump.courses:
        record = records[course.context.course.number]
        made = _CourseRows(course, record, dump.person, now, kept_back)
        for name, found in made.by_file().items():
            rows[name] += found
    return rows


def _acknowledged(dump: PersonDump) -> list[Row]:
    return [
        {
            "participant": dump.participant.code,
            "study": row.study_id,
            "version": row.version,
            "language": row.language,
            "sha256": row.sha256,
            "acknowledged_at": row.at,
        }
        for row in dump.acknowledgements
    ]


def notice_rows(published: Sequence[DataNotice]) -> Rows:
    """What the studies have published, word for word."""
    shown = [(row, notice) for row in published for notice in in_every_language(row)]
    found: list[Row] = [
        {
            "study": row.study_id,
            "version": row.version,
            "language": notice.language,
            "text": "\n\n".join(notice.paragraphs),
            "sha256": notice.sha256,
            "published_at": row.published_at,
        }
        for row, notice in shown
    ]
    return defaultdict(list, {"data_notices.csv": found})


def session_rows(sessions: Iterable[tuple[str, SessionLine]]) -> Rows:
    """The programmes of retreats, by name."""
    found: list[Row] = [
        {
            "retreat": retreat,
            "session": line.id,
            "kind": line.kind,
            "label": line.label,
            "held_on": line.on,
            "held_at": f"{line.at:%H:%M}" if line.at else "",
            "proposed": line.proposed,
            "dropped": line.dropped,
        }
        for retreat, line in sessions
    ]
    return defaultdict(list, {"sessions.csv": found})


class _CourseRows:
    """The rows of one course."""

    def __init__(
        self,
        dump: CourseDump,
        record: Course,
        person: Person,
        now: datetime,
        kept_back: KeptBack | None,
    ) -> None:
        self._now, self._kept_back = now, kept_back
        self._dump, self._record, self._person = dump, record, person
        self._context, self._protocol = dump.context, dump.context.protocol
        self._zone = ZoneInfo(dump.context.participant.time_zone)
        self._key: Row = {"participant": person.code, "course": record.number}
        self._order = [t.id for t in self._protocol.timepoints]

    def by_file(self) -> Rows:
        sheets = sorted(self._dump.assessments, key=self._place)
        events = sorted(self._dump.events, key=lambda e: (e.started_at, e.term))
        prompts = sorted(self._dump.prompts, key=lambda p: (p.due_at, p.timepoint, p.number))
        return {
            "courses.csv": [self._course()],
            "anchors.csv": list(self._anchors()),
            "assessments.csv": [self._assessment(sheet) for sheet in sheets],
            "answers.csv": [row for sheet in sheets for row in self._answers(sheet)],
            "scores.csv": [row for sheet in sheets for row in self._scores(sheet)],
            "corrections.csv": [row for sheet in sheets for row in self._corrections(sheet)],
            "doses.csv": list(self._doses()),
            "adverse_events.csv": [self._event(event) for event in events],
            "blood_pressure.csv": [self._reading(row) for row in self._dump.readings],
            "alerts.csv": [self._alert(row) for row in self._dump.alerts],
            "attendance.csv": [
                {**self._key, **{name: getattr(row, name) for name in ATTENDED}}
                for row in self._dump.attendance
                if row.status
            ],
            "missing_forms.csv": [
                {**self._key, **{name: getattr(row, name) for name in MISSED}}
                for row in self._dump.missing
            ],
            "prompts.csv": [*(self._prompt(prompt) for prompt in prompts), *self._ahead()],
            "stops.csv": [self._stop(stop) for stop in self._dump.stops],
        }

    def _place(self, sheet: AssessmentDump) -> tuple[int, int]:
        asked = self._protocol.timepoint(sheet.row.timepoint).instruments
        return self._order.index(sheet.row.timepoint), asked.index(sheet.row.instrument)

    def _course(self) -> Row:
        context = self._context
        anchor = context.facts.anchors.get(self._protocol.main_anchor.id)
        return {
            **self._key,
            "retreat": context.retreat.name,
            "retreat_time_zone": context.retreat.time_zone,
            "study": context.study.title,
            "study_mode": context.study.mode,
            "protocol": context.study.protocol,
            "protocol_version": context.protocol.version,
            "dosing_date": anchor.date if anchor else None,
            "dosing_confirmed": anchor.confirmed if anchor else None,
            **consent_row(context),
        }

    def _anchors(self) -> Iterator[Row]:
        for anchor in sorted(self._dump.anchors, key=lambda a: (a.date, a.anchor)):
            yield {
                **self._key,
                "anchor": anchor.anchor,
                "date": anchor.date,
                "confirmed_at": anchor.confirmed_at,
                "revision": anchor.revision,
            }

    def _assessment(self, sheet: AssessmentDump) -> Row:
        row = sheet.row
        window = window_of(self._protocol.timepoint(row.timepoint), self._context.facts)
        return {
            **self._sheet_key(sheet),
            "instrument_version": row.instrument_version,
            "wording_sha256": row.wording_sha256,
            "placeholder": row.placeholder,
            "language": row.language,
            "mode": row.mode,
            "started_at": row.started_at,
            "submitted_at": row.submitted_at,
            "submitted_local": self._local(row.submitted_at),
            "days_after_dose": self._days(row.timepoint, row.submitted_at),
            "window_opens": window.opens if window else None,
            "window_closes": window.closes if window else None,
            "marks": self._marks(sheet),
        }

    def _answers(self, sheet: AssessmentDump) -> Iterator[Row]:
        items = sheet.instrument.items
        given = {answer.item: answer for answer in sheet.answers}
        for item in items:
            answer = given.get(item.id)
            if answer is None:
                continue
            yield {
                **self._sheet_key(sheet),
                "item": item.id,
                "topic": item.topic,
                "value": answer.value,
                "skip": answer.skip,
                "given_at": answer.given_at,
                "received_at": answer.received_at,
            }

    def _scores(self, sheet: AssessmentDump) -> Iterator[Row]:
        instrument = sheet.instrument
        order = [s.id for s in instrument.scales] + [c.id for c in instrument.criteria]
        places = {name: place for place, name in enumerate(order)}
        for score in sorted(sheet.scores, key=lambda s: places.get(s.scale, len(places))):
            of_items = score.kind == "scale"
            yield {
                **self._sheet_key(sheet),
                "scale": score.scale,
                "kind": score.kind,
                "value": score.value,
                "answered": score.answered if of_items else None,
                "of": score.of_items if of_items else None,
                "estimated": score.estimated if of_items else None,
                "band": score.band,
                "key_version": score.key_version,
                "days_after_dose": self._days(sheet.row.timepoint, sheet.row.submitted_at),
                "placeholder": sheet.row.placeholder,
                "marks": self._marks(sheet),
            }

    def _doses(self) -> Iterator[Row]:
        order = [anchor.id for anchor in self._protocol.anchors]
        doses = sorted(self._dump.doses, key=lambda d: d.kind, reverse=True)
        for dose in sorted(doses, key=lambda d: order.index(d.anchor)):
            yield {
                **self._key,
                "anchor": dose.anchor,
                "kind": dose.kind,
                "status": dose.status,
                "mg": dose.mg,
                "given_at": dose.given_at,
                "minutes_after_first": dose.minutes,
                "reason": dose.reason,
                "recorded_at": dose.recorded_at,
            }

    def _event(self, event: AdverseEvent) -> Row:
        return {
            **self._key,
            "term": event.term,
            "started_at": event.started_at,
            "ended_at": event.ended_at,
            "grade": event.grade,
            "serious": event.serious,
            "relatedness": event.relatedness,
            "action": event.action,
            "outcome": event.outcome,
            "source": event.source,
            "note": event.note,
            "days_after_dose": self._days(None, event.started_at),
            "recorded_at": event.recorded_at,
        }

    def _reading(self, row: BloodPressure) -> Row:
        return {
            **self._key,
            "anchor": row.anchor,
            "at": row.at,
            "systolic": row.systolic,
            "diastolic": row.diastolic,
            "pulse": row.pulse,
            "recorded_at": row.recorded_at,
            "withdrawn_at": row.withdrawn_at,
            "withdrawn_why": row.withdrawn_why,
        }

    def _corrections(self, sheet: AssessmentDump) -> Iterator[Row]:
        place = {"timepoint": sheet.row.timepoint, "instrument": sheet.row.instrument}
        kept = ("item", "old_value", "old_skip", "new_value", "new_skip", "reason", "corrected_at")
        for row in sorted(sheet.corrections, key=lambda row: row.id):
            yield {**self._key, **place, **{name: getattr(row, name) for name in kept}}

    def _alert(self, row: Alert) -> Row:
        kept = ("timepoint", "rule", "instrument", "about", "numbers", "drill", "raised_at")
        done = ("acknowledged_at", "action", "outcome", "closed_at")
        return {**self._key, **{name: getattr(row, name) for name in (*kept, *done)}}

    def _prompt(self, prompt: PromptRow) -> Row:
        return {
            **self._key,
            "timepoint": prompt.timepoint,
            "number": prompt.number,
            "revision": prompt.revision,
            "due_at": prompt.due_at,
            "due_local": self._local(prompt.due_at),
            "days_after_dose": self._days(prompt.timepoint, prompt.due_at),
            "status": prompt.status,
            "reason": prompt.reason,
            "tries": prompt.tries,
            "updated_at": prompt.updated_at,
        }

    def _ahead(self) -> Iterator[Row]:
        """What was not looked at yet, as the facts stand."""
        found = prompts_ahead(self._context, self._now, self._kept_back)
        for ahead in sorted(found, key=lambda a: (a.prompt.utc, a.timepoint.id, a.prompt.number)):
            yield {
                **self._key,
                "timepoint": ahead.timepoint.id,
                "number": ahead.prompt.number,
                "revision": self._context.revision(ahead.timepoint.id),
                "due_at": ahead.prompt.utc,
                "due_local": ahead.prompt.local,
                "days_after_dose": self._days(ahead.timepoint.id, ahead.prompt.utc),
                "status": ahead.state,
                "reason": ahead.reason,
                "tries": 0,
                "updated_at": None,
            }

    def _stop(self, stop: Stop) -> Row:
        return {
            **self._key,
            "kind": stop.kind,
            "since": stop.since,
            "until": stop.until,
            "reason": stop.reason,
            "recorded_by": stop.recorded_by.partition(":")[0],
            "recorded_at": stop.recorded_at,
            "undone_at": stop.undone_at,
            "undone_why": stop.undone_why,
        }

    def _sheet_key(self, sheet: AssessmentDump) -> Row:
        return {**self._key, "timepoint": sheet.row.timepoint, "instrument": sheet.row.instrument}

    def _marks(self, sheet: AssessmentDump) -> str:
        found = self._record.sheet(sheet.row.timepoint, sheet.row.instrument)
        return ";".join(self._marks_of(found)) if found else ""

    def _marks_of(self, sheet: Sheet) -> Sequence[str]:
        timepoint = self._protocol.timepoint(sheet.timepoint)
        return marks_of(self._record, timepoint, sheet, self._person)

    def _local(self, at: datetime | None) -> datetime | None:
        return at.astimezone(self._zone) if at else None

    def _days(self, timepoint: str | None, at: datetime | None) -> int | None:
        """Local dates after the anchor of a timepoint, or after the first anchor."""
        main = self._protocol.main_anchor.id
        name = self._protocol.timepoint(timepoint).anchor if timepoint else main
        anchor = self._context.facts.anchors.get(name)
        local = self._local(at)
        return (local.date() - anchor.date).days if anchor and local else None
