"""A batch: the files of an import read, checked and put together, before any database is asked.

A row that leans on a bad row of participants.csv is not blamed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from ...study.library import Library
from .csvfile import BadFilesError, CellError, CsvFile, Row
from .rows import (
    EVENTS,
    PARTICIPANTS,
    RESPONSES,
    CourseRow,
    EventRow,
    ResponseRow,
    course_row,
    event_row,
    response_row,
)

T = TypeVar("T")
SheetKey = tuple[str, int, str, str]


@dataclass
class SheetRows:
    """The rows of one answer sheet: participant, course, timepoint and instrument as key."""

    key: SheetKey
    line: int
    completed_at: datetime
    answers: dict[str, ResponseRow] = field(default_factory=dict[str, ResponseRow])

    @property
    def values(self) -> dict[str, int | None]:
        return {item: row.value for item, row in self.answers.items()}


@dataclass(frozen=True)
class Batch:
    """Everything an import brings, by its keys."""

    courses: Mapping[tuple[str, int], CourseRow]
    sheets: Mapping[SheetKey, SheetRows]
    events: Mapping[tuple[str, int, str, datetime], EventRow]


def read_batch(folder: Path, library: Library) -> Batch:
    """The three files in `folder`; adverse_events.csv may be absent.

    Raises BadFilesError with a sentence for every bad row of every file.
    """
    if not folder.is_dir():
        raise BadFilesError([f"{folder} is not a folder"])
    reading = _Reading(folder, library)
    batch = Batch(reading.courses(), reading.sheets(), reading.events())
    faults = [sentence for file in reading.files for sentence in file.sentences()]
    if faults:
        raise BadFilesError(faults)
    return batch


class _Reading:
    def __init__(self, folder: Path, library: Library) -> None:
        self._folder, self._library = folder, library
        self._participants = CsvFile(PARTICIPANTS)
        self._responses = CsvFile(RESPONSES)
        self._events = CsvFile(EVENTS)
        self.files = (self._participants, self._responses, self._events)
        self._courses: dict[tuple[str, int], CourseRow] = {}
        self._bad_codes: set[str] = set()

    def courses(self) -> dict[tuple[str, int], CourseRow]:
        file = self._participants
        people: dict[str, CourseRow] = {}
        spelt: dict[str, str] = {}
        retreats: dict[str, CourseRow] = {}
        in_retreat: dict[tuple[str, str], CourseRow] = {}
        for row in file.rows(self._folder / PARTICIPANTS.name):
            found = self._parsed(file, row, lambda row: course_row(row, self._library))
            if found is None:
                self._bad_codes.add(row.cells.get("participant", ""))
                continue
            first = self._courses.setdefault(found.key, found)
            person = people.setdefault(found.code, found)
            group = retreats.setdefault(found.retreat, found)
            place = in_retreat.setdefault((found.code, found.retreat), found)
            spelling = spelt.setdefault(found.code.lower(), found.code)
            fault = (
                spelt_otherwise(found.code, spelling)
                or _repeats(first, found)
                or _another_person(person, found)
                or _another_protocol(group, found)
                or _twice_in_retreat(place, found)
            )
            if fault:
                file.fault(found.line, fault)
        return self._courses

    def sheets(self) -> dict[SheetKey, SheetRows]:
        file = self._responses
        sheets: dict[SheetKey, SheetRows] = {}
        for row in file.rows(self._folder / RESPONSES.name):
            found = self._leaning(file, row, self._response)
            if found is None:
                continue
            new = SheetRows(found.sheet, found.line, found.completed_at)
            sheet = sheets.setdefault(found.sheet, new)
            first = sheet.answers.setdefault(found.item, found)
            if first is not found:
                file.fault(found.line, f"repeats line {first.line}: the same item of one sheet")
            elif found.completed_at != sheet.completed_at:
                file.fault(
                    found.line, f"completed_at differs from line {sheet.line} of the same sheet"
                )
        return sheets

    def events(self) -> dict[tuple[str, int, str, datetime], EventRow]:
        file, path = self._events, self._folder / EVENTS.name
        events: dict[tuple[str, int, str, datetime], EventRow] = {}
        if not path.exists():
            return events
        for row in file.rows(path):
            found = self._leaning(file, row, self._event)
            if found is None:
                continue
            first = events.setdefault(found.key, found)
            if first is not found:
                file.fault(found.line, f"repeats line {first.line}: the same term and start")
        return events

    def _response(self, row: Row) -> ResponseRow:
        return response_row(row, self._courses, self._library)

    def _event(self, row: Row) -> EventRow:
        return event_row(row, self._courses)

    def _leaning(self, file: CsvFile, row: Row, parse: Callable[[Row], T]) -> T | None:
        """A row that names a course; not judged when participants.csv is at fault for it."""
        excused = row.cells["participant"] in self._bad_codes or not self._participants.readable
        return None if excused else self._parsed(file, row, parse)

    @staticmethod
    def _parsed(file: CsvFile, row: Row, parse: Callable[[Row], T]) -> T | None:
        try:
            return parse(row)
        except CellError as error:
            file.fault(row.line, str(error))
            return None


def spelt_otherwise(code: str, known: str) -> str:
    """A fault when two study codes differ by capital letters alone."""
    if code == known:
        return ""
    return f"the study code {known} is used already; write {code} the same way or choose another"


def _repeats(first: CourseRow, row: CourseRow) -> str:
    if first is row:
        return ""
    return f"repeats line {first.line}: participant {row.code} with course {row.number}"


def _another_person(first: CourseRow, row: CourseRow) -> str:
    if (first.language, first.zone) == (row.language, row.zone):
        return ""
    return f"language or time_zone of {row.code} differs from line {first.line}"


def _another_protocol(first: CourseRow, row: CourseRow) -> str:
    if first.protocol == row.protocol:
        return ""
    return f"protocol of {row.retreat!r} differs from line {first.line}; a retreat follows one"


def _twice_in_retreat(first: CourseRow, row: CourseRow) -> str:
    if first is row:
        return ""
    return (
        f"{row.code} is in {row.retreat!r} already, with course {first.number} on line {first.line}"
    )
