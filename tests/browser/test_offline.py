"""Without a network: an opened questionnaire comes up, takes everything, and delivers it later."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Phone, Server
from tests.browser.hands import (
    answer_all,
    expect_delivered,
    expect_nothing_cached,
    expect_nothing_on_phone,
    expect_saved,
    go_on,
    number,
    on_phone,
    start,
    tap,
)


def opened(server: Server, page: Page, timepoint: str = "day-8") -> str:
    """Open a check-in and let the phone keep it; the link."""
    link = server.link(timepoint)
    start(page, link)
    expect(page.locator("html")).to_have_attribute("data-offline", "ready")
    return link


def lose_network(server: Server, page: Page) -> None:
    """The server goes too: deliveries that outlive their page are not held by Chromium's switch."""
    page.context.set_offline(True)
    server.down()


def find_network(server: Server, context: BrowserContext) -> None:
    server.up()
    context.set_offline(False)


def come_back(context: BrowserContext, link: str) -> Page:
    page = context.new_page()
    page.goto(link)
    return page


def test_a_whole_check_in_without_network_arrives_later(server: Server, phone: Phone):
    page = phone()
    link = opened(server, page)
    context = page.context
    lose_network(server, page)
    answer_all(page, [0] * 14)
    page.get_by_role("button", name="Send my answers").click()
    page.wait_for_url("**/meq30**")
    assert number(page) == "1 of 30"
    answer_all(page, [n % 6 for n in range(1, 31)])
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", name="Your answers are on this phone")).to_be_visible()
    page.close()
    assert server.answers("hads") == {}
    context.clear_cookies()
    find_network(server, context)
    loads: list[str] = []
    context.on("request", lambda r: loads.append(r.url) if r.is_navigation_request() else None)
    page = come_back(context, link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Already sent")
    # As it was left, and once both parts are through: a look in between could be the last one.
    assert loads == [link, link]
    assert server.sent() == {"hads", "meq30"}
    assert server.answers("meq30") == {str(n): n % 6 for n in range(1, 31)}
    expect_nothing_on_phone(page)
    expect_nothing_cached(page)


def test_the_link_opens_without_network_where_it_was_left(server: Server, phone: Phone):
    page = phone()
    link = opened(server, page)
    for option in (0, 1):
        tap(page, option)
        go_on(page)
    expect_saved(page)
    context = page.context
    lose_network(server, page)
    tap(page, 2)
    page.close()
    page = come_back(context, link)
    expect(page.locator("fieldset:visible")).to_have_count(1)
    assert number(page) == "4 of 14"
    page.get_by_role("button", name="Back").click()
    expect(page.locator("fieldset:visible input:checked")).to_have_count(1)
    find_network(server, context)
    expect_saved(page)
    assert server.answers("hads") == {"1": 3, "2": 1, "3": 1}


def test_reloading_and_help_without_network(server: Server, phone: Phone):
    page = phone()
    opened(server, page)
    tap(page, 0)
    expect_saved(page)
    lose_network(server, page)
    page.reload()
    expect(page.locator("fieldset:visible input:checked")).to_have_count(1)
    page.goto(f"{server.url}/help")
    expect(page.get_by_role("heading", level=1)).to_have_text("Help")
    expect(page.get_by_role("link", name="112")).to_be_visible()


def test_a_link_never_opened_shows_help_without_network(server: Server, phone: Phone):
    page = phone()
    opened(server, page)
    lose_network(server, page)
    page.goto(f"{server.url}/s/{'x' * 22}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Help")


def test_a_server_that_is_down_is_like_no_network(server: Server, phone: Phone):
    page = phone()
    link = opened(server, page)
    server.down()
    page.goto(link)
    tap(page, 0)
    expect(page.locator("#saved")).to_contain_text("Saved on this phone")
    server.up()
    expect_saved(page)
    assert server.answers("hads") == {"1": 3}


def test_answers_that_were_changed_elsewhere_show_once_there_is_a_network(
    server: Server, phone: Phone
):
    page = phone()
    link = opened(server, page)
    tap(page, 0)
    expect_saved(page)
    other = start(phone(), link)
    page_one = other.url.partition("#")[0] + "#1"
    other.goto(page_one)
    tap(other, 2)
    expect_saved(other)
    page.reload()
    expect(page.locator("#q1 input:checked")).to_have_value("1")
    assert server.answers("hads") == {"1": 1}


def test_after_sending_nothing_stays_on_the_phone(server: Server, phone: Phone):
    page = phone()
    link = opened(server, page)
    answer_all(page, [0] * 14)
    page.get_by_role("button", name="Send my answers").click()
    page.wait_for_url("**/meq30**")
    expect_nothing_on_phone(page, "|hads")
    answer_all(page, [0] * 30)
    page.get_by_role("button", name="Send my answers").click()
    page.wait_for_url("**/thanks")
    expect_nothing_on_phone(page)
    expect_nothing_cached(page)
    lose_network(server, page)
    page.goto(link)
    expect(page.locator("fieldset")).to_have_count(0)


def test_sent_from_another_phone_this_one_forgets(server: Server, phone: Phone):
    page, other = phone(), phone()
    link = opened(server, page)
    tap(page, 0)
    expect_saved(page)
    start(other, link)
    answer_all(other, [0] * 13)
    other.get_by_role("button", name="Send my answers").click()
    other.wait_for_url("**/meq30**")
    answer_all(other, [0] * 30)
    other.get_by_role("button", name="Send my answers").click()
    other.wait_for_url("**/thanks")
    assert on_phone(page) != {}
    page.goto(link)
    expect_nothing_on_phone(page)
    expect_nothing_cached(page)
    expect_delivered(page)


@pytest.mark.parametrize("path", ["/manifest.json", "/manifest.webmanifest"])
def test_there_is_nothing_to_install(server: Server, phone: Phone, path: str):
    page = phone()
    opened(server, page)
    expect(page.locator("link[rel=manifest]")).to_have_count(0)
    assert page.request.get(server.url + path).status == 404
