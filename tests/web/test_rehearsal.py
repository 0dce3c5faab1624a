"""The rehearsal pages: nothing is changed by looking, wrong input is said."""

from __future__ import annotations

import pytest

from surveyapp.services import messagetexts
from surveyapp.services.site import Site

from .conftest import DAY_8, Browser
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
    assert "9 SMS segments, 0.72 for each person." in page.text


def test_a_rehearsal_says_what_this_site_would_say(staff: Browser, sqlite_site: Site) -> None:
    by = {"actor": "staff:1", "now": DAY_8}
    own = {
        "email": "Dear guest,\n\n{link}\n\nplease take {minutes} minutes.",
        "sms": "{site}: a few questions until {until}. {link}",
    }
    for channel, body in own.items():
        messagetexts.save(sqlite_site, (channel, "invitation", "en"), "For you", body, **by)
    page = staff.get("/staff/rehearsal?dosing=2027-03-20")
    assert page.text.count("Dear guest,") == page.text.count("a few questions until") == 3
    assert page.text.count("A reminder: your check-in is ready") == 6
    assert "Placeholder. Not the HADS" in page.text


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


def test_everything_wrong_is_said_at_once(staff: Browser) -> None:
    page = staff.get("/staff/rehearsal?dosing=2027-02-30&time_zone=Mars&sms_price=dear")
    assert page.text.count("Write the date as year-month-day") == 2
    assert page.text.count("Write a time zone as region and place") == 2
    assert page.text.count("Write the price as a number, for example 0.08.") == 2
    for name, typed in (("dosing", "2027-02-30"), ("time_zone", "Mars"), ("sms_price", "dear")):
        field = next(e for e in page.all("input") if e.get("name") == name)
        assert (field.get("value"), field.get("aria-describedby")) == (typed, f"{name}-wrong")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_too_far_away_is_said(staff: Browser, day: str) -> None:
    page = staff.get(f"/staff/rehearsal?dosing={day}")
    assert "That date is too far away to count from." in page.text
    assert page.attribute("input", "value", name="dosing") == day


@pytest.mark.parametrize("typed", ["nan", "inf", "1e400", "abc", "-5", "1_0", "0.08 EUR", "١"])
def test_a_price_that_is_none_is_refused_and_kept(staff: Browser, typed: str) -> None:
    page = staff.get(f"/staff/rehearsal?dosing=2027-03-20&sms_price={typed}")
    assert "Write the price as a number, for example 0.08." in page.text
    assert "for each person" not in page.text
    assert page.attribute("input", "value", name="sms_price") == typed


@pytest.mark.parametrize("typed", ["20270320", "2027-W11-6", "20.3.2027"])
def test_a_day_is_read_as_it_is_asked_for(staff: Browser, typed: str) -> None:
    assert "Write the date as" in staff.get(f"/staff/rehearsal?dosing={typed}").text


def test_what_goes_out_next_in_a_retreat(filled: Browser) -> None:
    page = filled.get("/staff/retreats/1/rehearsal?days=30")
    assert "0 messages go out" in page.text
    assert "Nothing goes out in these days." in page.text
    assert "no consent to messages on record" in page.text
    assert filled.get("/staff/retreats/9/rehearsal").status == 404
    assert filled.get("/staff/retreats/1/rehearsal?days=x").status == 200
