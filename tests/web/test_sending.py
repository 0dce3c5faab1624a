"""Staff see that prompts are not being sent, hold all messages, and let them go again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from surveyapp.services import accounts, instance
from surveyapp.services.health import beat
from surveyapp.services.site import Site

from .conftest import DAY_8, Browser
from .test_staff import EMAIL, PASSWORD, act


@pytest.fixture
def staff(browser: Browser, sqlite_site: Site) -> Browser:
    token = accounts.ensure_first_account(sqlite_site, EMAIL, DAY_8).token
    accounts.accept_invite(sqlite_site, token, PASSWORD, DAY_8)
    browser.client.environ_base["HTTP_REFERER"] = f"{browser.base_url}/staff/"
    act(browser, "/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
    return browser


PAGES = ("/staff/", "/staff/people", "/staff/retreats", "/staff/study")
ALARM = "Prompts are not being sent"


def test_every_page_says_within_five_minutes_that_the_worker_died(
    staff: Browser, sqlite_site: Site
) -> None:
    beat(sqlite_site, "w", DAY_8)
    assert not any(ALARM in staff.get(path).text for path in PAGES)
    staff.clock.now = DAY_8 + timedelta(minutes=5)
    for path in PAGES:
        assert f"{ALARM} · no worker since Sun 28 Mar 2027, 09:00 UTC" in staff.get(path).text


def test_a_heartbeat_from_the_future_is_no_sign_of_life(staff: Browser, sqlite_site: Site) -> None:
    beat(sqlite_site, "w", DAY_8 + timedelta(days=365))
    assert ALARM in staff.get("/staff/").text


def test_staff_hold_all_messages_and_let_them_go(staff: Browser, sqlite_site: Site) -> None:
    beat(sqlite_site, "w", DAY_8)
    page = act(staff, "/staff/sending", {"meant": "hold", "reason": ""})
    assert page.status == 400
    assert "Say why, in a few words." in page.text
    page = act(
        staff, "/staff/sending", {"meant": "hold", "reason": "wrong dates in the spring retreat"}
    )
    assert "All messages are held." in page.text
    held = "they are held, because wrong dates in the spring retreat"
    assert f"{ALARM} · {held}" in staff.get("/staff/people").text
    page = staff.get("/staff/sending")
    assert page.heading == "Let messages go again"
    assert "0 courses have something that is due by now." in page.text
    page = act(
        staff, "/staff/sending", {"meant": "resume", "what": "skip", "reason": "dates are right"}
    )
    assert "Messages go out again. What was due by now was left out." in page.text
    assert ALARM not in staff.get("/staff/").text


@pytest.mark.parametrize("before", ["held", "going"])
def test_a_page_that_was_kept_open_does_not_do_the_opposite(
    staff: Browser, sqlite_site: Site, before: str
) -> None:
    """Two people press the same button, or one of them presses it twice."""
    held = {"meant": "hold", "reason": "wrong dates"}
    going = {"meant": "resume", "what": "send", "reason": "dates are right"}
    act(staff, "/staff/sending", held)
    if before == "going":
        act(staff, "/staff/sending", going)
    page = act(staff, "/staff/sending", held if before == "held" else going)
    assert "already, so nothing was changed." in page.text
    assert (instance.held(sqlite_site) is not None) == (before == "held")
