"""Random cohorts for the independent check: what people answered, and the files that hold it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np

ITEMS = {
    "hads": [str(n) for n in range(1, 15)],
    "meq30": [str(n) for n in range(1, 31)],
    "ratings": ["pain", "distress"],
}
MOST = {"hads": 3, "meq30": 5, "ratings": 10}
ASKED = {
    "baseline": ("ratings", "hads"),
    "day-8": ("ratings", "hads", "meq30"),
    "week-24": ("ratings", "hads"),
}
WINDOWS = {"baseline": (-14, -1), "day-8": (8, 14), "week-24": (161, 182)}
DOSING = {1: date(2024, 3, 16), 2: date(2025, 2, 15)}
RETREATS = {1: "Spring 2024", 2: "Winter 2025"}
ZONES = ("Europe/Amsterdam", "America/Los_Angeles", "Pacific/Auckland")


@dataclass
class Taken:
    """One course: the dose if there was one, and sheets by timepoint and instrument as the local
    time and an array of answers, NaN where there is none."""

    dosed: bool = True
    booster: bool = False
    sheets: dict[tuple[str, str], tuple[datetime, np.ndarray]] = field(default_factory=dict)


@dataclass
class Someone:
    code: str
    zone: str
    courses: dict[int, Taken]


def at(number: int, day: int, hour: int = 19) -> datetime:
    return datetime.combine(DOSING[number] + timedelta(days=day), time(hour, 30))


def random_cohort(seed: int, people: int) -> list[Someone]:
    """People with a first course, a second or both; some sheets too late to count, many holes."""
    dice = np.random.default_rng(seed)
    return [_someone(f"X-{n:02d}", dice) for n in range(1, people + 1)]


def _someone(code: str, dice: np.random.Generator) -> Someone:
    numbers = [(1,), (2,), (1, 2), (1, 2), (1, 2)][dice.integers(5)]
    return Someone(code, str(dice.choice(ZONES)), {n: _taken(n, dice) for n in numbers})


def _taken(number: int, dice: np.random.Generator) -> Taken:
    dosed = bool(dice.random() < 0.85)
    taken = Taken(dosed, bool(dosed and dice.random() < 0.5))
    for timepoint, instruments in ASKED.items():
        for name in instruments:
            if dice.random() < 0.85:
                day = _day(timepoint, dice)
                when = at(number, day, int(dice.integers(0, 24)))
                taken.sheets[timepoint, name] = (when, _answers(name, dice))
    return taken


def _day(timepoint: str, dice: np.random.Generator) -> int:
    """Mostly in the window; else before the second dose or after it, or after the first."""
    first, last = WINDOWS[timepoint]
    if dice.random() < 0.8:
        return int(dice.integers(first, last + 1))
    return int(dice.choice({"baseline": [-20, 0, 3], "day-8": [20, 90]}.get(timepoint, [200, 340])))


def _answers(name: str, dice: np.random.Generator) -> np.ndarray:
    values = dice.integers(0, MOST[name] + 1, len(ITEMS[name])).astype(float)
    holes = dice.choice([0.0, 0.05, 0.3, 0.6], p=[0.5, 0.25, 0.15, 0.1])
    values[dice.random(len(values)) < holes] = np.nan
    if name == "meq30" and dice.random() < 0.5:
        values = np.maximum(values, 3)
    return values


def filled(
    *timepoints: str, level: int = 1, number: int = 1, days: Mapping[str, int] | None = None
) -> Taken:
    """Every form of these timepoints, answered alike, on the first day of each window or on the
    day that `days` says."""
    on = {name: window[0] for name, window in WINDOWS.items()} | dict(days or {})
    sheets = {
        (timepoint, name): (
            at(number, on[timepoint]),
            np.full(len(ITEMS[name]), float(level)),
        )
        for timepoint in timepoints
        for name in ASKED[timepoint]
    }
    return Taken(sheets=sheets)


def write(folder: Path, cohort: Iterable[Someone]) -> None:
    """participants.csv and responses.csv for `surveyapp import`."""
    found = list(cohort)
    head = "participant,language,time_zone,retreat,course,dosing_date,dose_mg,booster_mg"
    _write(folder / "participants.csv", f"{head},booster_minutes", _people(found))
    head = "participant,course,timepoint,instrument,completed_at,item,value"
    _write(folder / "responses.csv", head, _responses(found))


def _write(path: Path, head: str, rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head.split(","))
        writer.writerows(rows)


def _people(cohort: Iterable[Someone]) -> Iterator[tuple[object, ...]]:
    for one in cohort:
        for number, taken in one.courses.items():
            dose = 25 if taken.dosed else ""
            extra = (10, 75) if taken.booster else ("", "")
            where = (RETREATS[number], number, DOSING[number])
            yield (one.code, "en", one.zone, *where, dose, *extra)


def _responses(cohort: Iterable[Someone]) -> Iterator[tuple[object, ...]]:
    for one in cohort:
        for number, taken in one.courses.items():
            for (timepoint, name), (when, values) in taken.sheets.items():
                key = (one.code, number, timepoint, name, when.isoformat())
                for item, value in zip(ITEMS[name], values, strict=True):
                    yield (*key, item, "" if np.isnan(value) else int(value))
