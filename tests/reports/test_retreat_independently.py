"""The retreat's numbers against numpy and scipy, from import files to the command's output.

The scoring rules are written anew here, from the instruments' facts, and nothing of the package
takes part in the computation: an error that code and tests shared would show.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from surveyapp.cli import main
from surveyapp.resources import resource

from .answer_files import (
    ASKED,
    DOSING,
    RETREATS,
    WINDOWS,
    Someone,
    Taken,
    filled,
    random_cohort,
    write,
)

Row = dict[str, Any]
Key = tuple[int, str, str, str]
SCALES = {
    "hads": ("anxiety", "depression", "total"),
    "meq30": ("mystical", "positive_mood", "transcendence", "ineffability", "total"),
    "ratings": ("pain", "distress"),
}
FACTORS = {
    "mystical": ([4, 5, 6, 9, 14, 15, 16, 18, 20, 21, 23, 24, 25, 26, 28], 12),
    "positive_mood": ([2, 8, 12, 17, 27, 30], 5),
    "transcendence": ([1, 7, 11, 13, 19, 22], 5),
    "ineffability": ([3, 10, 29], 3),
}
DAY_ONE = "baseline"


# Scoring, written anew ----------------------------------------------------------------------


def scored(name: str, answers: np.ndarray) -> dict[str, tuple[float, int, int]]:
    """Value (NaN: none), answered items and items of every scale."""
    if name == "ratings":
        return {s: (v, int(not np.isnan(v)), 1) for s, v in zip(SCALES[name], answers, strict=True)}
    parts = {"anxiety": (answers[0::2], 4, 7.0), "depression": (answers[1::2], 4, 7.0)}
    if name == "meq30":
        parts = {s: (answers[np.array(i) - 1], k, 20.0) for s, (i, k) in FACTORS.items()}
    found = {s: (_mean(a, least) * by, _given(a), len(a)) for s, (a, least, by) in parts.items()}
    values = np.array([v for v, _k, _n in found.values()])
    sizes = np.array([n for _v, _k, n in found.values()])
    total = values.sum() if name == "hads" else (values * sizes).sum() / sizes.sum()
    return found | {"total": (float(total), _given(answers), len(answers))}


def _given(answers: np.ndarray) -> int:
    return int((~np.isnan(answers)).sum())


def _mean(answers: np.ndarray, least: int) -> float:
    return float(np.nanmean(answers)) if _given(answers) >= least else math.nan


def complete(answers: np.ndarray) -> bool | None:
    """At least 60 % on each of the four; None where the holes could decide it either way."""
    sums = []
    for hole in (0, 5):
        whole = np.where(np.isnan(answers), hole, answers)
        sums.append(
            [5 * whole[np.array(i) - 1].sum() >= 3 * 5 * len(i) for i, _ in FACTORS.values()]
        )
    low, high = all(sums[0]), all(sums[1])
    return low if low == high else None


def left_out(one: Someone, number: int, timepoint: str, when: datetime) -> bool:
    """After the dose, for a timepoint before it; or after another course's dose."""
    if timepoint == DAY_ONE and when.date() >= DOSING[number]:
        return True
    later = [n for n, taken in one.courses.items() if n > number and taken.dosed]
    return any(when.date() >= DOSING[n] for n in later)


# What the report should say -----------------------------------------------------------------


class Expected:
    """A retreat's figures; people are the columns of every array."""

    def __init__(self, people: Sequence[Someone]) -> None:
        self.people = people
        self.courses = sorted({n for one in people for n in one.courses})
        self.keys = [
            (number, timepoint, name, scale)
            for number, timepoint in product(self.courses, ASKED)
            for name in ASKED[timepoint]
            for scale in SCALES[name]
        ]
        cells = {key: [self._cell(one, key) for one in people] for key in self.keys}
        self.values = {key: np.array([v for v, _k, _n in of]) for key, of in cells.items()}
        self.whole = {key: [k == n for _v, k, n in of] for key, of in cells.items()}

    def _cell(self, one: Someone, key: Key) -> tuple[float, int, int]:
        number, timepoint, name, scale = key
        taken = one.courses.get(number, Taken())
        if (timepoint, name) not in taken.sheets:
            return math.nan, 0, 1
        when, answers = taken.sheets[timepoint, name]
        if left_out(one, number, timepoint, when):
            return math.nan, 0, 1
        return scored(name, answers)[scale]

    def scores(self) -> Iterator[tuple[Key, Row]]:
        for key, values in self.values.items():
            there = ~np.isnan(values)
            n = {"n": int(there.sum()), "complete_n": int((there & self.whole[key]).sum())}
            yield key, n | spread(values[there])

    def medians(self) -> Iterator[tuple[Key, Row]]:
        for key, values in self.values.items():
            known = values[~np.isnan(values)]
            yield key, {"median": float(np.median(known)) if len(known) else None}

    def moved(self) -> Iterator[tuple[Key, np.ndarray, np.ndarray]]:
        """Keys that have a baseline, with the scores before and after."""
        for key, values in self.values.items():
            number, timepoint, name, scale = key
            if name != "meq30" and timepoint != DAY_ONE:
                yield key, self.values[number, DAY_ONE, name, scale], values

    def changes(self) -> Iterator[tuple[tuple[Any, ...], Row]]:
        for (number, end, name, scale), before, after in self.moved():
            both = ~np.isnan(before) & ~np.isnan(after)
            start = before[both]
            effect = None
            if len(start) > 1 and np.ptp(start) > 1e-9:
                effect = float((after - before)[both].mean() / start.std(ddof=1))
            row = {"n": int(both.sum()), **spread((after - before)[both]), "effect_size": effect}
            yield (number, DAY_ONE, end, name, scale), row

    def compared(self) -> Iterator[tuple[tuple[Any, ...], Row]]:
        changes = {key: after - before for key, before, after in self.moved()}
        for measure, of in (("score", self.values), ("change", changes)):
            for (number, timepoint, name, scale), first in of.items():
                second = of.get((2, timepoint, name, scale))
                if number == 1 and second is not None:
                    yield (name, scale, timepoint, measure), _pair(first, second)

    def shares(self) -> Iterator[tuple[int, Row]]:
        for number in self.courses:
            met = [
                complete(sheets["day-8", "meq30"][1])
                for one in self.people
                if ("day-8", "meq30") in (sheets := one.courses.get(number, Taken()).sheets)
                and not left_out(one, number, "day-8", sheets["day-8", "meq30"][0])
            ]
            n, count = len(met) - met.count(None), met.count(True)
            yield number, {"n": n, "count": count, "percent": 100 * count / n if n else None}

    def boosters(self) -> Iterator[tuple[int, Row]]:
        for number in self.courses:
            of = [one.courses[number] for one in self.people if number in one.courses]
            n = sum(taken.dosed for taken in of)
            yield number, {"n": n, "count": sum(taken.booster for taken in of)}

    def flow(self) -> Iterator[tuple[tuple[int, str], Row]]:
        for number, timepoint in product(self.courses, ASKED):
            of = [one.courses[number] for one in self.people if number in one.courses]
            sent = [
                [taken.sheets[timepoint, i][0] for i in ASKED[timepoint]
                 if (timepoint, i) in taken.sheets]
                for taken in of
            ]  # fmt: skip
            whole = [max(times) for times in sent if len(times) == len(ASKED[timepoint])]
            last = DOSING[number] + timedelta(days=WINDOWS[timepoint][1])
            missed = sum(not times for times in sent)
            yield (
                (number, timepoint),
                {
                    "enrolled": len(of),
                    "expected": len(of),
                    "answered": len(whole),
                    "late": sum(when.date() > last for when in whole),
                    "in_part": len(of) - len(whole) - missed,
                    "missed": missed,
                    "waiting": 0,
                    "left_out": self._left_out(number, timepoint),
                },
            )

    def _left_out(self, number: int, timepoint: str) -> int:
        """How many sent some form at a time that no figure counts."""
        return sum(
            any(
                left_out(one, number, timepoint, when)
                for (asked, _name), (when, _answers) in one.courses[number].sheets.items()
                if asked == timepoint
            )
            for one in self.people
            if number in one.courses
        )


def spread(values: np.ndarray) -> Row:
    mean = float(values.mean()) if len(values) else None
    sd = low = high = None
    if len(values) > 1:
        sd = float(values.std(ddof=1))
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
        low, high = values.mean() - half, values.mean() + half
    return {"mean": mean, "sd": sd, "ci_low": low, "ci_high": high}


def _pair(first: np.ndarray, second: np.ndarray) -> Row:
    both = ~np.isnan(first) & ~np.isnan(second)
    apart = spread((second - first)[both])
    return {
        "n": int(both.sum()),
        "mean_first": spread(first[both])["mean"],
        "mean_second": spread(second[both])["mean"],
        "difference": apart["mean"],
        "ci_low": apart["ci_low"],
        "ci_high": apart["ci_high"],
    }


# What it says -------------------------------------------------------------------------------


class Installation:
    """A real one, spoken to by its command; every timepoint also asks the ratings."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, out: pytest.CaptureFixture[str]):
        patch.setenv("SURVEYAPP_INSTRUMENTS_DIR", str(folder / "instruments"))
        patch.setenv("SURVEYAPP_DATA_DIR", str(folder / "data"))
        self._folder, self._out = folder, out

    def ran(self, *words: str) -> str:
        assert main(list(words)) == 0
        return self._out.readouterr().out

    def take(self, cohort: Sequence[Someone]) -> None:
        files = self._folder / "files"
        files.mkdir()
        write(files, cohort)
        self.ran("import", str(files))

    def report(self, kind: str, name: str) -> Row:
        return json.loads(self.ran("report", kind, name, "--json"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's folder in which nothing is yet; making it takes a second, copying none."""
    folder = tmp_path_factory.mktemp("empty")
    shelf = Path(shutil.copytree(resource("instruments"), folder / "instruments"))
    protocol = shelf / "protocols" / "second-retreat.toml"
    protocol.write_text(protocol.read_text().replace('s = ["hads"', 's = ["ratings", "hads"'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEYAPP_INSTRUMENTS_DIR", str(shelf))
        patch.setenv("SURVEYAPP_DATA_DIR", str(folder / "data"))
        assert main(["init"]) == 0
    return folder


@pytest.fixture
def installation(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Installation:
    folder = Path(shutil.copytree(empty, tmp_path / "installation"))
    capsys.readouterr()
    return Installation(folder, monkeypatch, capsys)


def by(rows: Sequence[Row], *names: str) -> dict[Any, Row]:
    """Rows by their names; a name that stood twice would be lost, so that is looked at too."""
    keys = [tuple(row[n] for n in names) for row in rows]
    assert len(set(keys)) == len(keys)
    rest = [{k: v for k, v in row.items() if k not in names} for row in rows]
    return dict(zip([k if len(k) > 1 else k[0] for k in keys], rest, strict=True))


def same(found: Any, wanted: Any) -> bool:
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return found == wanted


def agree(found: dict[Any, Row], wanted: Iterator[tuple[Any, Row]], *, exact: bool = True) -> None:
    expected = dict(wanted)
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        shown = found[key] if exact else {k: found[key][k] for k in row}
        assert shown.keys() == row.keys()
        assert [(key, k, shown[k], row[k]) for k in row if not same(shown[k], row[k])] == []


def check_retreat(installation: Installation, cohort: Sequence[Someone], number: int) -> None:
    here = [one for one in cohort if number in one.courses]
    found, wanted = installation.report("retreat", RETREATS[number]), Expected(here)
    where = ("course", "timepoint", "instrument", "scale")
    agree(by(found["scores"], *where), wanted.scores())
    agree(by(found["medians"], *where), wanted.medians())
    names = ("course", "from", "to", "instrument", "scale")
    agree(by(found["changes"], *names), wanted.changes())
    names = ("instrument", "scale", "timepoint", "measure")
    agree(by(found["courses_compared"], *names), wanted.compared())
    agree(by(found["complete_mystical"], "course"), wanted.shares())
    agree(by(found["booster"], "course"), wanted.boosters())
    agree(by(found["flow"], "course", "timepoint"), wanted.flow(), exact=False)


def check_person(installation: Installation, one: Someone) -> None:
    """Every score of theirs, also those that no group figure counts; a session's in percent."""
    found = installation.report("participant", one.code)
    where = ("course", "timepoint", "instrument", "scale")
    scores, sessions = by(found["scores"], *where), by(found["sessions"], *where)
    known = {key: row for key, row in sessions.items() if row["percent"] is not None}
    wanted = dict(_scores_of(one))
    agree(scores, ((k, r) for k, r in wanted.items() if k[2] != "meq30"), exact=False)
    percents = {k: {"percent": r["value"], **r} for k, r in wanted.items() if k[2] == "meq30"}
    names = ("percent", "answered", "of", "estimated")
    agree(known, ((k, {n: r[n] for n in names}) for k, r in percents.items()), exact=False)


def _scores_of(one: Someone) -> Iterator[tuple[Key, Row]]:
    for number, taken in one.courses.items():
        for (timepoint, name), (when, answers) in taken.sheets.items():
            for scale, (value, answered, of) in scored(name, answers).items():
                row = {"value": value, "answered": answered, "of": of, "estimated": answered < of}
                days = (when.date() - DOSING[number]).days
                if not np.isnan(value):
                    key = (number, timepoint, name, scale)
                    yield key, row | {"date": when.date().isoformat(), "day": days}


@pytest.mark.parametrize("seed", range(3))
def test_any_cohorts_numbers_are_numpys(installation: Installation, seed: int) -> None:
    cohort = random_cohort(seed, 6 + 5 * seed)
    installation.take(cohort)
    for number in RETREATS:
        check_retreat(installation, cohort, number)
    for one in cohort[:3]:
        check_person(installation, one)


ALL = tuple(ASKED)
APART = (DOSING[2] - DOSING[1]).days
EDGES = {
    "on the days of the doses": [
        {
            1: filled(*ALL, days={"baseline": 0, "week-24": APART}),
            2: filled(*ALL, days={"baseline": -1}, number=2),
        },
        {1: filled(*ALL, days={"baseline": -1, "week-24": APART - 1}), 2: Taken()},
        {1: filled(*ALL, days={"week-24": APART}), 2: Taken(dosed=False)},
    ],
    "one person": [{1: filled(*ALL), 2: filled(*ALL, level=2, number=2)}],
    "nobody answered": [{1: Taken(), 2: Taken(dosed=False)}, {2: Taken()}],
    "only second courses": [{2: filled(*ALL, level=n, number=2)} for n in (0, 1, 3)],
    "one of them with a second course alone": [
        {1: filled(*ALL), 2: filled(*ALL, level=3, number=2)},
        {1: filled("baseline", level=2), 2: filled("day-8", level=1, number=2)},
        {2: filled(*ALL, level=2, number=2)},
    ],
    "all alike": [{1: filled(*ALL), 2: filled(*ALL, level=2, number=2)} for _ in range(3)],
}


@pytest.mark.parametrize("courses", EDGES.values(), ids=EDGES)
def test_the_edges_are_numpys_too(installation: Installation, courses: list) -> None:
    cohort = [Someone(f"E-{n}", "Europe/Amsterdam", of) for n, of in enumerate(courses, 1)]
    installation.take(cohort)
    check_retreat(installation, cohort, 2)
    check_person(installation, cohort[0])
