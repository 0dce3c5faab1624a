"""A sheet of paper typed in, without script: look, enter, and what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from surveyapp.services import second
from surveyapp.services.site import Site

from .conftest import Browser, Page
from .test_staff import act, value
from .test_staff import filled as filled
from .test_staff import staff as staff

PATH = "/staff/people/S-01/1/sheet/baseline/hads"
ANSWERS = {f"item-{n}": "1" for n in range(1, 15)}
TYPED = {"mode": "paper", "on": "2027-03-20", "at": "09:30", **ANSWERS}


@pytest.fixture
def due(filled: Browser) -> Browser:
    """The dosing day is Sun 4 April, so that the baseline is open on 28 March."""
    day = {"dosing_date": "2027-04-02", "reason": "the venue closed"}
    seen = act(filled, "/staff/people/S-01/1/dosing-day", {**day})
    told = {"csrf_token": value(seen, "csrf_token"), "seen": value(seen, "seen"), **day}
    filled.post("/staff/people/S-01/1/dosing-day", told)
    return filled


def enter(browser: Browser, seen: Page, typed: dict[str, Any]) -> Page:
    told = {"csrf_token": value(seen, "csrf_token"), "seen": value(seen, "seen")}
    return browser.post(seen.path, {**told, **typed})


def test_it_is_looked_at_and_then_entered(due: Browser) -> None:
    assert "HADS from paper or a call" in due.get("/staff/people/S-01").text
    seen = act(due, PATH, {**TYPED})
    assert "What it comes to" in seen.text
    assert "Anxiety 7" in seen.text
    page = enter(due, seen, TYPED)
    assert "HADS of S-01, Before the retreat, is entered." in page.text
    assert "HADS, 20 Mar 2027, paper" in page.text
    assert "HADS from paper or a call" not in page.text
    again = due.get(PATH)
    assert again.status == 409
    assert "is on record since Sat 20 Mar 2027, 09:30" in again.text


def test_what_was_changed_after_the_look_is_looked_at_again(due: Browser) -> None:
    seen = act(due, PATH, {**TYPED})
    page = enter(due, seen, {**TYPED, "item-1": "3"})
    assert "What it comes to" in page.text
    assert "is entered" not in page.text


def test_what_is_wrong_keeps_what_was_typed(due: Browser) -> None:
    page = act(due, PATH, {**TYPED, "on": "2027-04-20", "item-2": "9"})
    assert page.status == 400
    assert "This lies in the future" in page.text
    assert "Choose one of the answers on the sheet." in page.text
    assert value(page, "on") == "2027-04-20"
    chosen = [e for e in page.all("input") if e.get("name") == "item-3" and "checked" in e.attrib]
    assert [e.get("value") for e in chosen] == ["1"]


@pytest.mark.parametrize("wrong", ["--1", "9" * 5000, "<script>alert(1)</script>"])
def test_what_is_no_answer_is_refused_on_both_pages(due: Browser, wrong: str) -> None:
    page = act(due, PATH, {**TYPED, "item-1": wrong})
    assert page.status == 400
    enter(due, act(due, PATH, {**TYPED}), TYPED)
    sent = {**ANSWERS, "item-1": wrong, "reason": "typed wrongly", "edition": "0"}
    page = act(due, f"{PATH}/sent", sent)
    assert page.status == 400
    assert "Choose one of the answers on the sheet." in page.text


def test_a_sheet_that_was_sent_meanwhile_keeps_what_was_typed(due: Browser) -> None:
    mine = act(due, PATH, {**TYPED, "item-5": "3"})
    enter(due, act(due, PATH, {**TYPED}), TYPED)
    for typed in (TYPED, {**TYPED, "item-5": "3"}):
        page = enter(due, mine, typed)
        assert page.status == 409
        assert "is on record since Sat 20 Mar 2027, 09:30" in page.text
    chosen = [e for e in page.all("input") if e.get("name") == "item-5" and "checked" in e.attrib]
    assert [e.get("value") for e in chosen] == ["3"]


def test_a_sent_sheet_is_corrected_after_a_look(due: Browser) -> None:
    enter(due, act(due, PATH, {**TYPED}), TYPED)
    sent = f"{PATH}/sent"
    assert "from paper, typed in by ada@example.org" in due.get(sent).text
    opened = {**ANSWERS, "edition": "0"}
    wrong = act(due, sent, {**opened, "reason": "typed wrongly"})
    assert wrong.status == 400
    assert "Nothing differs from what is on record." in wrong.text
    typed = {**opened, "item-1": "3", "reason": "typed <b>wrongly</b>"}
    seen = act(due, sent, typed)
    assert "1 → 3" in seen.text
    assert "7 → 9" in seen.text
    page = enter(due, seen, typed)
    assert "1 answer of S-01 corrected." in page.text
    assert "corrected 28 Mar 2027" in page.text
    assert "typed <b>wrongly</b>" in due.get(sent).text


def test_a_page_opened_before_another_correction_puts_nothing_back(due: Browser) -> None:
    enter(due, act(due, PATH, {**TYPED}), TYPED)
    sent, opened = f"{PATH}/sent", {**ANSWERS, "edition": "0", "reason": "typed wrongly"}
    mine = {**opened, "item-2": "0"}
    looked = act(due, sent, mine)
    theirs = {**opened, "item-1": "3"}
    enter(due, act(due, sent, theirs), theirs)
    page = enter(due, looked, mine)
    assert page.status == 400
    assert "Somebody corrected this sheet since you opened it" in page.text
    shown = {
        e.get("name"): e.get("value")
        for e in page.all("input")
        if e.get("type") == "radio" and "checked" in e.attrib
    }
    assert (shown["item-1"], shown["item-2"], shown["item-3"]) == ("3", "0", "1")
    again = {**mine, **shown, "edition": value(page, "edition")}
    seen = enter(due, page, again)
    assert "3 → 1" not in seen.text.partition("Corrections")[0]
    assert "1 answer of S-01 corrected." in enter(due, seen, again).text


def test_a_second_entry_is_another_persons_and_is_compared(due: Browser, sqlite_site: Site) -> None:
    enter(due, act(due, PATH, {**TYPED}), TYPED)
    assert "Type it in a second time" in due.get(f"{PATH}/sent").text
    own = due.get(f"{PATH}/second")
    assert own.status == 409
    assert "You typed this sheet in yourself." in own.text
    typed = dict.fromkeys((f"{n}" for n in range(1, 15)), 1) | {"2": 3}
    by: dict[str, Any] = {"actor": "staff:2", "now": due.clock.now}
    where = ("S-01", 1, "baseline", "hads")
    second.enter_second(sqlite_site, *where, {**typed}, **by)
    page = due.get(f"{PATH}/sent")
    assert "It differs from what is on record in 1 of 14 items." in page.text
