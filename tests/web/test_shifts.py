"""What many people share of a moved day stands once; what is special stands beside each."""

from __future__ import annotations

from .conftest import Browser, Page
from .test_staff import act, filled, move, staff

__all__ = ["filled", "staff"]
RETREAT = "/staff/retreats/1/dosing-day"


def tables(page: Page, name: str) -> list[str]:
    """The names of the tables that are not folded away, and those that are."""
    return [e.get("aria-label") for e in page.all("div") if name in (e.get("aria-label") or "")]


def lines(page: Page) -> list[str]:
    """What the line of each person says."""
    return [" ".join("".join(e.itertext()).split()) for e in page.all("summary")]


def add(browser: Browser, *people: str) -> None:
    rows = "\n".join(
        f"{code}, {code}@example.org, en, {zone}" for code, zone in map(str.split, people)
    )
    act(browser, "/staff/retreats/1/people", {"do": "add", "rows": rows})


def test_what_all_share_stands_once(filled: Browser) -> None:
    add(filled, "S-02 Europe/Amsterdam", "S-03 America/New_York")
    page = act(filled, RETREAT, {"dosing_date": "2027-04-27", "reason": "storm"})
    assert tables(page, "Windows of") == [
        f"Windows of {who}" for who in ("all", "S-01", "S-02", "S-03")
    ]
    assert page.text.count("The same for all 3 people.") == 2
    assert "Their day is now Tue 20 Apr 2027." in page.text
    assert lines(page) == ["S-01 as above", "S-02 as above", "S-03 as above"]


def test_what_is_special_is_named(filled: Browser) -> None:
    add(filled, "S-02 Europe/Amsterdam", "S-03 Europe/Amsterdam", "S-04 Europe/Amsterdam")
    move(filled, "/staff/people/S-02/1/dosing-day", "2027-05-04")
    consent = {"given_on": "2027-03-27", "scope": "answers and messages"}
    act(filled, "/staff/people/S-03/1/consent", {**consent})
    page = act(filled, RETREAT, {"dosing_date": "2027-04-27", "reason": "storm"})
    assert "Their day is now Tue 20 Apr 2027, unless the line says another." in page.text
    assert "The same for 3 of 4 people." in page.text
    assert "The same for 2 of 4 people." in page.text
    assert lines(page)[0] == "S-01 as above"
    assert lines(page)[1].startswith("S-02: day now Tue 4 May 2027, other windows")
    assert lines(page)[2:] == ["S-03: other messages", "S-04 as above"]


def test_where_all_differ_each_has_their_own(filled: Browser) -> None:
    add(filled, "S-02 Europe/Amsterdam")
    move(filled, "/staff/people/S-02/1/dosing-day", "2027-05-04")
    page = act(filled, RETREAT, {"dosing_date": "2027-04-27", "reason": "storm"})
    assert tables(page, "Windows of") == ["Windows of S-01", "Windows of S-02"]
    assert lines(page) == ["S-01: day now Tue 20 Apr 2027", "S-02: day now Tue 4 May 2027"]


def test_a_check_in_that_would_have_closed_is_named(filled: Browser) -> None:
    add(filled, "S-02 Europe/Amsterdam")
    page = act(filled, RETREAT, {"dosing_date": "2027-03-28", "reason": "storm"})
    assert "Check-ins that could not be answered any more" in page.text
    assert "S-01 : Before the retreat" in page.text
    assert lines(page) == ["S-01: a check-in closed", "S-02: a check-in closed"]
