"""Forms answer in our words, and read no more than they ask for."""

from __future__ import annotations

import pytest

from .conftest import Browser
from .test_staff import act, filled, staff, value

__all__ = ["filled", "staff"]
STOP, DOSE = "/staff/people/S-01/1/stop", "/staff/people/S-01/1/dose"


@pytest.mark.parametrize("data", [{}, {"kind": "holiday"}])
def test_a_choice_that_was_not_made_is_asked_for(filled: Browser, data: dict[str, object]) -> None:
    page = act(filled, STOP, {**data})
    assert page.status == 400
    assert "What happened : Choose one." in " ".join(page.text.split()).replace("d:", "d :")


@pytest.mark.parametrize("typed", ["nan", "inf", "1e400", "-inf", "a lot"])
def test_a_number_is_finite(filled: Browser, typed: str) -> None:
    page = act(filled, DOSE, {"kind": "first", "status": "given", "mg": typed, "at": "09:30"})
    assert page.status == 400
    assert "Write a number, for example 25 or 12.5." in page.text
    assert value(page, "mg") == typed


@pytest.mark.parametrize("typed", ["2027-W11-6", "20270320", "2027-3-20", "٢٠٢٧-03-20"])
def test_a_day_is_written_as_it_is_asked_for(filled: Browser, typed: str) -> None:
    page = act(filled, STOP, {"kind": "paused", "until": typed})
    assert page.status == 400
    assert "Write the date as year-month-day" in page.text
    assert value(page, "until") == typed


def test_a_date_stays_whole(filled: Browser) -> None:
    page = filled.get(STOP)
    whole = {e.text for e in page.all("span") if e.get("class") == "nowrap"}
    assert {"2027-03-20", "Year-month-day"} <= whole
