"""A tablet goes from hand to hand: each answers and gives it back; Back reaches nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from surveyapp.services import accounts, pins
from surveyapp.store.tables import Retreat
from tests.browser.conftest import DAY_8, Phone, Server
from tests.browser.hands import (
    answer_all,
    expect_nothing_on_phone,
    number,
    tap,
)
from tests.browser.test_everyone import faults

PASSWORD = "a long enough sentence"
TABLET = (768, 1024)
Pin = Callable[[str], str]


@pytest.fixture
def pin(server: Server) -> Pin:
    for code in ("P-01", "P-02"):
        server.link(code=code)
    with server.site.database.read() as session:
        retreat = session.scalars(select(Retreat.id)).one()
    pins.give_everybody(server.site, retreat, actor="staff:1", now=DAY_8)
    return lambda code: pins.show_pin(server.site, code, actor="staff:1", now=DAY_8)


@pytest.fixture
def tablet(server: Server, phone: Phone, pin: Pin) -> Page:
    """Staff sign in on it and hand it over."""
    token = accounts.ensure_first_account(server.site, "s@example.org", DAY_8).token
    accounts.accept_invite(server.site, token, PASSWORD, DAY_8)
    page = phone(TABLET)
    page.goto(f"{server.url}/staff/sign-in")
    page.get_by_label("E-mail").fill("s@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{server.url}/staff/retreats/1/hand-over")
    page.get_by_role("button", name="Use this tablet").click()
    expect(page.get_by_label("Study code")).to_be_visible()
    return page


def go_in(page: Page, code: str, digits: str) -> None:
    page.get_by_label("Study code").fill(code)
    page.get_by_label("Your 6-digit PIN").fill(digits)
    page.get_by_role("button", name="Go on").click()


def begin(page: Page, code: str, digits: str) -> None:
    go_in(page, code, digits)
    page.get_by_role("button", name="I have read this.").click()
    expect(page.locator("fieldset:visible")).to_have_count(1)


def back_reaches_nothing(page: Page) -> None:
    for _ in range(6):
        page.go_back()
        expect(page.locator("fieldset:visible, .list:visible")).to_have_count(0)
        if page.url == "about:blank":
            break
        expect(page.get_by_text("For study code")).to_have_count(0)


def test_two_people_one_after_the_other(server: Server, tablet: Page, pin: Pin):
    begin(tablet, "P-01", pin("P-01"))
    answer_all(tablet, [0] * 14)
    tablet.get_by_role("button", name="Send my answers").click()
    tablet.wait_for_url("**/meq30**")
    answer_all(tablet, [0] * 30)
    tablet.get_by_role("button", name="Send my answers").click()
    expect(tablet.get_by_text("Please hand the tablet back.")).to_be_visible()
    assert server.sent() == {"hads", "meq30"}
    tablet.get_by_role("button", name="Stop and hand back").click()
    expect(tablet.get_by_label("Study code")).to_be_visible()
    begin(tablet, "P-02", pin("P-02"))
    assert number(tablet) == "1 of 14"
    expect(tablet.locator("input:checked")).to_have_count(0)


def test_back_reaches_nothing_after_handing_back_half_way(server: Server, tablet: Page, pin: Pin):
    begin(tablet, "P-01", pin("P-01"))
    tap(tablet, 0)
    tablet.locator("#next").click()
    tap(tablet, 1)
    expect_nothing_on_phone(tablet)
    tablet.get_by_role("button", name="Stop and hand back").click()
    expect(tablet.get_by_label("Study code")).to_be_visible()
    assert server.answers("hads") == {"1": 3, "2": 1}
    expect_nothing_on_phone(tablet)
    assert tablet.evaluate("caches.keys()") == []
    back_reaches_nothing(tablet)


def test_what_was_tapped_without_network_goes_out_from_the_next_screen(
    server: Server, tablet: Page, pin: Pin
):
    begin(tablet, "P-01", pin("P-01"))
    tablet.route("**/answers", lambda route: route.abort())
    tap(tablet, 0)
    expect(tablet.locator("#saved")).to_contain_text("Saved on this phone")
    tablet.unroute("**/answers")
    tablet.get_by_role("button", name="Stop and hand back").click()
    expect(tablet.get_by_label("Study code")).to_be_visible()
    expect_nothing_on_phone(tablet)
    assert server.answers("hads") == {"1": 3}


def test_left_alone_for_five_minutes_it_goes_back_by_itself(server: Server, tablet: Page, pin: Pin):
    tablet.clock.install()
    begin(tablet, "P-01", pin("P-01"))
    tap(tablet, 0)
    tablet.clock.run_for(301_000)
    expect(tablet.get_by_label("Study code")).to_be_visible()


def test_a_wrong_pin_stops_nobody_else_and_no_screen_has_a_barrier(
    server: Server, tablet: Page, pin: Pin
):
    found = {"code and PIN": faults(tablet)}
    for _ in range(6):
        go_in(tablet, "P-01", "000001")
        expect(tablet.get_by_role("alert")).to_be_visible()
    found["refused"] = faults(tablet)
    go_in(tablet, "P-02", pin("P-02"))
    found["start"] = faults(tablet)
    tablet.get_by_role("button", name="I have read this.").click()
    expect(tablet.locator("fieldset:visible")).to_have_count(1)
    found["question"] = faults(tablet)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
