"""Sessions: they stand in the database, end by themselves, and are ended one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from surveyapp.services.site import Site
from surveyapp.store.tables_signin import StaffSession
from surveyapp.web.origin import agent_of, network_of

from .conftest import Browser
from .doors import (
    FIREFOX,
    PASSWORD,
    SAFARI,
    Doors,
    act,
    cookie,
    is_in,
    put_cookie,
    sign_in,
    token_of,
)

PLACE = "/staff/account"


@pytest.fixture
def doors(sqlite_site: Site) -> Doors:
    return Doors(sqlite_site)


def copied(doors: Doors, browser: Browser) -> Browser:
    """Another browser with the same cookie."""
    other = doors.browser()
    put_cookie(other, cookie(browser))
    return other


def test_a_session_lasts_twelve_hours_while_it_is_used(doors: Doors) -> None:
    browser = doors.enter()
    for _ in range(12):
        doors.wall.now += timedelta(minutes=59)
        assert is_in(browser)
    doors.wall.now += timedelta(minutes=12)
    assert not is_in(browser)


def test_an_hour_without_use_ends_it(doors: Doors) -> None:
    browser = doors.enter()
    doors.wall.now += timedelta(minutes=61)
    assert not is_in(browser)


def test_a_look_is_written_down_every_few_minutes_at_most(doors: Doors) -> None:
    browser = doors.enter()
    began = doors.wall()

    def seen() -> timedelta:
        with doors.site.database.read() as session:
            return session.scalars(select(StaffSession.seen_at)).one() - began

    for minutes, wanted in ((2, 0), (4, 0), (6, 6), (8, 6)):
        doors.wall.now = began + timedelta(minutes=minutes)
        browser.get("/staff/system")
        assert seen() == timedelta(minutes=wanted)


def test_every_sign_in_has_an_id_of_its_own(doors: Doors) -> None:
    browser = doors.enter()
    first = cookie(browser)
    act(browser, "/staff/account", end="others")
    token = browser.get("/staff/").attribute("input", "value", name="csrf_token")
    browser.post("/staff/sign-out", {"csrf_token": token})
    sign_in(browser)
    assert cookie(browser) != first
    put_cookie(browser, first)
    assert not is_in(browser)


def test_a_copied_cookie_is_worthless_after_signing_out(doors: Doors) -> None:
    browser = doors.enter()
    copy = copied(doors, browser)
    assert is_in(copy)
    browser.post("/staff/sign-out", {"csrf_token": token_of(browser, PLACE)})
    assert not is_in(copy)


def test_sessions_are_listed_and_ended(doors: Doors) -> None:
    desk = doors.enter()
    phone = doors.enter(doors.browser("2001:db8:1:2::3", SAFARI))
    page = desk.get(PLACE)
    assert "Firefox on Linux this one" in page.text
    assert "Safari on iPhone" in page.text
    assert "2001:db8:1::/48" in page.text
    copy = copied(doors, phone)
    handle = page.attribute("button", "value", name="end")
    assert "That sign-in has ended." in act(desk, PLACE, end=handle).text
    assert not is_in(phone)
    assert not is_in(copy)
    assert is_in(desk)
    assert "has ended already" in act(desk, PLACE, end=handle).text
    tablet = doors.enter(doors.browser())
    assert "1 other sign-in ended." in act(desk, PLACE, end="others").text
    assert not is_in(tablet)
    assert is_in(desk)


def test_a_new_password_ends_the_other_sessions(doors: Doors) -> None:
    desk, phone = doors.enter(), doors.enter(doors.browser("198.51.100.1", SAFARI))
    new = "another long enough one"
    path = f"{PLACE}/password"
    page = act(desk, path, old="not the old one", password=new, again=new)
    assert "This is not your password." in page.text
    page = act(desk, path, old=PASSWORD, password=new, again=new)
    assert "Your password is changed." in page.text
    assert is_in(desk)
    assert not is_in(phone)
    assert sign_in(phone).status == 400
    assert sign_in(phone, password=new).heading == "Today"


def test_a_database_that_is_away_is_told_and_ends_no_session(doors: Doors) -> None:
    browser = doors.enter()
    for one, other in (("staff_session", "away"), ("away", "staff_session")):
        with doors.site.database.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {one} RENAME TO {other}"))
        if other == "away":
            page = browser.get("/staff/")
            assert page.status == 503
            assert "not available just now" in page.text
    assert is_in(browser)


def test_no_whole_address_is_kept(doors: Doors) -> None:
    doors.enter(doors.browser("203.0.113.77"))
    with doors.site.database.read() as session:
        row = session.scalars(select(StaffSession)).one()
    assert "203.0.113.77" not in repr(row)
    assert (row.network, row.agent) == ("203.0.113.0/24", "Firefox on Linux")


def test_what_was_typed_is_shown_again_after_signing_in_again(doors: Doors) -> None:
    browser = doors.enter()
    form = {
        "csrf_token": token_of(browser, "/staff/retreats/new"),
        "name": "Autumn <2027>",
        "protocol": "second-retreat",
        "time_zone": "Europe/Amsterdam",
    }
    doors.wall.now += timedelta(hours=2)
    page = browser.post("/staff/retreats/new", form)
    assert page.heading == "Sign in"
    assert "what you typed is kept" in page.text
    kept = page.attribute("input", "value", name="carried")
    assert "Autumn" not in kept
    page = act(browser, "/staff/sign-in", email="ada@example.org", password=PASSWORD, carried=kept)
    assert page.heading == "Go on"
    fields = {e.get("name"): e.get("value") for e in page.all("input") if e.get("name") != "q"}
    del fields["csrf_token"]
    path = next(e.get("action") for e in page.all("form") if "new" in (e.get("action") or ""))
    page = browser.post(path, fields)
    assert page.attribute("input", "value", name="name") == "Autumn <2027>"
    assert "There is no retreat yet" in browser.get("/staff/retreats").text


def test_nothing_is_carried_from_other_sites_or_to_other_people(doors: Doors) -> None:
    stranger = doors.browser()
    form = {"name": "X", "csrf_token": "made up"}
    page = stranger.post("/staff/retreats/new", form)
    assert page.attribute("input", "value", name="carried") == ""
    page = act(stranger, "/staff/sign-in", email="ada@example.org", password=PASSWORD, carried="x")
    assert page.heading == "Today"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
    ],
)
def test_agents(named: str, words: str) -> None:
    assert agent_of(named) == words
