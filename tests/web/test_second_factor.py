"""The second factor: set up, asked for, replayed, lost, and demanded in live studies."""

from __future__ import annotations

from datetime import timedelta

import pytest

from surveyapp.services import second_factor
from surveyapp.services.site import Site
from tests.world import add_course

from .conftest import Browser, Page
from .doors import PASSWORD, SAFARI, Doors, act, cookie, is_in, put_cookie, sign_in, token_of

PATH = "/staff/account/second-factor"


@pytest.fixture
def doors(sqlite_site: Site) -> Doors:
    return Doors(sqlite_site)


def shown_key(page: Page) -> str:
    """The key for typing in by hand."""
    words = [" ".join(e.itertext()) for e in page.all("strong")]
    return next(w.replace(" ", "") for w in words if len(w.replace(" ", "")) == 32)


def code(doors: Doors, secret: str) -> str:
    return second_factor.code_at(secret, doors.wall())


def type_code(browser: Browser, typed: str) -> Page:
    return act(browser, "/staff/sign-in/code", code=typed)


def test_it_is_set_up_with_a_right_code_and_then_asked_for(doors: Doors) -> None:
    desk, phone = doors.enter(), doors.enter(doors.browser("198.51.100.1", SAFARI))
    before = cookie(desk)
    page = desk.get(PATH)
    assert page.attribute("img", "src").startswith("data:image/svg+xml")
    sealed, secret = page.attribute("input", "value", name="sealed"), shown_key(page)
    for typed in ({}, {"password": "not the password"}):
        page = act(desk, PATH, sealed=sealed, code=code(doors, secret), **typed)
        assert page.status == 400
        assert "This is not your password." in page.text
    page = act(desk, PATH, sealed=sealed, code="000000", password=PASSWORD)
    assert page.status == 400
    assert shown_key(page) == secret
    page = act(desk, PATH, sealed=sealed, code=code(doors, secret), password=PASSWORD)
    assert page.heading == "Your second factor is on"
    codes = [e.text for e in page.all("li") if e.text and e.text.count("-") == 2]
    assert len(set(codes)) == 10
    assert not is_in(phone)
    put_cookie(phone, before)
    assert not is_in(phone)
    doors.wall.now += timedelta(seconds=30)
    other = doors.browser("198.51.100.1", SAFARI)
    page = sign_in(other, next="/staff/people")
    assert page.heading == "Second step"
    assert not is_in(other)
    other = doors.browser("198.51.100.1", SAFARI)
    assert sign_in(other).heading == "Second step"
    assert type_code(other, code(doors, secret)).heading == "Today"


def test_a_wrong_and_a_used_code_are_refused(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    browser = doors.browser()
    sign_in(browser)
    for typed in ("", "12345", "1234567", "٠١٢٣٤٥", "abcdef", "x" * 41):
        assert type_code(browser, typed).status in (400, 429)
    doors.wall.now += timedelta(minutes=5)
    right = code(doors, secret)
    assert type_code(browser, right).heading == "Today"
    again = doors.browser("198.51.100.1")
    sign_in(again)
    assert type_code(again, right).status == 400
    assert not is_in(again)


def test_a_step_of_drift_counts_on_each_side_and_no_more(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    doors.wall.now += timedelta(minutes=5)
    for steps, taken in ((-2, False), (-1, True), (1, True), (2, False)):
        at = doors.wall() + timedelta(seconds=30 * steps)
        browser = doors.browser(f"198.51.{100 + steps}.1")
        sign_in(browser)
        page = type_code(browser, second_factor.code_at(secret, at))
        assert (page.heading == "Today") == taken, steps


def test_a_recovery_code_works_once_and_can_be_renewed(doors: Doors) -> None:
    secret, codes = doors.with_factor()
    browser = doors.browser()
    sign_in(browser)
    assert type_code(browser, codes[0].upper().replace("-", " ")).heading == "Today"
    assert "9 of 10" in browser.get("/staff/account").text
    other = doors.browser("198.51.100.1")
    sign_in(other)
    assert type_code(other, codes[0]).status == 400
    page = act(browser, f"{PATH}/codes", code=code(doors, secret))
    assert page.heading == "Your new recovery codes"
    assert type_code(other, codes[1]).status == 400
    assert "10 of 10" in browser.get("/staff/account").text


def test_turning_it_off_needs_the_password_and_a_code(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    browser = doors.browser()
    sign_in(browser)
    type_code(browser, code(doors, secret))
    doors.wall.now += timedelta(seconds=30)
    path, right = f"{PATH}/off", code(doors, secret)
    page = act(browser, path, password="not the password", code=right)
    assert "This is not your password." in page.text
    assert act(browser, path, password=PASSWORD, code="000000").status == 400
    assert act(browser, path, password=PASSWORD, code=right).heading == "Your account"
    assert sign_in(doors.browser()).heading == "Today"


def test_a_right_password_makes_no_wrong_code_free(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    browser = doors.browser()
    sign_in(browser)
    type_code(browser, code(doors, secret))
    doors.wall.now += timedelta(seconds=30)
    for _ in range(5):
        page = act(browser, f"{PATH}/off", password=PASSWORD, code="000000")
        assert "This code is not right" in page.text
    page = act(browser, f"{PATH}/off", password=PASSWORD, code=code(doors, secret))
    assert "Too many wrong tries" in page.text


def test_nothing_opens_between_the_two_steps(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    browser = doors.browser()
    sign_in(browser)
    for path in ("/staff/", "/staff/account", PATH, f"{PATH}/off", "/staff/people"):
        assert browser.get(path).heading == "Sign in"
    sign_in(browser)
    half = cookie(browser)
    doors.wall.now += timedelta(minutes=11)
    page = browser.get("/staff/sign-in/code")
    assert page.heading == "Sign in"
    assert "took too long" in page.text
    put_cookie(browser, half)
    assert browser.get("/staff/sign-in/code").heading == "Sign in"
    assert code(doors, secret)


def test_what_was_typed_is_carried_through_the_code_too(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    browser = doors.browser()
    sign_in(browser)
    type_code(browser, code(doors, secret))
    form = {"csrf_token": token_of(browser, "/staff/retreats/new"), "name": "Autumn"}
    doors.wall.now += timedelta(hours=2)
    kept = value(browser.post("/staff/retreats/new", form), "carried")
    page = sign_in(browser, carried=kept)
    assert page.heading == "Second step"
    fields = {name: value(page, name) for name in ("csrf_token", "carried")}
    page = browser.post("/staff/sign-in/code", {**fields, "code": code(doors, secret)})
    assert page.heading == "Go on"
    assert value(page, "name") == "Autumn"


def value(page: Page, name: str) -> str:
    return page.attribute("input", "value", name=name)


def test_wrong_codes_slow_down_on_this_device_alone(doors: Doors) -> None:
    secret, _codes = doors.with_factor()
    guesser = doors.browser("198.51.100.1")
    sign_in(guesser)
    for _ in range(5):
        assert type_code(guesser, "000000").status == 400
    page = type_code(guesser, code(doors, secret))
    assert page.status == 429
    assert "Wait 30 seconds" in page.text
    assert page.response.headers["Retry-After"] == "30"
    owner = doors.browser()
    sign_in(owner)
    assert type_code(owner, code(doors, secret)).heading == "Today"


def test_a_live_study_demands_it_of_those_who_see_scores(doors: Doors) -> None:
    add_course(doors.site)
    browser = doors.enter()
    assert "Set up a second factor" in browser.get("/staff/account").text
    doors.go_live()
    for path in ("/staff/", "/staff/people", "/staff/account", "/staff/accounts"):
        assert browser.get(path).heading == "Set up a second factor", path
    page = browser.post("/staff/retreats/new", {"csrf_token": token_of(browser, PATH)})
    assert page.heading == "Set up a second factor"
    page = browser.get(PATH)
    assert "comes before anything else" in page.text
    sealed = page.attribute("input", "value", name="sealed")
    act(browser, PATH, sealed=sealed, code=code(doors, shown_key(page)), password=PASSWORD)
    assert is_in(browser)
    out = {"csrf_token": token_of(browser, "/staff/account")}
    assert browser.post("/staff/sign-out", out).heading == "Sign in"


def test_signing_out_is_open_to_whoever_must_set_it_up(doors: Doors) -> None:
    add_course(doors.site)
    doors.go_live()
    browser = doors.enter()
    out = {"csrf_token": token_of(browser, PATH)}
    assert browser.post("/staff/sign-out", out).heading == "Sign in"


def test_the_secret_and_the_codes_are_not_in_the_database(doors: Doors) -> None:
    secret, codes = doors.with_factor()
    with doors.site.database.engine.connect() as connection:
        rows = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore
    assert secret not in rows
    assert not any(one in rows or one.replace("-", "") in rows for one in codes)
