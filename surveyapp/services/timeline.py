"""Timeline: all that happened in one course, and what is to come, in order of the local day.

Messages with what became of each and why, answers and their corrections, doses, events, blood
pressure by day, sessions with attendance, notes, the intention, consent, stops and alerts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from ..store.facts import CourseContext
from ..store.tables_care import Alert
from ..store.tables_group import INTENTION, Attendance, Note
from ..study.record import Course, Dose
from .attendance import WORDS
from .overview import dose_words
from .programme import SessionLine
from .readmodels import Happening, Place, PromptLine, SheetLine
from .safetylog import CourseLog, LoggedReading

DOSES = {"first": "Dose", "booster": "Booster"}


@dataclass(frozen=True)
class Sources:
    """What a course's timeline is made of. `now` parts what happened from what is to come."""

    context: CourseContext
    course: Course
    prompts: Sequence[PromptLine]
    sheets: Sequence[SheetLine]
    log: CourseLog
    sessions: Sequence[SessionLine]
    attendance: Sequence[Attendance]
    notes: Sequence[Note]
    alerts: Sequence[Alert]
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(self.context.zone).date()

    @property
    def key(self) -> Mapping[str, str | int]:
        return {"code": self.context.participant.code, "number": self.course.number}

    def place(self, page: str, **more: str | int) -> Place:
        return Place(page, {**self.key, **more})

    def local(self, at: datetime) -> tuple[date, time]:
        local = at.astimezone(self.context.zone)
        return local.date(), local.time().replace(second=0, microsecond=0)


def timeline(sources: Sources) -> tuple[Happening, ...]:
    """Oldest first; what has no time comes before what has one on its day."""
    makers = (_consents, _messages, _answers, _doses, _events, _pressure)
    makers += (_sessions, _notes, _stops, _alerts)
    found = [line for make in makers for line in make(sources)]
    return tuple(sorted(found, key=lambda line: (line.on, line.at or time.min)))


def _consents(s: Sources) -> Iterator[Happening]:
    for row in s.context.consents:
        yield Happening(row.given_on, None, "Consent", row.scope.capitalize())


def _messages(s: Sources) -> Iterator[Happening]:
    for line in s.prompts:
        kind = "invitation" if line.number == 0 else f"reminder {line.number}"
        what = f"{line.label}, {'reminder asked for' if line.wished else kind}"
        on, at = s.local(line.at)
        ahead = line.at > s.now
        yield Happening(on, at, "Message", what, line.reason, line.state, ahead)


def _answers(s: Sources) -> Iterator[Happening]:
    for line in s.sheets:
        sheet = s.course.sheet(line.timepoint, line.key)
        on, at = s.local(sheet.submitted_at) if sheet else (line.on, None)
        place = s.place("correct_sheet", timepoint=line.timepoint, instrument=line.key)
        detail = ", ".join([line.mode, *line.marks])
        what = f"{line.label}, {line.instrument}"
        yield Happening(on, at, "Answers", what, detail, act="Correct", place=place)
        if line.corrected:
            yield Happening(line.corrected, None, "Correction", what, "the last one of it")


def _doses(s: Sources) -> Iterator[Happening]:
    for dose in s.course.doses:
        on, at = s.local(dose.given_at) if dose.given_at else (_day_of(s, dose), None)
        if on is not None:
            yield Happening(on, at, DOSES[dose.kind], dose_words(dose))


def _day_of(s: Sources, dose: Dose) -> date | None:
    fact = s.context.facts.anchors.get(dose.anchor)
    return fact.date if fact else None


def _events(s: Sources) -> Iterator[Happening]:
    for event in s.log.events:
        serious = ", serious" if event.serious else ""
        yield Happening(
            event.start.date(),
            event.start.time(),
            "Event",
            f"{event.term}, grade {event.grade}{serious}",
            event.after,
            act="Change",
            place=s.place("change_event", event_id=event.id),
        )


def _pressure(s: Sources) -> Iterator[Happening]:
    """One line a day: the readings themselves stand in the safety log."""
    days: defaultdict[date, list[LoggedReading]] = defaultdict(list)
    for reading in s.log.readings:
        days[reading.at.date()].append(reading)
    for on, found in days.items():
        top = max(found, key=lambda r: (r.systolic, r.diastolic))
        many = "1 reading" if len(found) == 1 else f"{len(found)} readings, the highest"
        first = min(reading.at for reading in found).time()
        what = f"{many}: {top.systolic} over {top.diastolic}"
        yield Happening(on, first, "Blood pressure", what)


def _sessions(s: Sources) -> Iterator[Happening]:
    attended = {row.session: row for row in s.attendance if row.status}
    for line in s.sessions:
        if line.on is None or line.dropped:
            continue
        row, ahead = attended.get(line.id), line.on > s.today
        told = WORDS[row.status] if row else "" if ahead else "attendance not recorded"
        note = f"“{row.note}”" if row and row.note else ""
        place = Place("attendance", {"retreat_id": s.context.retreat.id, "session": line.id})
        yield Happening(
            line.on,
            line.at,
            "Session",
            line.label,
            ", ".join(filter(None, [told, note])),
            ahead=ahead,
            act="" if ahead else "Attendance",
            place=None if ahead else place,
        )


def _notes(s: Sources) -> Iterator[Happening]:
    for note in s.notes:
        if note.withdrawn_at is not None:
            continue
        if note.kind == INTENTION:
            place = s.place("intention")
            yield Happening(note.on_day, None, "Intention", note.text, act="Change", place=place)
            continue
        place = s.place("withdraw_note", note_id=note.id)
        yield Happening(note.on_day, None, "Note", note.text, act="Withdraw", place=place)


def _stops(s: Sources) -> Iterator[Happening]:
    for stop in s.context.stops:
        yield Happening(stop.since, None, "Stop", stop.kind.capitalize(), stop.reason)


def _alerts(s: Sources) -> Iterator[Happening]:
    """One line for all that was raised at once."""
    raised: dict[datetime, Alert] = {}
    for row in sorted(s.alerts, key=lambda row: row.id):
        raised.setdefault(row.raised_at, row)
    for row in raised.values():
        on, at = s.local(row.raised_at)
        state = "closed" if row.closed_at else "acknowledged" if row.acknowledged_at else "open"
        place = Place("alert", {"alert_id": row.id})
        what = f"{'Drill' if row.drill else 'Alert'}: {row.rule}"
        yield Happening(on, at, "Alert", what, state, act="Open", place=place)
