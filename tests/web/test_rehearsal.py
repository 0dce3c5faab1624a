"""The rehearsal pages: nothing is changed by looking, wrong input is said."""

from __future__ import annotations

from .conftest import Browser
from .test_staff import filled, staff

__all__ = ["filled", "staff"]


def test_a_protocol_is_rehearsed_with_its_texts(staff: Browser) -> None:
    page = staff.get("/staff/rehearsal")
    assert "Give the dosing day to see the messages." in page.text
    page = staff.get(
        "/staff/rehearsal?protocol=second-retreat&dosing=2027-03-20"
        "&time_zone=America/New_York&language=de&sms_price=0,08"
    )
    assert "9 messages" in page.text
    assert "Wed 10 Mar 2027, 10:00" in page.text
    assert "Ihr Fragebogen" in page.text
    assert "9 SMS segments for each person, 0.72 in all." in page.text


def test_every_protocol_asks_for_its_own_days(staff: Browser) -> None:
    page = staff.get("/staff/rehearsal?protocol=mdma")
    assert page.status == 200
    names = {field.get("name") for field in page.all("input")}
    assert {"dosing-1", "dosing-2", "dosing-3"} <= names


def test_wrong_input_stays_and_is_said(staff: Browser) -> None:
    page = staff.get("/staff/rehearsal?dosing=soon")
    assert "Write the date as year-month-day" in page.text
    assert page.attribute("input", "value", name="dosing") == "soon"
    page = staff.get("/staff/rehearsal?dosing=2027-03-20&time_zone=Mars")
    assert "Write a time zone as region and place" in page.text
    assert "Give the" not in page.text


def test_what_goes_out_next_in_a_retreat(filled: Browser) -> None:
    page = filled.get("/staff/retreats/1/rehearsal?days=30")
    assert "0 messages go out" in page.text
    assert "Nothing goes out in these days." in page.text
    assert "no consent to messages on record" in page.text
    assert filled.get("/staff/retreats/9/rehearsal").status == 404
    assert filled.get("/staff/retreats/1/rehearsal?days=x").status == 200
