"""The hand-over screen without script: code and PIN, and nothing left for the next person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from surveyapp.services import accounts, pins
from surveyapp.services.site import Site
from tests.conftest import NOON
from tests.world import add_course

from .conftest import DAY_8, Browser, Clock, Page

EMAIL, PASSWORD = "ada@example.org", "a long enough one"
BY = {"actor": "staff:1", "now": NOON}


def act(browser: Browser, path: str, data: dict[str, object] | None = None) -> Page:
    token = browser.get(path).attribute("input", "value", name="csrf_token")
    return browser.post(path, {"csrf_token": token, **(data or {})})


@pytest.fixture
def tablet(browser: Browser, sqlite_site: Site) -> Browser:
    """Signed in, handed over, two people with PINs."""
    for code in ("P-01", "P-02"):
        add_course(sqlite_site, code, address=None, confirmed=True)
    token = accounts.ensure_first_account(sqlite_site, EMAIL, DAY_8).token
    accounts.accept_invite(sqlite_site, token, PASSWORD, DAY_8)
    browser.client.environ_base["HTTP_REFERER"] = f"{browser.base_url}/staff/"
    act(browser, "/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert "2 people got a PIN." in act(browser, "/staff/retreats/1/pins").text
    assert act(browser, "/staff/retreats/1/hand-over").path == "/h"
    return browser


def digits(site: Site, code: str) -> str:
    return pins.show_pin(site, code, **BY)


def go_in(browser: Browser, site: Site, code: str) -> Page:
    return browser.post("/h", {"code": code.lower(), "pin": digits(site, code)})


def begin(page: Page, browser: Browser) -> Page:
    notices = [e.get("value") for e in page.all("input") if e.get("name") == "notice"]
    return browser.post("/h/start", {"notice": notices[0]} if notices else {})


def test_staff_are_signed_out_here(tablet: Browser) -> None:
    assert tablet.get("/staff/").path == "/staff/sign-in"


def test_somebody_answers_hands_back_and_nothing_stays(tablet: Browser, sqlite_site: Site) -> None:
    page = go_in(tablet, sqlite_site, "P-01")
    assert page.path == "/h/start"
    assert "For study code P-01" in page.text
    assert "/s/" not in page.response.get_data(as_text=True)
    page = begin(page, tablet)
    path = page.path
    assert path.startswith("/q/")
    assert page.tree.find(".//body").get("data-handover") == "/h"
    assert tablet.post("/h/done").path == "/h"
    for gone in (path, "/h/start", path.rpartition("/")[0]):
        assert tablet.get(gone).path == "/h"


def test_wrong_and_unknown_say_the_same_and_stop_nobody_else(
    tablet: Browser, sqlite_site: Site
) -> None:
    wrong = "000001"
    one = tablet.post("/h", {"code": "P-01", "pin": wrong})
    unknown = tablet.post("/h", {"code": "P-77", "pin": wrong})
    assert one.status == unknown.status == 403
    assert one.text.replace("P-01", "") == unknown.text.replace("P-77", "")
    for _ in range(4):
        tablet.post("/h", {"code": "P-01", "pin": wrong})
    assert "Please wait 1 minute" in go_in(tablet, sqlite_site, "P-01").text
    assert go_in(tablet, sqlite_site, "P-02").path == "/h/start"


def test_after_twelve_hours_the_tablet_goes_back(
    tablet: Browser, sqlite_site: Site, clock: Clock
) -> None:
    clock.now += timedelta(hours=12)
    assert tablet.get("/h").heading == "Please hand this tablet back"
    assert go_in(tablet, sqlite_site, "P-01").heading == "Please hand this tablet back"


def test_a_forged_cookie_opens_nothing(browser: Browser) -> None:
    browser.client.set_cookie("handover", "eyJyZXRyZWF0IjoxfQ.forged")
    assert browser.get("/h").status == 403
