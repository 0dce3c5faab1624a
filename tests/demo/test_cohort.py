"""The synthetic cohort: published sums, plausible people, the same bytes each time."""

import csv
import io
import statistics
from pathlib import Path

import pytest

from surveyapp.demo.cohort import apportion, make_cohort, make_earlier, write_files
from surveyapp.study.library import load_library
from surveyapp.study.scoring import Scored, score

INSTRUMENTS = load_library(Path(__file__).parents[2] / "instruments").instruments
FILES = make_cohort(INSTRUMENTS)

Key = tuple[str, int, str, str]


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(FILES[name])))


def scored() -> dict[Key, Scored]:
    sheets: dict[Key, dict[str, int | None]] = {}
    for row in rows("responses.csv"):
        key = (row["participant"], int(row["course"]), row["timepoint"], row["instrument"])
        sheets.setdefault(key, {})[row["item"]] = int(row["value"]) if row["value"] else None
    return {key: score(INSTRUMENTS[key[3]], answers) for key, answers in sheets.items()}


SCORED = scored()


def totals(course: int, timepoint: str) -> list[float]:
    found = (
        s.scales["total"].value for k, s in SCORED.items() if k[1:] == (course, timepoint, "hads")
    )
    return [value for value in found if value is not None]


@pytest.mark.parametrize(("timepoint", "total"), [("baseline", 196), ("day-8", 117)])
def test_second_course_has_the_published_sums(timepoint: str, total: int) -> None:
    assert len(totals(2, timepoint)) == 13
    assert sum(totals(2, timepoint)) == total


@pytest.mark.parametrize(("course", "complete"), [(1, 5), (2, 10)])
def test_complete_mystical_experience_as_published(course: int, complete: int) -> None:
    decided = [
        flag
        for key, s in SCORED.items()
        if key[1:] == (course, "day-8", "meq30")
        for flag in s.criteria.values()
    ]
    assert len(decided) == 13
    assert decided.count(True) == complete
    assert None not in decided


def test_doses_and_boosters_as_published() -> None:
    second = [row for row in rows("participants.csv") if row["course"] == "2"]
    boosted = [row for row in second if row["booster_mg"]]
    assert {row["dose_mg"] for row in second} == {"35"}
    assert [row["booster_mg"] for row in boosted] == ["10"] * 7
    assert all(60 <= int(row["booster_minutes"]) <= 90 for row in boosted)


def test_events_are_transient_and_none_serious() -> None:
    events = rows("adverse_events.csv")
    assert {row["term"] for row in events} == {"Blood pressure increased", "Nausea", "Headache"}
    assert {row["serious"] for row in events} == {"no"}
    assert all(row["started_at"] < row["ended_at"] for row in events)


@pytest.mark.parametrize(
    ("before", "after"), [((1, "baseline"), (1, "day-8")), ((1, "day-8"), (2, "day-8"))]
)
def test_people_stay_themselves_over_time(before: tuple[int, str], after: tuple[int, str]) -> None:
    assert statistics.correlation(totals(*before), totals(*after)) > 0.5


def test_people_differ_and_use_the_whole_range_of_answers() -> None:
    values = {(r["instrument"], r["value"]) for r in rows("responses.csv") if r["value"]}
    assert values == {("hads", str(v)) for v in range(4)} | {("meq30", str(v)) for v in range(6)}
    assert 3 < statistics.stdev(totals(2, "baseline")) < 6


def test_it_has_what_real_studies_have() -> None:
    """One skipped question gives an estimated score; one sheet is missing altogether."""
    assert sum(s.scales["total"].estimated for s in SCORED.values()) == 1
    assert len(totals(1, "week-24")) == 12


def test_same_bytes_each_time(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert written == FILES == make_cohort(INSTRUMENTS)


def test_codes_are_its_own() -> None:
    assert {r["participant"] for r in rows("participants.csv")} == {
        f"D-{n:02d}" for n in range(1, 14)
    }


def test_apportion_meets_its_total_within_bounds() -> None:
    assert apportion([0.4, 2.6, 2.9], 7, 0, 3) == [1, 3, 3]
    assert apportion([9.0, 9.0], 3, 0, 3) in ([0, 3], [3, 0], [1, 2], [2, 1])
    with pytest.raises(ValueError, match="cannot sum to 7"):
        apportion([1.0, 1.0], 7, 0, 3)


def test_somebody_with_an_earlier_course() -> None:
    files = make_earlier("M-01", "Europe/Amsterdam", INSTRUMENTS)
    (person,) = csv.DictReader(io.StringIO(files["participants.csv"]))
    assert (person["participant"], person["course"]) == ("M-01", "1")
    assert len(files["responses.csv"].splitlines()) == 1 + 14 + 14 + 30 + 14
