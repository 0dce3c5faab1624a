"""The calendar file: a person's windows, and nothing that tells of anything."""

from __future__ import annotations

from datetime import date

import pytest
from icalendar import Calendar

from surveyapp.services import dosing, reaching, stopping
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.store.links import ensure_link
from tests.world import add_course

from .conftest import DAY_8, Browser


@pytest.fixture
def token(sqlite_site: Site) -> str:
    course = add_course(sqlite_site, confirmed=True)
    with sqlite_site.database.write() as session:
        return ensure_link(session, sqlite_site.link_key, course, "day-8")


def fetch(browser: Browser, token: str) -> tuple[str, list[dict[str, object]]]:
    """The file as text, and its entries."""
    answer = browser.client.get(f"/s/{token}/calendar.ics", base_url=browser.base_url)
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    entries = Calendar.from_ical(answer.data).walk("VEVENT")
    names = ("uid", "summary", "dtstart", "dtend", "status")
    return answer.text, [{n: getattr(e[n], "dt", str(e[n])) for n in names} for e in entries]


def test_windows_still_ahead_are_all_day_entries(browser: Browser, token: str) -> None:
    text, entries = fetch(browser, token)
    told = [(e["summary"], e["dtstart"], e["dtend"], e["status"]) for e in entries]
    assert told == [
        ("Check-in", date(2027, 3, 28), date(2027, 4, 4), "CONFIRMED"),
        ("Check-in", date(2027, 8, 28), date(2027, 9, 19), "CONFIRMED"),
    ]
    assert len({str(e["uid"]) for e in entries}) == 2
    for word in (token, "retreat", "Spring", "hads", "P-01", "psilo", "dosing"):
        assert word.lower() not in text.lower()
    assert all(line.endswith("\r") for line in text.split("\n")[:-1])


def test_a_moved_day_replaces_the_entries(browser: Browser, sqlite_site: Site, token: str) -> None:
    _, before = fetch(browser, token)
    on = date(2027, 3, 22)
    dosing.set_dosing_day(sqlite_site, "P-01", 1, on, actor="staff:1", now=DAY_8)
    _, after = fetch(browser, token)
    assert [e["uid"] for e in after] == [e["uid"] for e in before]
    assert after[0]["dtstart"] == date(2027, 3, 30)
    assert {e["status"] for e in after} == {"TENTATIVE"}


def test_it_speaks_the_persons_language_and_names_nothing_after_leaving(
    browser: Browser, sqlite_site: Site, token: str
) -> None:
    by = {"actor": "staff:1", "now": DAY_8}
    reaching.set_language_and_zone(sqlite_site, "P-01", "nl", "Europe/Amsterdam", **by)
    assert fetch(browser, token)[1][0]["summary"] == "Vragenlijst"
    stopping.record_stop(sqlite_site, "P-01", 1, NewStop("died"), **by)
    assert fetch(browser, token)[1] == []


def test_the_start_page_offers_it_and_an_unknown_link_has_none(
    browser: Browser, token: str
) -> None:
    page = browser.get(f"/s/{token}")
    assert f"/s/{token}/calendar.ics" in {a.get("href") for a in page.all("a")}
    assert browser.get("/s/nobody/calendar.ics").status == 404
