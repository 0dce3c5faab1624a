"""A coordinator moves a day: sees what would change, says why, and moves it back."""

from __future__ import annotations

from .conftest import Browser
from .test_staff import act, filled, move, staff

__all__ = ["filled", "staff"]
RETREAT, ONE = "/staff/retreats/1/dosing-day", "/staff/people/S-01/1/dosing-day"


def test_a_move_needs_a_reason_and_keeps_what_was_typed(filled: Browser) -> None:
    page = act(filled, ONE, {"dosing_date": "2027-04-27", "reason": " "})
    assert page.status == 400
    assert "Say why the day moves" in page.text
    assert page.attribute("input", "value", name="dosing_date") == "2027-04-27"


def test_the_preview_changes_nothing(filled: Browser) -> None:
    page = act(filled, ONE, {"dosing_date": "2027-04-27", "reason": "flu"})
    assert page.status == 200
    assert "Nothing was changed yet." in page.text
    assert "S-01 moves from Tue 20 Apr 2027 to Tue 27 Apr 2027." in page.text
    assert "Tue 6 Apr to Mon 19 Apr 2027" in page.text
    assert "Tue 13 Apr to Mon 26 Apr 2027" in page.text
    assert "held: no consent to messages on record" in page.text
    assert "Tue 20 Apr 2027, planned" in filled.get("/staff/people/S-01").text


def test_the_second_press_moves_and_moving_back_is_the_same_act(filled: Browser) -> None:
    assert "The dosing day of S-01 is Tue 27 Apr 2027." in move(filled, ONE, "2027-04-27").text
    assert "The dosing day of S-01 is Tue 20 Apr 2027." in move(filled, ONE, "2027-04-20").text
    page = act(filled, ONE, {"dosing_date": "2027-04-20", "reason": "again"})
    assert page.status == 400
    assert "The dosing day is Tue 20 Apr 2027 already." in page.text


def test_another_date_on_the_second_page_is_previewed_first(filled: Browser) -> None:
    seen = act(filled, ONE, {"dosing_date": "2027-04-27", "reason": "flu"})
    fields = {name: seen.attribute("input", "value", name=name) for name in ("csrf_token", "seen")}
    page = filled.post(ONE, {**fields, "dosing_date": "2027-05-04", "reason": "flu"})
    assert page.status == 200
    assert "To Tue 4 May 2027. Nothing was changed yet." in page.text
    assert "Something changed since the preview that you saw." in page.text
    assert "Tue 20 Apr 2027, planned" in filled.get("/staff/people/S-01").text


def test_a_retreat_names_who_moves_and_who_keeps_the_day(filled: Browser) -> None:
    for code in ("S-02", "S-03"):
        person = {"do": "one", "code": code, "email": f"{code}@example.org"}
        act(filled, "/staff/retreats/1/people", {**person})
    move(filled, RETREAT, "2027-03-20")
    dose = {"kind": "first", "status": "given", "mg": "25", "on": "2027-03-20", "at": "09:30"}
    act(filled, "/staff/people/S-03/1/dose", {**dose})
    page = act(filled, RETREAT, {"dosing_date": "2027-03-22", "reason": "storm"})
    assert "2 people move to Mon 22 Mar 2027." in page.text
    assert "S-03 keeps the day: a dose was given on it." in page.text
    assert "It changed for 2 people." in move(filled, RETREAT, "2027-03-22").text


def test_a_day_that_was_never_set_needs_no_preview(staff: Browser) -> None:
    retreat = {"name": "Later", "protocol": "second-retreat", "time_zone": "UTC"}
    act(staff, "/staff/retreats/new", {**retreat, "dosing_date": ""})
    act(staff, "/staff/retreats/1/people", {"do": "one", "code": "S-01", "email": ""})
    page = act(staff, RETREAT, {"dosing_date": "2027-04-20"})
    assert "The dosing day is Tue 20 Apr 2027." in page.text
