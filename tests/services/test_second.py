"""Second entry: another person types the sheet in again, and both are compared."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyapp.services import corrections, second, sheets, stewardship
from surveyapp.services.corrections import Correcting
from surveyapp.services.errors import InputError, RefusedError
from surveyapp.services.sheets import NewSheet
from surveyapp.services.site import Site
from tests.study.samples import LIBRARY

from .test_exchange_export import add_course

PLACE = ("P-01", 1, "day-8", "hads")
NOW = datetime(2027, 3, 29, 12, tzinfo=UTC)
FIRST: dict[str, Any] = {"actor": "staff:1", "now": NOW}
OTHER: dict[str, Any] = {"actor": "staff:2", "now": NOW}
ITEMS = LIBRARY.instruments["hads"].items
SHEET: dict[str, Any] = {item.id: 1 for item in ITEMS}


@pytest.fixture
def entered(site: Site) -> Site:
    add_course(site, confirmed=True)
    sheets.enter_sheet(site, *PLACE, NewSheet({**SHEET}, "paper", date(2027, 3, 28)), **FIRST)
    return site


def test_another_person_finds_a_slip_and_changes_nothing(entered: Site) -> None:
    assert second.may_enter(entered, *PLACE)
    assert second.comparison(entered, *PLACE) is None
    typed = {**SHEET, ITEMS[3].id: 2, ITEMS[5].id: ""}
    assert second.enter_second(entered, *PLACE, typed, **OTHER) == 2
    found = second.comparison(entered, *PLACE)
    assert found is not None
    assert [line.partition(".")[0] for line in found.differences] == ["4", "6"]
    assert "on record 1, second entry 2" in found.differences[0]
    assert "second entry left open" in found.differences[1]
    assert corrections.sent_sheet(entered, *PLACE).given[ITEMS[3].id] == "1"
    assert stewardship.verify_trail(entered).fault is None


def test_a_correction_brings_both_together(entered: Site) -> None:
    second.enter_second(entered, *PLACE, {**SHEET, ITEMS[3].id: 2}, **OTHER)
    new = Correcting({**SHEET, ITEMS[3].id: 2}, "typed wrongly", 0)
    corrections.correct(entered, *PLACE, new, **OTHER)
    found = second.comparison(entered, *PLACE)
    assert found is not None
    assert found.differences == ()


def test_who_may_not(entered: Site) -> None:
    with pytest.raises(RefusedError, match="another person"):
        second.second_form(entered, *PLACE, "staff:1")
    second.enter_second(entered, *PLACE, {**SHEET}, **OTHER)
    assert not second.may_enter(entered, *PLACE)
    with pytest.raises(RefusedError, match="is on record since"):
        second.enter_second(entered, *PLACE, {**SHEET}, **OTHER)


@pytest.mark.parametrize("wrong", [{ITEMS[0].id: 9}, {item.id: "" for item in ITEMS}])
def test_what_is_wrong_is_not_kept(entered: Site, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        second.enter_second(entered, *PLACE, {**SHEET, **wrong}, **OTHER)
    assert second.may_enter(entered, *PLACE)


@settings(max_examples=50)
@given(st.lists(st.sampled_from([0, 1, 2, 3, "", "declined"]), min_size=14, max_size=14))
def test_it_differs_where_the_sheets_do(values: list[Any]) -> None:
    typed = dict(zip((item.id for item in ITEMS), values, strict=True))
    if not any(isinstance(value, int) for value in values):
        return
    judged = second.judged(LIBRARY.instruments["hads"], typed)
    one = {item.id: (1, None) for item in ITEMS}
    found = second.differences(LIBRARY.instruments["hads"], one, judged)
    assert len(found) == sum(value != 1 for value in values)
