"""Never loses a tap: whatever happens to the tab, the cookie, the clock or the server."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Answer
from surveyapp.store.tables_access import EventPayload
from tests.browser.conftest import Phone, Server
from tests.browser.hands import (
    answer_all,
    expect_delivered,
    expect_nothing_on_phone,
    expect_saved,
    go_on,
    number,
    start,
    tap,
    waiting,
)
from tests.faults.test_server import serving
from tests.waiting import wait_for
from tests.world import add_course, free_port


@pytest.mark.parametrize("taps", [1, 2, 5, 13, 14])
def test_closing_the_tab_right_after_any_tap(server: Server, phone: Phone, taps: int):
    page = phone()
    link = server.link()
    start(page, link)
    for n in range(taps):
        tap(page, 1)
        if n < taps - 1:
            go_on(page)
    context = page.context
    page.close()
    again = start(context.new_page(), link)
    expect_delivered(again)
    assert len(server.answers("hads")) == taps
    expect(again.locator("input:checked")).to_have_count(taps)


def test_two_phones_the_later_answer_wins_and_both_are_on_record(server: Server, phone: Phone):
    link = server.link()
    one, two = start(phone(), link), start(phone(), link)
    tap(one, 0)
    expect_saved(one)
    tap(two, 3)
    expect_saved(two)
    assert server.answers("hads") == {"1": 0}
    assert kept_values(server.site) == [3, 0]


def test_an_older_answer_that_arrives_later_does_not_win(server: Server, phone: Phone):
    link = server.link()
    one, two = start(phone(), link), start(phone(), link)
    one.context.set_offline(True)
    tap(one, 0)
    expect(one.locator("#saved")).to_contain_text("Saved on this phone")
    # A minute passes on the first phone: its answer is the older one by the phone's own clock.
    one.evaluate("() => { const real = Date.now; Date.now = () => real.call(Date) + 60000; }")
    tap(two, 3)
    expect_saved(two)
    one.context.set_offline(False)
    expect_delivered(one)
    assert server.answers("hads") == {"1": 0}


def kept_values(site: Site) -> list[int]:
    """Every value that the trail says was saved, in order."""
    query = select(EventPayload.payload).where(EventPayload.payload.contains('"answers"'))
    with site.database.read() as session:
        found = [json.loads(text)["answers"] for text in session.scalars(query)]
    return [answer["value"] for answers in found for answer in answers]


def test_the_link_in_two_tabs(server: Server, phone: Phone):
    page = phone()
    link = server.link()
    start(page, link)
    tab = start(page.context.new_page(), link)
    tap(page, 0)
    go_on(page)
    tap(page, 1)
    tab.goto(tab.url.partition("#")[0] + "#3")
    tap(tab, 2)
    for each in (page, tab):
        wait_for(lambda each=each: waiting(each) == {})
    assert set(server.answers("hads")) == {"1", "2", "3"}


def test_reload_and_back_at_every_step(server: Server, phone: Phone):
    page = start(phone(), server.link())
    for n in range(1, 15):
        assert number(page) == f"{n} of 14"
        tap(page, n % 4)
        page.reload()
        expect(page.locator("fieldset:visible input:checked")).to_have_count(1)
        go_on(page)
        page.go_back()
        expect(page.locator(f"#q{n}")).to_be_visible()
        page.go_forward()
        expect(page.locator(f"#q{n + 1}" if n < 14 else "#review")).to_be_visible()
    expect(page.get_by_role("heading", name="Your answers", exact=True)).to_be_visible()
    expect_delivered(page)
    assert len(server.answers("hads")) == 14


def test_swiping_out_to_the_start_page_and_in_again(server: Server, phone: Phone):
    page = start(phone(), server.link())
    tap(page, 0)
    page.go_back()
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    page.go_forward()
    expect(page.locator("fieldset:visible")).to_have_count(1)
    expect_delivered(page)
    assert server.answers("hads") == {"1": 3}


def test_the_cookie_gone_in_the_middle(server: Server, phone: Phone):
    page = start(phone(), server.link())
    tap(page, 0)
    expect_saved(page)
    page.context.clear_cookies()
    go_on(page)
    answer_all(page, [0] * 13)
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your answers have been sent")
    assert server.sent() == {"hads"}
    expect_nothing_on_phone(page, "|hads")


def test_a_page_left_open_for_30_days(server: Server, phone: Phone):
    page = start(phone(), server.link())
    tap(page, 0)
    expect_saved(page)
    server.ahead = timedelta(days=30)
    go_on(page)
    answer_all(page, [0] * 13)
    page.get_by_role("button", name="Send my answers").click()
    page.wait_for_url("**/meq30**")
    assert server.sent() == {"hads"}


@pytest.mark.parametrize("days", [-1, 1])
def test_a_phone_whose_clock_is_a_day_wrong(server: Server, phone: Phone, days: int):
    page = phone()
    page.clock.install(time=server.clock() + timedelta(days=days))
    start(page, server.link())
    tap(page, 0)
    expect_saved(page)
    with server.site.database.read() as session:
        given = session.scalars(select(Answer.given_at)).one()
    assert abs(given - server.clock()) < timedelta(minutes=1)


def test_a_hotels_sign_in_page_is_no_receipt(server: Server, phone: Phone):
    page = start(phone(), server.link())
    page.route("**/answers", lambda route: route.fulfill(body="<h1>Welcome to our network</h1>"))
    tap(page, 0)
    expect(page.locator("#saved")).to_contain_text("Saved on this phone")
    assert len(waiting(page)) == 1
    page.unroute("**/answers")
    expect_delivered(page)
    assert server.answers("hads") == {"1": 3}


def test_script_switched_off_half_way(server: Server, phone: Phone, chromium: Browser):
    page = phone()
    start(page, server.link())
    for option in (0, 1, 2):
        tap(page, option)
        go_on(page)
    expect_saved(page)
    state = page.context.storage_state()
    plain = phone(java_script_enabled=False, storage_state=state)
    plain.goto(page.url)
    expect(plain.locator("input:checked")).to_have_count(3)
    plain.locator("#q4 label").first.click()
    plain.get_by_role("button", name="Save and finish later").click()
    expect(plain.get_by_role("heading", level=1)).to_have_text("Your answers are saved")
    page.reload()
    expect(page.locator("input:checked")).to_have_count(4)


def test_a_queue_of_somebody_who_was_erased_is_dropped(server: Server, phone: Phone):
    page = start(phone(), server.link())
    page.route(
        "**/answers",
        lambda route: route.continue_(url=route.request.url.replace("/q/", "/q/x")),
    )
    tap(page, 0)
    expect(page.locator("#saved")).to_contain_text("out of date")
    expect_nothing_on_phone(page)


def test_kill_9_in_the_middle(sqlite_site: Site, phone: Phone):
    """The real server, with its worker processes, killed between two taps and started again."""
    dosing = datetime.now(UTC).date() - timedelta(days=9)
    course = add_course(sqlite_site, zone="UTC", dosing=dosing, confirmed=True)
    with sqlite_site.database.write() as session:
        token = ensure_link(session, sqlite_site.link_key, course, "day-8")
    port = free_port()
    page: Page = phone()
    with serving(sqlite_site, port) as process:
        start(page, f"http://127.0.0.1:{port}/s/{token}")
        tap(page, 0)
        os.killpg(process.pid, signal.SIGKILL)
        go_on(page)
        tap(page, 1)
        expect(page.locator("#saved")).to_contain_text("Saved on this phone")
    with serving(sqlite_site, port):
        go_on(page)
        tap(page, 2)
        expect_delivered(page)
        values = stored(sqlite_site)
    assert values == {"1": 3, "2": 1, "3": 1}


def stored(site: Site) -> dict[str, Any]:
    with site.database.read() as session:
        rows = session.execute(select(Answer.item, Answer.value))
        return {row.item: row.value for row in rows}
