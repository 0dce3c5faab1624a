"""The staff pages as a person uses them, without script: empty, filled in, and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyapp.services import accounts
from surveyapp.services.exchange import importing
from surveyapp.services.site import Site

from .conftest import DAY_8, Browser, Page

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
EMAIL, PASSWORD = "ada@example.org", "a long enough one"
RETREAT = {
    "name": "Spring 2027",
    "protocol": "second-retreat",
    "time_zone": "Europe/Amsterdam",
    "dosing_date": "2027-04-20",
}
DOSE = {"kind": "first", "status": "given", "mg": "25", "at": "00:00"}


def act(browser: Browser, path: str, data: dict[str, object] | None = None) -> Page:
    """Open a form page, fill it in, send it."""
    page = browser.get(path)
    assert page.status == 200
    token = page.attribute("input", "value", name="csrf_token")
    return browser.post(path, {"csrf_token": token, **(data or {})})


def move(browser: Browser, path: str, on: str, reason: str = "the venue closed") -> Page:
    """Move a day: see what would change, then do it."""
    seen = act(browser, path, {"dosing_date": on, "reason": reason})
    assert seen.status == 200
    fields = {name: seen.attribute("input", "value", name=name) for name in ("csrf_token", "seen")}
    return browser.post(path, {**fields, "dosing_date": on, "reason": reason})


@pytest.fixture
def staff(browser: Browser, sqlite_site: Site) -> Browser:
    token = accounts.ensure_first_account(sqlite_site, EMAIL, DAY_8).token
    accounts.accept_invite(sqlite_site, token, PASSWORD, DAY_8)
    browser.client.environ_base["HTTP_REFERER"] = f"{browser.base_url}/staff/"
    act(browser, "/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
    return browser


@pytest.fixture
def filled(staff: Browser) -> Browser:
    """A retreat with one person."""
    act(staff, "/staff/retreats/new", dict(RETREAT))
    person = {"do": "one", "code": "S-01", "email": "s01@example.org"}
    act(staff, "/staff/retreats/1/people", {**person})
    return staff


def value(page: Page, name: str) -> str:
    return page.attribute("input", "value", name=name)


def test_empty_pages_say_what_to_do(staff: Browser) -> None:
    for path in ("/staff/", "/staff/retreats", "/staff/people", "/staff/study"):
        assert "There is" in staff.get(path).text
    assert "No study code contains" in staff.get("/staff/people?q=<script>").text


def test_the_whole_story_of_one_person(filled: Browser) -> None:
    one = "/staff/people/S-01/1"
    page = filled.get("/staff/people?q=s-01")
    assert page.heading == "S-01"
    assert "Nothing is sent without it." in page.text
    consent = {"given_on": "2027-03-27", "scope": "answers and messages"}
    assert "given Sat 27 Mar 2027" in act(filled, f"{one}/consent", {**consent}).text
    page = move(filled, f"{one}/dosing-day", "2027-03-19")
    assert "The dosing day of S-01 is Fri 19 Mar 2027." in page.text
    assert "Held the dosing day is not confirmed" in page.text
    dose = {"kind": "first", "status": "given", "mg": "25", "on": "2027-03-19", "at": "09:30"}
    page = act(filled, f"{one}/dose", {**dose})
    assert "Fri 19 Mar 2027, confirmed" in page.text
    assert "25 mg · Fri 19 Mar 2027, 09:30" in page.text
    booster = {"kind": "booster", "status": "not eligible", "reason": "blood pressure"}
    assert "not eligible (blood pressure)" in act(filled, f"{one}/dose", {**booster}).text
    page = act(filled, f"{one}/clear/week-24")
    assert "S-01 is confirmed for Week 24." in page.text
    contact = {"email": "new@example.org", "channels": "email"}
    page = act(filled, "/staff/people/S-01/contact", {**contact})
    assert "n…@example.org" in page.text


def test_acts_on_a_whole_retreat(filled: Browser) -> None:
    lines = "S-02, s02@example.org\nS-03, s03@example.org, en, Europe/Lisbon"
    page = act(filled, "/staff/retreats/1/people", {"do": "check", "rows": lines})
    assert "Add 2 people" in page.text
    assert "S-02" not in filled.get("/staff/people").text
    page = act(filled, "/staff/retreats/1/people", {"do": "add", "rows": lines})
    assert "2 people added to Spring 2027." in page.text
    page = move(filled, "/staff/retreats/1/dosing-day", "2027-03-20")
    assert "It changed for 3 people." in page.text
    assert "Releases 18 messages" in filled.get("/staff/retreats/1/confirm").text
    page = act(filled, "/staff/retreats/1/confirm")
    assert "The dosing day is confirmed for 3 people." in page.text
    doses = {"codes": ["S-02", "S-03"], "mg": "12,5", "on": "2027-03-20", "at": "09:00"}
    page = act(filled, "/staff/retreats/1/doses", {**doses})
    assert "The dose is recorded for 2 people." in page.text
    assert "12.5 mg" in page.text


def test_stopping_pausing_and_quiet_hours(filled: Browser) -> None:
    one = "/staff/people/S-01/1"
    consent = {"given_on": "2027-03-27", "scope": "answers and messages"}
    act(filled, f"{one}/consent", {**consent})
    assert "cannot be called back" in filled.get(f"{one}/stop").text
    page = act(filled, f"{one}/stop", {"kind": "paused", "until": "2027-04-05"})
    assert "On record for S-01: paused until Mon 5 Apr 2027." in page.text
    assert "messages again from Mon 5 Apr 2027" in page.text
    page = act(filled, f"{one}/stop", {"kind": "died", "since": "2027-03-26", "reason": "call"})
    assert "Not expected" in page.text
    assert "Skipped the person died" in page.text
    page = act(filled, f"{one}/stop/2/undo", {"reason": "another person was meant"})
    assert "Undone for S-01: died." in page.text
    assert filled.get(f"{one}/stop/2/undo").status == 404
    hours = {"start": "18:00", "end": "10:30"}
    page = act(filled, "/staff/people/S-01/quiet-hours", {**hours})
    assert "18:00 to 10:30" in page.text
    assert value(filled.get("/staff/people/S-01/quiet-hours"), "end") == "10:30"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("dosing_date", "20/04/2027", "Write the date as year-month-day"),
        ("dosing_date", "2027-02-30", "Write the date as year-month-day"),
        ("dosing_date", "2020-04-20", "every window would lie in the past"),
        ("dosing_date", "0001-01-01", "Check the year: 0001 is far from today."),
        ("dosing_date", "9999-12-31", "Check the year: 9999 is far from today."),
        ("name", "spring 2027", "There is already a retreat called spring 2027"),
        ("time_zone", "Amsterdam", "Write a time zone as region and place"),
    ],
)
def test_wrong_retreat_comes_back_as_typed(
    filled: Browser, field: str, typed: str, sentence: str
) -> None:
    page = act(filled, "/staff/retreats/new", {**RETREAT, "name": "Other", field: typed})
    assert page.status == 400
    assert sentence in page.text
    assert value(page, field) == typed
    assert page.attribute("input", "aria-invalid", name=field) == "true"
    assert [r.text for r in filled.get("/staff/retreats").all("a") if r.text == "Other"] == []


@pytest.mark.parametrize(
    ("path", "data", "sentence"),
    [
        ("people/S-01/1/consent", {"given_on": "27 March"}, "Write the date as year-month-day"),
        ("people/S-01/1/consent", {"given_on": "", "scope": "all"}, "Choose one."),
        ("people/S-01/1/dosing-day", {"dosing_date": ""}, "Write the dosing day."),
        ("people/S-01/1/consent", {"given_on": "0001-01-01"}, "Check the year: 0001 is far"),
        ("people/S-01/1/dosing-day", {"dosing_date": "0001-01-15"}, "Check the year: 0001 is"),
        ("retreats/1/dosing-day", {"dosing_date": "9990-04-20"}, "Check the year: 9990 is far"),
        ("people/S-01/1/dose", {**DOSE, "on": "0001-01-01"}, "Check the year: 0001 is far from"),
        ("people/S-01/1/stop", {"kind": "died", "since": "0001-01-01"}, "Check the year: 0001"),
        ("people/S-01/1/dose", {"kind": "first", "status": "given", "mg": "much"}, "a number"),
        ("people/S-01/1/dose", {"kind": "first", "status": "given", "at": "9 h"}, "as hours and"),
        ("people/S-01/contact", {"email": "nobody"}, "not an e-mail address"),
        ("people/S-01/1/stop", {"kind": "paused", "until": ""}, "Write the day on which"),
        ("people/S-01/1/stop", {"kind": "left the study"}, "Say why, in a few words."),
        ("people/S-01/1/stop", {"kind": "died", "since": "2031-01-01"}, "has not come yet"),
        ("people/S-01/quiet-hours", {"start": "08:00", "end": "19:45"}, "Leave at least an hour"),
        ("people/S-01/quiet-hours", {"start": "9 h"}, "as hours and minutes"),
        ("retreats/1/people", {"do": "one", "code": "S-01"}, "already in Spring 2027"),
        ("retreats/1/people", {"do": "check", "rows": "S-02, wrong"}, "Line 1:"),
        ("retreats/1/doses", {"codes": ["S-99"], "mg": "25"}, "not"),
        ("study/1", {"phone": "1" * 201}, "at most 200 characters"),
    ],
)
def test_wrong_input_comes_back_with_a_sentence(
    filled: Browser, path: str, data: dict[str, object], sentence: str
) -> None:
    page = act(filled, f"/staff/{path}", data)
    assert page.status == 400
    assert sentence in page.text
    typed = [str(v) for k, v in data.items() if k not in ("do", "scope", "codes", "kind", "status")]
    shown = page.response.get_data(as_text=True)
    assert all(text in shown for text in typed)


def test_every_act_refuses_a_post_without_token(filled: Browser) -> None:
    for path in ("retreats/1/confirm", "people/S-01/1/confirm", "people/S-01/1/clear/week-24"):
        page = filled.post(f"/staff/{path}", {})
        assert page.status == 400
        assert "Press the button once more." in page.text
    page = filled.post("/staff/retreats/new", {**RETREAT, "name": "Kept"})
    assert (page.status, value(page, "name")) == (400, "Kept")
    assert "planned: later prompts are held" in filled.get("/staff/people/S-01").text


def test_post_from_another_site_is_refused_even_with_a_token(filled: Browser) -> None:
    token = value(filled.get("/staff/retreats/new"), "csrf_token")
    for referrer in ("", "https://evil.example/"):
        filled.client.environ_base["HTTP_REFERER"] = referrer
        page = filled.post("/staff/retreats/1/confirm", {"csrf_token": token})
        assert page.status == 400
        assert filled.post("/staff/people/S-99/contact", {"csrf_token": token}).status == 404
    assert "planned: later prompts are held" in filled.get("/staff/people/S-01").text


def test_what_is_not_there_is_said_kindly(filled: Browser) -> None:
    for path in (
        "people/S-99",
        "retreats/9",
        "study/9",
        "people/S-01/2/dose",
        "retreats/9/report.pdf",
    ):
        assert filled.get(f"/staff/{path}").status == 404
    token = value(filled.get("/staff/retreats/new"), "csrf_token")
    page = filled.post("/staff/people/S-01/1/clear/day-8", {"csrf_token": token})
    assert page.status == 409
    assert "needs no confirmation" in page.text


def test_settings_are_saved_and_practice_is_marked(filled: Browser) -> None:
    assert "cannot be told" in filled.get("/staff/").text
    fields = ("emergency", "crisis_line", "phone", "hours", "readers", "read_when")
    page = act(filled, "/staff/study/1", {name: f"my {name}" for name in fields})
    assert value(page, "crisis_line") == "my crisis_line"
    assert "cannot be told" not in filled.get("/staff/").text
    for path in ("", "retreats", "retreats/1", "people", "people/S-01", "people/S-01/1/dose"):
        assert "Practice · Invented" in filled.get(f"/staff/{path}").text


def test_pages_and_papers_of_the_cohort(staff: Browser, sqlite_site: Site) -> None:
    importing.import_folder(sqlite_site, COHORT, DAY_8)
    person = staff.get("/staff/people/R2-05")
    assert "Anxiety and depression" in person.text
    assert "may be within error" in person.text
    assert "Placeholder. Not the HADS" in person.text
    assert len(person.all("{http://www.w3.org/2000/svg}svg")) > 2
    for path, name in (
        ("people/R2-05/report.pdf", "r2-05.pdf"),
        ("retreats/1/report.pdf", "retreat-spring-2025.pdf"),
    ):
        answer = staff.client.get(f"/staff/{path}", base_url=staff.base_url)
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        assert answer.data.startswith(b"%PDF-")
        assert name in answer.headers["Content-Disposition"]
        assert answer.headers["Cache-Control"] == "no-store"
    sqlite_site.renderer.close()
