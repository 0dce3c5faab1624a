"""The phone in a real browser: one question a screen, nothing lost, usable by everybody."""

from __future__ import annotations

from playwright.sync_api import Route, expect

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


def test_the_whole_check_in_by_taps(server: Server, phone: Phone):
    page = start(phone(), server.link())
    assert number(page) == "1 of 14"
    expect(page.locator("input:checked")).to_have_count(0)
    answer_all(page, [0] * 14)
    page.get_by_role("button", name="Send my answers").click()
    page.wait_for_url("**/meq30**")
    assert number(page) == "1 of 30"
    expect(page.locator("#saved")).to_have_text("Part 1 is sent.")
    expect(page.locator("legend:visible")).to_contain_text("During your session on 20 March")
    answer_all(page, [n % 6 for n in range(1, 31)])
    page.get_by_role("button", name="Send my answers").click()
    page.wait_for_url("**/thanks")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    expect(page.get_by_text("planned for Saturday 4 September 2027")).to_be_visible()
    assert server.sent() == {"hads", "meq30"}
    assert list(server.answers("hads").values()).count(None) == 0
    assert server.answers("meq30") == {str(n): n % 6 for n in range(1, 31)}
    expect_nothing_on_phone(page)
    page.go_back()
    expect(page.locator("fieldset:visible")).to_have_count(0)


def test_a_tap_does_not_turn_the_page_and_next_needs_an_answer(server: Server, phone: Phone):
    page = start(phone(), server.link())
    go_on(page)
    expect(page.get_by_role("alert")).to_contain_text("Please choose an answer")
    assert number(page) == "1 of 14"
    tap(page, 2)
    expect_saved(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert number(page) == "1 of 14"
    assert list(server.answers("hads")) == ["1"]


def test_rather_not_answer_asks_once(server: Server, phone: Phone):
    page = start(phone(), server.link())
    skip = page.get_by_role("button", name="I’d rather not answer")
    skip.click()
    page.get_by_role("button", name="No, go back").click()
    assert number(page) == "1 of 14"
    expect(skip).to_be_focused()
    assert server.answers("hads") == {}
    skip.click()
    page.get_by_role("button", name="Yes, leave it").click()
    assert number(page) == "2 of 14"
    expect_saved(page)
    assert server.answers("hads") == {"1": None}
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_role("alert")).to_contain_text("You chose not to answer")


def test_another_phone_continues_at_the_first_open_question(server: Server, phone: Phone):
    link = server.link()
    page = start(phone(), link)
    for _ in range(3):
        tap(page, 1)
        go_on(page)
    expect_saved(page)
    other = start(phone(), link)
    assert number(other) == "4 of 14"
    expect(other.locator("input:checked")).to_have_count(3)


def test_history_reload_and_swiping_back(server: Server, phone: Phone):
    page = start(phone(), server.link())
    for _ in range(2):
        tap(page, 1)
        go_on(page)
    page.go_back()
    assert number(page) == "2 of 14"
    page.reload()
    assert number(page) == "2 of 14"
    expect(page.locator("fieldset:visible input:checked")).to_have_count(1)
    page.get_by_role("button", name="Back").click()
    expect(page.locator("#q1")).to_be_visible()
    page.go_forward()
    expect(page.locator("#q2")).to_be_visible()


def test_change_from_the_list_comes_back_to_it(server: Server, phone: Phone):
    page = start(phone(), server.link())
    answer_all(page, [0] * 14)
    page.get_by_role("button", name="Change 3", exact=True).click()
    assert number(page) == "3 of 14"
    tap(page, 3)
    page.get_by_role("button", name="Done").click()
    line = page.locator(".list li").nth(2)
    expect(line).to_contain_text("Not at all")
    expect(line).to_contain_text("Dread")


def test_a_tap_without_connection_is_kept_and_delivered(server: Server, phone: Phone):
    page = start(phone(), server.link())
    server.down()
    tap(page, 0)
    expect(page.locator("#saved")).to_contain_text("Saved on this phone. Keep this page")
    go_on(page)
    tap(page, 0)
    assert len(waiting(page)) == 2
    server.up()
    expect_saved(page)
    assert set(server.answers("hads")) == {"1", "2"}
    expect_delivered(page)


def test_a_change_of_mind_on_a_slow_line_wins(server: Server, phone: Phone):
    page = start(phone(), server.link())
    held: list[Route] = []
    page.route("**/answers", lambda route: held.append(route), times=1)
    with page.expect_request("**/answers"):
        tap(page, 0)
    tap(page, 1)
    # The line itself is slow here; both clocks go on while the first delivery is under way.
    page.wait_for_timeout(700)
    held[0].continue_()
    expect_saved(page)
    assert server.answers("hads") == {"1": 2}
    expect_delivered(page)


def test_what_waits_on_the_phone_outlives_the_page_and_the_cookie(server: Server, phone: Phone):
    link = server.link()
    page = start(phone(), link)
    server.down()
    tap(page, 0)
    expect(page.locator("#saved")).to_contain_text("Saved on this phone.")
    context = page.context
    page.close()
    context.clear_cookies()
    server.up()
    again = start(context.new_page(), link)
    expect_saved(again)
    assert server.answers("hads") == {"1": 3}
    expect_delivered(again)


def test_sending_without_connection_loses_nothing(server: Server, phone: Phone):
    """On a phone without service workers; with one it goes on, see test_offline."""
    page = start(phone(service_workers="block"), server.link())
    answer_all(page, [0] * 14)
    expect_saved(page)
    server.down()
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", name="Your answers are on this phone")).to_be_visible()
    page.go_back()
    expect(page.locator("fieldset:visible")).to_have_count(0)
    server.up()
    page.wait_for_url("**/meq30**")
    assert server.sent() == {"hads"}


def test_a_phone_that_forbids_storage_still_saves(server: Server, phone: Phone):
    page = phone()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }})"
    )
    start(page, server.link())
    server.down()
    tap(page, 0)
    expect(page.locator("#saved")).to_have_text("Not saved yet. Keep this page open.")
    server.up()
    expect_saved(page)
    assert server.answers("hads") == {"1": 3}


def test_answers_sent_from_elsewhere_are_said_to_be_so(server: Server, phone: Phone):
    link = server.link()
    page, other = start(phone(), link), start(phone(), link)
    answer_all(other, [0] * 14)
    other.get_by_role("button", name="Send my answers").click()
    other.wait_for_url("**/meq30**")
    tap(page, 1)
    expect(page.locator("#saved")).to_contain_text("open your link again")
    assert server.answers("hads")["1"] == 3


def test_the_journey_without_script(server: Server, phone: Phone):
    page = phone(java_script_enabled=False)
    page.goto(server.link())
    page.get_by_role("button", name="Start").click()
    expect(page.locator("fieldset:visible")).to_have_count(14)
    page.locator("#q1 label").first.click()
    page.locator("#q2 label").last.click()
    page.get_by_role("button", name="Save and finish later").click()
    page.get_by_role("link", name="Go on now").click()
    expect(page.locator("input:checked")).to_have_count(2)
    for name in ("Look through my answers", "Send my answers", "Look through my answers"):
        page.get_by_role("button", name=name).click()
    expect(page.get_by_text("30 still open.")).to_be_visible()
    page.get_by_role("button", name="Send my answers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert server.answers("hads")["1"] == 3
    assert server.sent() == {"hads", "meq30"}


def test_the_keyboard_alone_is_enough(server: Server, phone: Phone):
    page = start(phone(), server.link())
    legend = page.locator("legend:visible")
    page.keyboard.press("Tab")
    expect(page.locator("summary")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("fieldset:visible input").first).to_be_checked()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert number(page) == "2 of 14"
    expect(legend).to_be_focused()
    assert "2 of 14" in legend.inner_text()
    expect_saved(page)
    assert server.answers("hads") == {"1": 2}


def test_help_stands_in_the_same_place_on_every_screen(server: Server, phone: Phone):
    page = phone()
    page.goto(server.link())
    help_ = page.locator("summary")
    place = help_.bounding_box()
    start(page, page.url)
    assert help_.bounding_box() == place
    server.down()
    help_.click()
    expect(page.get_by_text("This page cannot call for help.")).to_be_visible()
    assert page.locator("#help a[href='tel:112']").is_visible()
