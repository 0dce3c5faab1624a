"""What the tests of the science share: the shipped library and short ways to write facts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from surveyapp.resources import resource
from surveyapp.study.instrument import Instrument
from surveyapp.study.library import load_library
from surveyapp.study.record import Course, Dose, Person, Sheet
from surveyapp.study.schedule import AnchorFact, Facts
from surveyapp.study.scoring import score

LIBRARY = load_library(resource("instruments"))
HADS = LIBRARY.instruments["hads"]
MEQ30 = LIBRARY.instruments["meq30"]
RATINGS = LIBRARY.instruments["ratings"]
PROTOCOL = LIBRARY.protocols["second-retreat"]
BASELINE, DAY_8, WEEK_24 = PROTOCOL.timepoints

AMSTERDAM = "Europe/Amsterdam"
DOSING = date(2027, 3, 20)


def utc(text: str) -> datetime:
    """`2027-03-28 08:00` as an aware time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def facts(
    dosing: date = DOSING,
    zone: str = AMSTERDAM,
    *,
    dosed: bool = True,
    **more,
) -> Facts:
    """One course; `dosed`: its dosing day is confirmed."""
    return Facts(zone=zone, anchors={"dosing": AnchorFact(dosing, dosed)}, **more)


def sheet(
    timepoint: str, instrument: Instrument, at: str, values: Iterable[int | None] | int
) -> Sheet:
    """A submitted answer sheet; one number stands for the same answer everywhere."""
    given = [values] * len(instrument.items) if isinstance(values, int) else list(values)
    answers = {item.id: v for item, v in zip(instrument.items, given, strict=True)}
    scored = score(instrument, answers)
    return Sheet(
        timepoint=timepoint,
        instrument=instrument.id,
        submitted_at=utc(at),
        mode="phone",
        placeholder=True,
        scores=scored.scales,
        criteria=scored.criteria,
        answers=answers,
    )


def course(number: int, *sheets: Sheet, dosing: date = DOSING, doses=(), **more) -> Course:
    return Course(
        number=number,
        retreat=f"Retreat {number}",
        protocol=PROTOCOL,
        facts=facts(dosing, **more),
        doses=tuple(doses),
        sheets=sheets,
    )


def person(*courses: Course, code: str = "P-01") -> Person:
    return Person(code, courses)


FIRST = Dose("first", "given", 25.0, None, None)
BOOSTER = Dose("booster", "given", 10.0, None, 75)
DECLINED = Dose("booster", "declined", None, None, None, "felt no need")
