"""Programme, attendance, notes, intention and reasons for missing forms, without script."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from .conftest import Browser, Page
from .test_staff import act, value
from .test_staff import filled as filled
from .test_staff import staff as staff

ONE = "/staff/people/S-01/1"
RETREAT = "/staff/retreats/1"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def gathered(filled: Browser) -> Browser:
    """A retreat of one person, dosed on Sat 20 March 2027; it is Sun 28 March."""
    day = {"dosing_date": "2027-03-20", "reason": "the venue closed"}
    seen = act(filled, f"{RETREAT}/dosing-day", {**day})
    tokens = {name: value(seen, name) for name in ("csrf_token", "seen")}
    filled.post(f"{RETREAT}/dosing-day", {**tokens, **day})
    dose = {"kind": "first", "status": "given", "mg": "25", "on": "2027-03-20", "at": "10:00"}
    act(filled, f"{ONE}/dose", {**dose})
    return filled


def programme(page: Page) -> dict[str, str]:
    """What the form holds, as a browser would send it."""
    fields = [f for f in page.all("input") if f.get("type") in ("text", "hidden")]
    return {f.get("name"): f.get("value") or "" for f in fields if f.get("name")}


def place(page: Page, label: str) -> str:
    """The prefix of a session's fields."""
    legends = ["".join(e.itertext()) for e in page.all("legend")]
    return f"s{legends.index(label)}"


def test_the_protocol_proposes_days_and_staff_set_others(gathered: Browser) -> None:
    page = gathered.get(RETREAT)
    assert "Preparation 1 Sat 27 Feb 2027 as the protocol proposes" in page.text
    assert "Integration 1 Sun 21 Mar 2027" in page.text
    form = gathered.get(f"{RETREAT}/programme")
    second = place(form, "Integration 2")
    typed = programme(form) | {f"{second}_on": "2027-04-01", f"{second}_at": "19:30"}
    page = act(gathered, f"{RETREAT}/programme", typed)
    assert "The programme is saved: 1 session changed." in page.text
    assert "Integration 2 Thu 1 Apr 2027, 19:30" in page.text
    form = gathered.get(f"{RETREAT}/programme")
    second = place(form, "Integration 2")
    assert "The protocol proposes Tue 30 Mar 2027. Empty takes it." in form.text
    page = act(gathered, f"{RETREAT}/programme", programme(form) | {f"{second}_on": ""})
    assert "Integration 2 Tue 30 Mar 2027, 19:30 as the protocol proposes" in page.text


def test_a_session_is_added_or_not_held(gathered: Browser) -> None:
    new = {"label": SCRIPT, "kind": "integration", "on": "2027-05-30", "at": ""}
    page = act(
        gathered, f"{RETREAT}/programme", programme(gathered.get(f"{RETREAT}/programme")) | new
    )
    assert SCRIPT in page.text
    form = gathered.get(f"{RETREAT}/programme")
    typed = programme(form) | {f"{place(form, 'Preparation 2')}_dropped": "y"}
    page = act(gathered, f"{RETREAT}/programme", typed)
    assert "Preparation 2 not held" in page.text
    assert gathered.get(f"{RETREAT}/sessions/preparation-2").status == 409


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"label": "Extra"}, "Choose what kind of session it is."),
        ({"kind": "integration", "on": "2027-05-30"}, "Give it a name"),
        ({"label": "x" * 61, "kind": "integration", "on": "2027-05-30"}, "at most 60 characters"),
        ({"label": "Extra", "kind": "integration", "on": "1027-05-30"}, "Check the year"),
        ({"label": "Extra", "kind": "integration", "on": "May"}, "Write the date as"),
    ],
)
def test_a_wrong_session_keeps_what_was_typed(
    gathered: Browser, wrong: dict[str, str], said: str
) -> None:
    typed = programme(gathered.get(f"{RETREAT}/programme")) | wrong
    page = act(gathered, f"{RETREAT}/programme", typed)
    assert page.status == 400
    assert said in page.text
    if "label" in wrong:
        assert value(page, "label") == wrong["label"]
    assert "Extra" not in gathered.get(RETREAT).text


def test_who_changes_the_programme_second_sees_what_changed(gathered: Browser) -> None:
    form = gathered.get(f"{RETREAT}/programme")
    name = f"{place(form, 'Integration 4')}_at"
    act(gathered, f"{RETREAT}/programme", programme(form) | {name: "09:00"})
    page = act(gathered, f"{RETREAT}/programme", programme(form) | {name: "11:00"})
    assert page.status == 400
    assert "Integration 4: Sat 15 May 2027, 09:00 (you typed Sat 15 May 2027, 11:00)" in page.text
    assert value(page, name) == "11:00"
    page = act(gathered, f"{RETREAT}/programme", programme(page))
    assert "Integration 4 Sat 15 May 2027, 11:00" in page.text


def test_attendance_is_written_down_for_everybody(gathered: Browser) -> None:
    path = f"{RETREAT}/sessions/integration-1"
    page = gathered.get(path)
    typed = {"edition": value(page, "edition"), "p0_status": "absent", "p0_note": "had a fever"}
    page = act(gathered, path, {**typed, "do": "everybody"})
    assert "attendance is recorded" in page.text
    assert "1 not there" in page.text
    assert "0 of 1" in page.text
    person = gathered.get("/staff/people/S-01")
    assert "not there, “had a fever”" in person.text
    assert "0 of 1 attended" in person.text
    page = gathered.get(path)
    cleared = {"edition": value(page, "edition"), "p0_status": "", "p0_note": ""}
    act(gathered, path, cleared)
    assert "had a fever" not in gathered.get("/staff/people/S-01").text


def test_attendance_of_what_was_not_held_or_by_two(gathered: Browser) -> None:
    ahead = f"{RETREAT}/sessions/integration-4"
    typed = {"edition": "0", "p0_status": "attended", "p0_note": ""}
    page = act(gathered, ahead, typed)
    assert page.status == 400
    assert "this session has not been held" in page.text
    path = f"{RETREAT}/sessions/integration-1"
    act(gathered, path, typed)
    page = act(gathered, path, typed | {"p0_status": "absent"})
    assert page.status == 400
    assert "S-01: there (you typed not there)" in page.text
    page = act(gathered, path, typed | {"p0_status": "absent", "edition": value(page, "edition")})
    assert "1 not there" in page.text
    assert gathered.get(f"{RETREAT}/sessions/none").status == 404


def test_a_note_stands_in_the_timeline_until_it_is_withdrawn(gathered: Browser) -> None:
    page = act(gathered, f"{ONE}/note", {"on": "2027-03-21", "text": f"Slept well. {SCRIPT}"})
    assert f"Slept well. {SCRIPT}" in page.text
    assert act(gathered, f"{ONE}/note", {"on": "2027-03-29", "text": "x"}).status == 400
    page = act(gathered, f"{ONE}/note", {"on": "2027-03-21", "text": " "})
    assert "Write a note of at most 2000 characters." in page.text
    assert act(gathered, f"{ONE}/note/1/withdraw", {"reason": " "}).status == 400
    page = act(gathered, f"{ONE}/note/1/withdraw", {"reason": "about somebody else"})
    assert "Slept well" not in page.text
    assert gathered.get(f"{ONE}/note/1/withdraw").status == 404


def test_the_intention_is_in_the_persons_own_words(gathered: Browser) -> None:
    page = act(gathered, f"{ONE}/intention", {"text": "To be less afraid.", "edition": "0"})
    assert "“To be less afraid.”" in page.text
    page = act(gathered, f"{ONE}/intention", {"text": "To sleep.", "edition": "0"})
    assert page.status == 400
    assert "On record now: “To be less afraid.”" in page.text
    known = value(page, "edition")
    assert (
        "“To sleep.”"
        in act(gathered, f"{ONE}/intention", {"text": "To sleep.", "edition": known}).text
    )
    known = value(gathered.get(f"{ONE}/intention"), "edition")
    page = act(gathered, f"{ONE}/intention", {"text": "", "edition": known})
    assert "None written down" in page.text


def test_why_a_form_is_missing(gathered: Browser) -> None:
    assert gathered.get(f"{ONE}/missing/week-24").status == 409
    gathered.clock.now = datetime(2027, 4, 20, 9, tzinfo=UTC)
    page = gathered.get(RETREAT)
    assert "Say why" in page.text
    assert "0 of 1 asked" in page.text
    page = act(gathered, f"{ONE}/missing/day-8", {"edition": "0", "note": ""})
    assert page.status == 400
    page = act(
        gathered, f"{ONE}/missing/day-8", {"edition": "0", "reason": "too unwell", "note": "ward"}
    )
    assert "Day 8 of S-01: too unwell." in page.text
    assert "too unwell" in gathered.get(RETREAT).text
    page = act(gathered, f"{ONE}/missing/day-8", {"edition": "0", "reason": "declined", "note": ""})
    assert "On record now: too unwell (“ward”)" in page.text
