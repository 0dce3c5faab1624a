"""The three files of an import: their columns, and one row of each as checked data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ...study.library import Library
from ...study.protocol import Protocol
from ...study.scoring import AnswerError, check_answer
from ..enrolment import CODE, DEFAULT_PROTOCOL, LANGUAGE, zones
from .csvfile import CellError, Layout, Row

MOST_COURSES = 99
YES_NO = {"yes": True, "no": False}

PARTICIPANTS = Layout(
    "participants.csv",
    (
        "participant", "language", "time_zone", "retreat", "course", "dosing_date", "dose_mg",
        "booster_mg", "booster_minutes", "protocol",
    ),
    optional=frozenset({"protocol"}),
)  # fmt: skip
RESPONSES = Layout(
    "responses.csv",
    ("participant", "course", "timepoint", "instrument", "completed_at", "item", "value"),
)
EVENTS = Layout(
    "adverse_events.csv",
    (
        "participant", "course", "term", "started_at", "ended_at", "grade", "serious",
        "relatedness",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class CourseRow:
    """One course of one participant; no date means that it is not planned yet."""

    line: int
    code: str
    language: str
    zone: str
    retreat: str
    number: int
    dosing: date | None
    mg: float | None
    booster_mg: float | None
    booster_minutes: int | None
    protocol: Protocol

    @property
    def key(self) -> tuple[str, int]:
        return self.code, self.number


@dataclass(frozen=True)
class ResponseRow:
    """One answer; None is a missing one. `completed_at` is UTC."""

    line: int
    code: str
    number: int
    timepoint: str
    instrument: str
    completed_at: datetime
    item: str
    value: int | None

    @property
    def sheet(self) -> tuple[str, int, str, str]:
        return self.code, self.number, self.timepoint, self.instrument


@dataclass(frozen=True)
class EventRow:
    """One adverse event; times are UTC, `ended_at` None while it lasts."""

    line: int
    code: str
    number: int
    term: str
    started_at: datetime
    ended_at: datetime | None
    grade: int
    serious: bool
    relatedness: str

    @property
    def key(self) -> tuple[str, int, str, datetime]:
        return self.code, self.number, self.term, self.started_at


Courses = Mapping[tuple[str, int], CourseRow]


def course_row(row: Row, library: Library) -> CourseRow:
    """Raises CellError."""
    protocol = row.cells.get("protocol") or DEFAULT_PROTOCOL
    if protocol not in library.protocols:
        raise CellError(f"there is no protocol {protocol!r}")
    found = CourseRow(
        line=row.line,
        code=_code(row),
        language=_language(row),
        zone=_zone(row),
        retreat=row.text("retreat"),
        number=row.whole("course", 1, MOST_COURSES),
        dosing=row.day_or_none("dosing_date"),
        mg=row.amount_or_none("dose_mg"),
        booster_mg=row.amount_or_none("booster_mg"),
        booster_minutes=row.whole_or_none("booster_minutes", 0, 1440),
        protocol=library.protocols[protocol],
    )
    _check_doses(found)
    return found


def _check_doses(row: CourseRow) -> None:
    if row.mg is not None and row.dosing is None:
        raise CellError("dose_mg needs a dosing_date")
    if row.booster_mg is not None and row.mg is None:
        raise CellError("booster_mg needs a dose_mg")
    if row.booster_minutes is not None and row.booster_mg is None:
        raise CellError("booster_minutes needs a booster_mg")


def response_row(row: Row, courses: Courses, library: Library) -> ResponseRow:
    """Raises CellError."""
    course = _course(row, courses)
    timepoint, instrument = row.text("timepoint"), row.text("instrument")
    asked = {t.id: t.instruments for t in course.protocol.timepoints}
    if timepoint not in asked:
        raise CellError(f"{course.protocol.id} has no timepoint {timepoint!r}")
    if instrument not in asked[timepoint]:
        raise CellError(f"{timepoint} does not ask {instrument!r}")
    found = ResponseRow(
        line=row.line,
        code=course.code,
        number=course.number,
        timepoint=timepoint,
        instrument=instrument,
        completed_at=row.moment("completed_at", course.zone),
        item=row.text("item"),
        value=row.whole_or_none("value", -999_999, 999_999),
    )
    try:
        check_answer(library.instruments[instrument], found.item, found.value)
    except AnswerError as error:
        raise CellError(str(error)) from error
    return found


def event_row(row: Row, courses: Courses) -> EventRow:
    """Raises CellError."""
    course = _course(row, courses)
    found = EventRow(
        line=row.line,
        code=course.code,
        number=course.number,
        term=row.text("term"),
        started_at=row.moment("started_at", course.zone),
        ended_at=row.moment_or_none("ended_at", course.zone),
        grade=row.whole("grade", 1, 5),
        serious=row.choice("serious", YES_NO),
        relatedness=row.text("relatedness"),
    )
    if found.ended_at is not None and found.ended_at < found.started_at:
        raise CellError("ended_at lies before started_at")
    return found


def _course(row: Row, courses: Courses) -> CourseRow:
    key = (row.text("participant"), row.whole("course", 1, MOST_COURSES))
    if key not in courses:
        raise CellError(f"participants.csv has no participant {key[0]} with course {key[1]}")
    return courses[key]


def _code(row: Row) -> str:
    code = row.text("participant")
    if not CODE.fullmatch(code):
        raise CellError(
            "participant must be a study code of letters, digits, dots, hyphens and underscores,"
            f" at most 40, not {code!r}"
        )
    return code


def _language(row: Row) -> str:
    language = row.text("language")
    if not LANGUAGE.fullmatch(language):
        raise CellError(f"language must be a code such as en or pt-BR, not {language!r}")
    return language


def _zone(row: Row) -> str:
    zone = row.text("time_zone")
    if zone not in zones():
        raise CellError(f"time_zone must be a zone such as Europe/Amsterdam, not {zone!r}")
    return zone
