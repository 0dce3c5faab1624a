"""Hand-made people for the report tests: real instruments and protocol, answers chosen here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from surveyapp.config import resource
from surveyapp.study.instrument import Instrument
from surveyapp.study.library import load_library
from surveyapp.study.protocol import Protocol
from surveyapp.study.record import Course, Dose, DoseStatus, Event, Person, Sheet
from surveyapp.study.schedule import AnchorFact, Facts
from surveyapp.study.scoring import score

LIBRARY = load_library(resource("instruments"))
PROTOCOL = LIBRARY.protocols["second-retreat"]
HADS = LIBRARY.instruments["hads"]
MEQ30 = LIBRARY.instruments["meq30"]
RATINGS = LIBRARY.instruments["ratings"]
ZONE = "Europe/Amsterdam"
SPRING, WINTER = date(2025, 3, 15), date(2026, 2, 14)
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)

RATED = replace(
    PROTOCOL,
    timepoints=tuple(
        replace(t, instruments=(*t.instruments, "ratings")) for t in PROTOCOL.timepoints
    ),
)


def spread(total: int, items: Sequence[str], most: int = 3) -> dict[str, int]:
    """Answers of `items` that sum to `total`, as level as they can be."""
    level, extra = divmod(total, len(items))
    assert 0 <= total <= most * len(items)
    return {item: level + (i < extra) for i, item in enumerate(items)}


def hads(anxiety: int, depression: int) -> dict[str, int | None]:
    odd = [str(n) for n in range(1, 15, 2)]
    even = [str(n) for n in range(2, 15, 2)]
    return {**spread(anxiety, odd), **spread(depression, even)}


def meq(level: int = 3, **changed: int | None) -> dict[str, int | None]:
    """Every item at `level`, but `i29=2` and so on."""
    answers: dict[str, int | None] = {item.id: level for item in MEQ30.items}
    return answers | {key[1:]: value for key, value in changed.items()}


def sheet(
    timepoint: str,
    instrument: Instrument,
    answers: Mapping[str, int | None],
    dosing: date,
    day: int,
    *,
    placeholder: bool = True,
) -> Sheet:
    """A sheet sent at 19:30 local on `day` days after the dosing day."""
    at = datetime.combine(dosing + timedelta(days=day), time(19, 30), tzinfo=ZoneInfo(ZONE))
    scored = score(instrument, answers)
    return Sheet(
        timepoint=timepoint,
        instrument=instrument.id,
        submitted_at=at.astimezone(UTC),
        mode="phone",
        placeholder=placeholder,
        scores=scored.scales,
        criteria=scored.criteria,
        answers={i.id: answers.get(i.id) for i in instrument.items},
    )


def dose(mg: float, kind: str = "first", status: DoseStatus = "given", reason: str = "") -> Dose:
    at = datetime(2026, 2, 14, 10, tzinfo=UTC)
    if kind == "first":
        return Dose("first", status, mg, at, None, reason)
    return Dose("booster", status, mg, at, 75, reason)


def course(
    number: int,
    retreat: str,
    dosing: date,
    sheets: Sequence[Sheet],
    doses: Sequence[Dose] = (),
    events: Sequence[Event] = (),
    protocol: Protocol = PROTOCOL,
    zone: str = ZONE,
) -> Course:
    facts = Facts(
        zone=zone,
        anchors={"dosing": AnchorFact(dosing, confirmed=bool(doses))},
        submitted={(s.timepoint, s.instrument): s.submitted_at for s in sheets},
    )
    return Course(number, retreat, protocol, facts, tuple(doses), tuple(sheets), tuple(events))


def first_course(**changed: tuple[int, int]) -> Course:
    scores = {"baseline": (13, 10), "day_8": (9, 8), "week_24": (11, 7)} | changed
    sheets = [
        sheet("baseline", HADS, hads(*scores["baseline"]), SPRING, -7),
        sheet("day-8", HADS, hads(*scores["day_8"]), SPRING, 8),
        sheet("day-8", MEQ30, meq(3, i1=1, i7=0, i11=2, i29=5, i4=1, i5=1), SPRING, 8),
        sheet("week-24", HADS, hads(*scores["week_24"]), SPRING, 168),
    ]
    return course(1, "Spring 2025", SPRING, sheets, [dose(25)])


def nausea() -> Event:
    start = datetime(2026, 2, 14, 11, tzinfo=ZoneInfo(ZONE))
    return Event("Nausea", start, start + timedelta(hours=5), 1, False, "probable")


def second_course(**changed: tuple[int, int]) -> Course:
    scores = {"baseline": (12, 9), "day_8": (5, 3), "week_24": (6, 5)} | changed
    sheets = [
        sheet("baseline", HADS, hads(*scores["baseline"]), WINTER, -7),
        sheet("day-8", HADS, hads(*scores["day_8"]), WINTER, 8),
        sheet("day-8", MEQ30, meq(4, i2=5, i8=5, i3=5, i1=3), WINTER, 8),
        sheet("week-24", HADS, hads(*scores["week_24"]), WINTER, 168),
    ]
    return course(2, "Winter 2026", WINTER, sheets, [dose(35), dose(10, "booster")], [nausea()])


def two_courses(code: str = "R2-05") -> Person:
    return Person(code, (first_course(), second_course()))


def baseline_alone(code: str = "R2-14") -> Person:
    sheets = [sheet("baseline", HADS, hads(14, 6), WINTER, -6)]
    return Person(code, (course(1, "Winter 2026", WINTER, sheets),))


def with_trouble(code: str = "R2-09") -> Person:
    """Estimated, late, missed and worse, in three courses."""
    skipped = hads(10, 8) | {"1": None, "3": None, "2": None, "4": None, "6": None, "8": None}
    first = [
        sheet("baseline", HADS, skipped, date(2024, 5, 11), -9),
        sheet("week-24", HADS, hads(12, 8), date(2024, 5, 11), 190),
    ]
    second = [
        sheet("baseline", HADS, hads(8, 8), SPRING, 1),
        sheet("day-8", HADS, hads(8, 8), SPRING, 9),
        sheet("day-8", MEQ30, meq(2, i3=None, i29=None, i6=None), SPRING, 9),
    ]
    third = [
        sheet("baseline", HADS, hads(6, 5), WINTER, -3),
        sheet("day-8", HADS, hads(14, 12), WINTER, 12),
    ]
    return Person(
        code,
        (
            course(1, "Early 2024", date(2024, 5, 11), first, [dose(25)]),
            course(2, "Spring 2025", SPRING, second, [dose(30), dose(0, "booster", "declined")]),
            course(3, "Winter 2026", WINTER, third, [dose(35)]),
        ),
    )
