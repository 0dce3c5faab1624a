"""The safety log's pages, without script: the dosing day, changes by two, script in every field."""

from __future__ import annotations

import pytest

from .conftest import Browser
from .test_staff import act, value
from .test_staff import filled as filled
from .test_staff import staff as staff

ONE = "/staff/people/S-01/1"
EVENT = {
    "term": "Nausea",
    "grade": "1",
    "on": "2027-03-20",
    "at": "11:30",
    "relatedness": "probable",
    "source": "volunteered",
}


@pytest.fixture
def dosed(filled: Browser) -> Browser:
    """The person had 25 mg at 10:00 on Sat 20 March; it is Sun 28 March."""
    day = {"dosing_date": "2027-03-20", "reason": "the venue closed"}
    seen = act(filled, f"{ONE}/dosing-day", {**day})
    filled.post(
        f"{ONE}/dosing-day",
        {"csrf_token": value(seen, "csrf_token"), "seen": value(seen, "seen"), **day},
    )
    dose = {"kind": "first", "status": "given", "mg": "25", "on": "2027-03-20", "at": "10:00"}
    act(filled, f"{ONE}/dose", {**dose})
    return filled


def test_an_event_is_recorded_and_changed(dosed: Browser) -> None:
    page = act(dosed, f"{ONE}/event", {**EVENT})
    assert "On record for S-01: Nausea, grade 1." in page.text
    assert "1 h 30 min after the dose" in page.text
    form = dosed.get(f"{ONE}/event/1")
    assert value(form, "edition") == "0"
    assert "A grade" not in form.text
    assert "Moderate: limited what the person could do" in form.text
    page = act(dosed, f"{ONE}/event/1", {**EVENT, "grade": "2", "edition": "0"})
    assert "The event of S-01 is changed." in page.text


def test_wrong_input_keeps_what_was_typed(dosed: Browser) -> None:
    page = act(dosed, f"{ONE}/event", {**EVENT, "grade": "6", "at": "09:00", "note": "at lunch"})
    assert page.status == 400
    assert "Choose one." in page.text
    page = act(dosed, f"{ONE}/event", {**EVENT, "at": "09:00", "note": "at lunch"})
    assert page.status == 400
    assert "Tick this if it did." in page.text
    assert value(page, "at") == "09:00"
    assert page.tree.find(".//textarea").text.strip() == "at lunch"
    page = act(dosed, f"{ONE}/event", {**EVENT, "at": "09:00", "before": "y"})
    assert "before the first dose" in page.text


def test_who_comes_second_sees_what_changed_and_may_still_save(dosed: Browser) -> None:
    act(dosed, f"{ONE}/event", {**EVENT})
    act(dosed, f"{ONE}/event/1", {**EVENT, "grade": "3", "edition": "0"})
    page = act(dosed, f"{ONE}/event/1", {**EVENT, "note": "mine", "edition": "0"})
    assert page.status == 400
    assert "Somebody changed this event since you opened it." in page.text
    assert page.tree.find(".//textarea").text.strip() == "mine"
    again = {**EVENT, "note": "mine", "edition": value(page, "edition")}
    assert "The event of S-01 is changed." in act(dosed, f"{ONE}/event/1", again).text


def test_the_checklist_asks_one_by_one(dosed: Browser) -> None:
    page = dosed.get(f"{ONE}/checklist")
    for term in ("Blood pressure increased", "Nausea", "Headache", "Dizziness", "Anxiety"):
        assert term in page.text
    found = {"on": "2027-03-20", **{f"e{n}_grade": "0" for n in range(5)}}
    related = {"e2_related": "probable"}
    page = act(dosed, f"{ONE}/checklist", {**found, **related, "e2_grade": "2"})
    assert page.status == 400
    assert "Write the time at which it began" in page.text
    page = act(dosed, f"{ONE}/checklist", {**found, **related, "e2_grade": "2", "e2_at": "15:10"})
    assert "The checklist of S-01 is recorded: 1 found." in page.text
    assert "asked" in page.text
    page = act(dosed, f"{ONE}/checklist", {**found, **related})
    assert "The checklist of S-01 is recorded: nothing found." in page.text


def test_an_expected_event_may_run_past_midnight(dosed: Browser) -> None:
    grades = {f"e{n}_grade": "0" for n in range(5)}
    night = {"e2_grade": "1", "e2_at": "23:30", "e2_ended": "01:15", "e2_related": "possible"}
    page = act(dosed, f"{ONE}/checklist", {"on": "2027-03-20", **grades, **night})
    assert "1 found." in page.text
    assert "Sun 21 Mar 2027, 01:15" in page.text


def test_readings_are_entered_one_after_another(dosed: Browser) -> None:
    path = f"{ONE}/pressure"
    day = {"on": "2027-03-20"}
    typed = {**day, "systolic": "142", "diastolic": "88", "pulse": "", "at": "11:05"}
    page = act(dosed, path, {**typed})
    assert "Saved: 142 over 88." in page.text
    assert page.path == path
    assert (value(page, "systolic"), value(page, "on")) == ("", "2027-03-20")
    page = act(dosed, path, {**typed, "systolic": "184", "at": "11:20"})
    assert "That is very high." in page.text
    page = act(dosed, path, {**typed, "systolic": "88"})
    assert page.status == 400
    assert "The lower number must be below the upper one." in page.text
    page = act(dosed, f"{path}/2/withdraw", {"reason": "typed wrongly"})
    assert "1 blood pressure reading, highest 142 over 88" in page.text


def test_a_retreats_events_are_a_table_and_a_file(dosed: Browser) -> None:
    assert "No event is on record." in dosed.get("/staff/retreats/1/events").text
    term = "<script>alert(1)</script>" + "x" * 170
    act(dosed, f"{ONE}/event", {**EVENT, "term": term, "note": "=1+1", "grade": "4"})
    page = dosed.get("/staff/retreats/1/events")
    assert term in page.text
    assert "1 on record, 1 serious" in page.text
    answer = dosed.client.get("/staff/retreats/1/events.csv", base_url=dosed.base_url)
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "'=1+1" in answer.text
    assert "S-01" in dosed.get("/staff/retreats/1/day").text


@pytest.mark.parametrize("page", ["event/9", "pressure/9/withdraw"])
def test_what_is_not_there_is_not_found(dosed: Browser, page: str) -> None:
    assert dosed.get(f"{ONE}/{page}").status == 404
