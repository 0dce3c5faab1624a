"""Import: everything or nothing, in one transaction, and never a message about the past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...store import keys, seals, trail, transfer, wordings
from ...store.database import Session
from ...store.scores import store_scores
from ...store.tables import (
    AdverseEvent,
    Anchor,
    Assessment,
    Course,
    DoseRow,
    Participant,
    Retreat,
)
from ...store.transfer import There
from ...store.windows import refresh_windows
from ...study.instrument import Instrument
from ...study.library import Library
from ...study.schedule import AnchorFact, Facts, window_of
from ...study.scoring import score
from .. import freezing
from ..erasing import WAS_ERASED, erased_codes
from ..site import Site
from .batch import Batch, SheetRows, read_batch
from .compare import differences
from .csvfile import BadFilesError
from .rows import PARTICIPANTS, CourseRow, EventRow


@dataclass(frozen=True)
class Imported:
    """How much was new. `outside` counts the sheets answered outside their window."""

    participants: int
    courses: int
    sheets: int
    answers: int
    events: int
    outside: int

    @property
    def anything(self) -> bool:
        return bool(self.courses or self.sheets or self.events)

    def sentence(self) -> str:
        if not self.anything:
            return "Nothing is new: all of it is there already."
        return (
            f"Imported {_count(self.participants, 'participant')},"
            f" {_count(self.courses, 'course')}, {_count(self.sheets, 'answer sheet')} with"
            f" {_count(self.answers, 'answer')}, and {_count(self.events, 'adverse event')};"
            f" {_count(self.outside, 'sheet')} outside the window."
        )


def import_folder(site: Site, folder: Path, now: datetime, actor: str = "import") -> Imported:
    """Take a folder's participants.csv, responses.csv and adverse_events.csv into the store.

    Raises BadFilesError with a sentence for every bad row; then nothing is changed.
    """
    batch = read_batch(folder, site.library)
    codes = {code for code, _ in batch.courses}
    retreats = {row.retreat for row in batch.courses.values()}
    with site.database.write() as session:
        there = transfer.what_is_there(session, codes, retreats)
        faults = differences(batch, there) + _of_erased(site, session, batch)
        if faults:
            raise BadFilesError(faults)
        return _Import(session, site.library, batch, there, now, actor).run()


def _of_erased(site: Site, session: Session, batch: Batch) -> list[str]:
    """A sentence for every row of somebody who was erased."""
    gone = erased_codes(site, session, {row.code for row in batch.courses.values()})
    rows = sorted((row.line, row.code) for row in batch.courses.values() if row.code in gone)
    return [f"{PARTICIPANTS.name} line {line}: {code} {WAS_ERASED}" for line, code in rows]


class _Import:
    """Adds what is new in a batch that was checked and compared."""

    def __init__(
        self,
        session: Session,
        library: Library,
        batch: Batch,
        there: There,
        now: datetime,
        actor: str,
    ) -> None:
        self._session, self._library, self._batch = session, library, batch
        self._there, self._now, self._actor = there, now, actor
        self._participants = dict(there.participants)
        self._retreats = {name: retreat for name, (retreat, _) in there.retreats.items()}
        self._courses = {key: found.row for key, found in there.courses.items()}

    def run(self) -> Imported:
        batch, there = self._batch, self._there
        courses = [row for key, row in batch.courses.items() if key not in there.courses]
        sheets = [sheet for key, sheet in batch.sheets.items() if key not in there.sheets]
        events = [row for key, row in batch.events.items() if key not in there.events]
        for row in courses:
            self._add_course(row)
        self._session.flush()
        freezing.pin_new(self._session, self._library, self._actor, self._now)
        wordings.pin_new(self._session, self._library, self._now)
        self._add_sheets(sheets)
        for row in events:
            self._add_event(row)
        done = Imported(
            participants=len(self._participants) - len(there.participants),
            courses=len(courses),
            sheets=len(sheets),
            answers=sum(len(sheet.answers) for sheet in sheets),
            events=len(events),
            outside=sum(map(self._is_outside, sheets)),
        )
        if done.anything:
            self._log(trail.SYSTEM, "data imported", vars(done))
        touched = {s.key[:2] for s in sheets} | {r.key for r in courses}
        for ids in transfer.slices([self._courses[key].id for key in sorted(touched)]):
            refresh_windows(self._session, self._library, ids)
        return done

    def _add_course(self, row: CourseRow) -> None:
        course = transfer.add(
            self._session,
            Course(
                participant_id=self._participant(row).id,
                retreat_id=self._retreat(row).id,
                number=row.number,
                chain=trail.new_chain(),
                not_before=self._now,
                created_at=self._now,
            ),
        )
        self._courses[row.key] = course
        if row.dosing is not None:
            self._session.add(
                Anchor(
                    course_id=course.id,
                    anchor=row.protocol.main_anchor.id,
                    date=row.dosing,
                    confirmed_at=self._now if row.mg is not None else None,
                )
            )
        self._session.add_all(self._doses(row, course))
        self._log(course.chain, "course imported", _course_payload(row))

    def _doses(self, row: CourseRow, course: Course) -> Iterator[DoseRow]:
        kinds = (("first", row.mg, None), ("booster", row.booster_mg, row.booster_minutes))
        for kind, mg, minutes in kinds:
            if mg is not None:
                yield DoseRow(
                    course_id=course.id,
                    anchor=row.protocol.main_anchor.id,
                    kind=kind,
                    status="given",
                    mg=mg,
                    minutes=minutes,
                    recorded_at=self._now,
                )

    def _participant(self, row: CourseRow) -> Participant:
        if row.code not in self._participants:
            self._participants[row.code] = transfer.add(
                self._session,
                Participant(
                    code=row.code,
                    language=row.language,
                    time_zone=row.zone,
                    created_at=self._now,
                ),
            )
        return self._participants[row.code]

    def _retreat(self, row: CourseRow) -> Retreat:
        if row.retreat not in self._retreats:
            study, made = transfer.practice_study(self._session, row.protocol, self._now)
            if made:
                self._log(trail.SYSTEM, "study made", {"study": study.id, "title": study.title})
            rows = [r for r in self._batch.courses.values() if r.retreat == row.retreat]
            zone = Counter(r.zone for r in rows).most_common(1)[0][0]
            days = Counter(r.dosing for r in rows if r.dosing).most_common(1)
            dates = {row.protocol.main_anchor.id: days[0][0]} if days else {}
            retreat = transfer.add_retreat(
                self._session, study, row.retreat, zone, dates, self._now
            )
            self._log(trail.SYSTEM, "retreat added", {"name": row.retreat, "time_zone": zone})
            self._retreats[row.retreat] = retreat
        return self._retreats[row.retreat]

    def _add_sheets(self, sheets: list[SheetRows]) -> None:
        assessments = [self._assessment(sheet) for sheet in sheets]
        self._session.add_all(assessments)
        self._session.flush()
        pairs = list(zip(sheets, assessments, strict=True))
        transfer.add_answers(self._session, (a for pair in pairs for a in self._answers(*pair)))
        for sheet, assessment in pairs:
            instrument = self._instrument(sheet)
            scored = score(instrument, sheet.values)
            store_scores(self._session, assessment.id, instrument, scored)
        sealed = seals.seals_of(self._session, [assessment.id for assessment in assessments])
        for sheet, assessment in pairs:
            chain = self._courses[sheet.key[:2]].chain
            payload = {**_sheet_payload(sheet), seals.SEALED: sealed[assessment.id]}
            self._log(chain, "assessment imported", payload)

    def _instrument(self, sheet: SheetRows) -> Instrument:
        """As the course's study was frozen to it."""
        sha256 = self._courses[sheet.key[:2]].keys_sha256
        known = keys.instruments_of(self._session, self._library, [sha256])
        return known[sha256][sheet.key[3]]

    def _assessment(self, sheet: SheetRows) -> Assessment:
        _, _, timepoint, name = sheet.key
        instrument = self._instrument(sheet)
        wording = instrument.wording(self._batch.courses[sheet.key[:2]].language)
        return Assessment(
            course_id=self._courses[sheet.key[:2]].id,
            timepoint=timepoint,
            instrument=name,
            instrument_version=instrument.version,
            key_sha256=instrument.sha256,
            wording_sha256=wording.sha256,
            placeholder=wording.placeholder,
            language=wording.language,
            mode="import",
            started_at=sheet.completed_at,
            submitted_at=sheet.completed_at,
        )

    def _answers(self, sheet: SheetRows, assessment: Assessment) -> Iterator[dict[str, object]]:
        for item, value in sheet.values.items():
            yield {
                "assessment_id": assessment.id,
                "item": item,
                "value": value,
                "skip": "missing" if value is None else None,
                "given_at": sheet.completed_at,
                "received_at": self._now,
            }

    def _add_event(self, row: EventRow) -> None:
        course = self._courses[(row.code, row.number)]
        self._session.add(
            AdverseEvent(
                course_id=course.id,
                term=row.term,
                started_at=row.started_at,
                ended_at=row.ended_at,
                grade=row.grade,
                serious=row.serious,
                relatedness=row.relatedness,
                recorded_at=self._now,
            )
        )
        self._log(course.chain, "adverse event imported", _event_payload(row))

    def _is_outside(self, sheet: SheetRows) -> bool:
        course = self._batch.courses[sheet.key[:2]]
        if course.dosing is None:
            return False
        anchors = {course.protocol.main_anchor.id: AnchorFact(course.dosing, True)}
        timepoint = course.protocol.timepoint(sheet.key[2])
        window = window_of(timepoint, Facts(course.zone, anchors))
        if window is None:
            return False
        return not window.opens_at <= sheet.completed_at < window.closes_at

    def _log(self, chain: str, kind: str, payload: dict[str, object]) -> None:
        trail.append(self._session, chain, kind, self._actor, self._now, payload)


def _course_payload(row: CourseRow) -> dict[str, object]:
    return {
        "participant": row.code,
        "course": row.number,
        "retreat": row.retreat,
        "language": row.language,
        "time_zone": row.zone,
        "dosing_date": row.dosing.isoformat() if row.dosing else None,
        "dose_mg": row.mg,
        "booster_mg": row.booster_mg,
        "booster_minutes": row.booster_minutes,
    }


def _sheet_payload(sheet: SheetRows) -> dict[str, object]:
    _, _, timepoint, instrument = sheet.key
    return {
        "timepoint": timepoint,
        "instrument": instrument,
        "submitted_at": sheet.completed_at.isoformat(),
        "answers": sheet.values,
    }


def _event_payload(row: EventRow) -> dict[str, object]:
    return {
        "term": row.term,
        "started_at": row.started_at.isoformat(),
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "grade": row.grade,
        "serious": row.serious,
        "relatedness": row.relatedness,
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
