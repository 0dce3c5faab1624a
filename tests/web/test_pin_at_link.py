"""A PIN at the link: asked of people who share an address, before anything of theirs is shown."""

from __future__ import annotations

import pytest

from surveyapp.services import people, pins
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from tests.web.conftest import DAY_8, Browser
from tests.world import add_course

BY = {"actor": "staff:1", "now": DAY_8}


@pytest.fixture
def token(sqlite_site: Site) -> str:
    """P-01, whose address a second person was then given as well."""
    course = add_course(sqlite_site, confirmed=True, address="home@example.org")
    people.add_person(sqlite_site, 1, NewPerson("P-02", "Home@example.org"), **BY)
    with sqlite_site.database.write() as session:
        return ensure_link(session, sqlite_site.link_key, course, "day-8")


def start(browser: Browser, token: str, pin: str):
    return browser.post(f"/s/{token}", {"notice": "0", "pin": pin})


def test_both_who_share_an_address_are_asked(browser: Browser, sqlite_site: Site, token: str):
    assert "Your 6-digit PIN" in browser.get(f"/s/{token}").text
    digits = pins.show_pin(sqlite_site, "P-01", **BY)
    assert digits != pins.show_pin(sqlite_site, "P-02", **BY)
    page = start(browser, token, f"{digits[:3]} {digits[3:]}")
    assert page.path.endswith("/hads")


@pytest.mark.parametrize("typed", ["", "000000", "12345", "abcdef", "1" * 400])
def test_a_wrong_one_shows_nothing_and_says_so(browser: Browser, token: str, typed: str):
    page = start(browser, token, typed)
    assert page.status == 403
    assert "That PIN is not right." in page.text
    assert [e for e in page.all("fieldset")] == []


def test_after_five_wrong_ones_even_the_right_one_waits(
    browser: Browser, sqlite_site: Site, token: str
):
    digits = pins.show_pin(sqlite_site, "P-01", **BY)
    for _ in range(5):
        start(browser, token, "000001")
    page = start(browser, token, digits)
    assert page.status == 429
    assert "Please wait 1 minute" in page.text
    assert start(browser, "unknown", digits).status == 404
