"""Rules for worrying answers: what they find, and that they agree with the change they compare."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp.study.alerting import CASE, SAFETY, WORSENING, found, has_rules
from surveyapp.study.change import change
from surveyapp.study.library import load_library
from surveyapp.study.protocol import read_protocol
from surveyapp.study.reading import Faults, FaultsFoundError
from surveyapp.study.record import Course
from tests.study.samples import HADS, LIBRARY, PROTOCOL, course, sheet

INSTRUMENTS = LIBRARY.instruments
BEFORE, DAY_8, WEEK_24 = "2027-03-13 09:00", "2027-03-28 09:00", "2027-09-04 09:00"
answers = st.lists(st.none() | st.integers(0, 3), min_size=14, max_size=14)


def of(*sheets, **more) -> Course:
    return course(1, *sheets, **more)


def finds(one: Course) -> set[tuple[str, str, str]]:
    return {(f.rule, f.timepoint, f.about) for f in found(PROTOCOL, one, INSTRUMENTS)}


@given(before=answers, after=answers)
def test_worsening_is_a_reliable_rise_of_a_scale_that_should_fall(before, after) -> None:
    one = of(sheet("baseline", HADS, BEFORE, before), sheet("day-8", HADS, DAY_8, after))
    expected: set[str] = set()
    for name in ("anxiety", "depression"):
        pair = [s.scores[name].value for s in one.sheets]
        if None not in pair:
            reliable = change(HADS.scale(name), *pair, "2-6 weeks").reliable
            if reliable and reliable.verdict == "rise":
                expected.add(name)
    assert {about for rule, _, about in finds(one) if rule == WORSENING} == expected


@given(before=answers, after=answers)
def test_the_case_range_counts_after_the_retreat_alone(before, after) -> None:
    one = of(sheet("baseline", HADS, BEFORE, before), sheet("day-8", HADS, DAY_8, after))
    bands = {name: one.sheets[1].scores[name].band for name in ("anxiety", "depression")}
    expected = {("day-8", name) for name, band in bands.items() if band == "case"}
    assert {(at, about) for rule, at, about in finds(one) if rule == CASE} == expected


@given(before=answers, after=answers)
def test_what_is_found_says_by_which_numbers(before, after) -> None:
    one = of(sheet("baseline", HADS, BEFORE, before), sheet("day-8", HADS, DAY_8, after))
    for finding in found(PROTOCOL, one, INSTRUMENTS):
        numbers = finding.numbers
        assert numbers["now"] == one.sheets[1].scores[finding.about].value
        if finding.rule == WORSENING:
            assert numbers["now"] - numbers["before"] > numbers["limit"] > 0
        else:
            assert numbers["now"] + 0.5 >= numbers["limit"] == 11


@given(before=answers, after=answers)
def test_an_import_finds_nothing(before, after) -> None:
    sheets = sheet("baseline", HADS, BEFORE, before), sheet("day-8", HADS, DAY_8, after)
    assert finds(of(*(dataclasses.replace(s, mode="import") for s in sheets))) == set()


def test_an_imported_baseline_is_compared_with() -> None:
    low = dataclasses.replace(sheet("baseline", HADS, BEFORE, 0), mode="import")
    one = of(low, sheet("day-8", HADS, DAY_8, [1, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0]))
    assert (WORSENING, "day-8", "anxiety") in finds(one)


def test_a_baseline_after_the_dose_is_none() -> None:
    late = sheet("baseline", HADS, "2027-03-21 09:00", 0)
    one = of(late, sheet("day-8", HADS, DAY_8, 2))
    assert {rule for rule, _, _ in finds(one)} == {CASE}


def test_without_rules_nothing_is_found() -> None:
    bare = dataclasses.replace(PROTOCOL, alerts=())
    one = of(sheet("baseline", HADS, BEFORE, 0), sheet("week-24", HADS, WEEK_24, 3))
    assert finds(one) != set()
    assert found(bare, one, INSTRUMENTS) == []
    assert has_rules(PROTOCOL, INSTRUMENTS)
    assert not has_rules(bare, INSTRUMENTS)
    assert not has_rules(LIBRARY.protocols["chronic-pain"], INSTRUMENTS)


def test_an_item_marked_for_safety(tmp_path: Path) -> None:
    marked = library_with(tmp_path, 'topic = "Dread"', 'topic = "Dread"\nsafety = true')
    with pytest.raises(FaultsFoundError, match="name the values that count"):
        load_library(marked)
    text = 'topic = "Dread"\nsafety = true\nsafety_values = [2, 3]'
    instruments = load_library(library_with(tmp_path / "b", 'topic = "Dread"', text)).instruments
    for value, counts in ((0, False), (1, False), (2, True), (3, True), (None, False)):
        given_ = [None] * 14
        given_[2] = value
        one = of(sheet("day-8", HADS, DAY_8, given_))
        rules = [f for f in found(PROTOCOL, one, instruments) if f.rule == SAFETY]
        assert [f.about for f in rules] == (["3"] if counts else [])


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        ("safety_values = [2]", "go with safety = true"),
        ("safety = true\nsafety_values = [7]", "7 is none of its values"),
    ],
)
def test_safety_values_are_checked(tmp_path: Path, new: str, fault: str) -> None:
    folder = library_with(tmp_path, 'topic = "Dread"', f'topic = "Dread"\n{new}')
    with pytest.raises(FaultsFoundError, match=fault):
        load_library(folder)


def library_with(folder: Path, old: str, new: str) -> Path:
    """The shipped instruments in a folder of their own, with HADS' key changed."""
    target = folder / "instruments"
    shutil.copytree(Path(__file__).parents[2] / "instruments", target)
    key = target / "hads" / "instrument.toml"
    key.write_text(key.read_text("utf-8").replace(old, new), "utf-8")
    return target


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('kind = "bad feeling"\ninstrument = "hads"', "'bad feeling' must be one of"),
        ('kind = "case range"\ninstrument = "phq"', "there is no instrument 'phq'"),
        ('kind = "case range"\ninstrument = "meq30"', "every scale of 'meq30' has no 'case'"),
        ('kind = "case range"\ninstrument = "ratings"', "no timepoint after an anchor asks"),
        ('kind = "reliable worsening"\ninstrument = "meq30"', "judges 'meq30'"),
        (
            'kind = "reliable worsening"\ninstrument = "hads"\nscales = ["total"]',
            "'total' has no direction and retest",
        ),
        ('kind = "case range"\ninstrument = "hads"\nscales = ["fear"]', "there is no scale 'fear'"),
        ('kind = "reliable worsening"\ninstrument = "hads"\nband = "case"', "belongs to"),
        ('kind = "case range"\ninstrument = "hads"\nsince = 3', "unknown key"),
        ('kind = "case range"\ninstrument = "hads"', "used twice"),
    ],
)
def test_rules_that_could_find_nothing_are_faults(table: str, fault: str) -> None:
    text = f"{PROTOCOL.text}\n[[alerts]]\n{table}\n"
    with pytest.raises(FaultsFoundError, match=fault.replace("[", r"\[")):
        read_protocol(text, "second-retreat", INSTRUMENTS, Faults("protocols/second-retreat.toml"))
