"""Signing in and out: who gets in, what a wrong try says, and that every staff page asks."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from surveyapp.services import accounts
from surveyapp.services.site import Site
from surveyapp.web.app import create_app
from surveyapp.web.security import OPEN

from .conftest import DAY_8, Browser, Clock

EMAIL, PASSWORD = "ada@example.org", "a long enough one"


@pytest.fixture
def token(sqlite_site: Site) -> str:
    return accounts.ensure_first_account(sqlite_site, EMAIL, DAY_8).token


@pytest.fixture
def account(sqlite_site: Site, token: str) -> str:
    accounts.accept_invite(sqlite_site, token, PASSWORD, DAY_8)
    return EMAIL


@pytest.fixture(autouse=True)
def _from_here(browser: Browser) -> None:
    """Browsers say which page of ours a form stood on."""
    browser.client.environ_base["HTTP_REFERER"] = f"{browser.base_url}/staff/"


def csrf(browser: Browser, path: str) -> str:
    return browser.get(path).attribute("input", "value", name="csrf_token")


def sign_in(browser: Browser, email: str = EMAIL, password: str = PASSWORD, **more: str):
    data = {"csrf_token": csrf(browser, "/staff/sign-in"), "email": email, "password": password}
    return browser.post("/staff/sign-in", {**data, **more})


@pytest.fixture
def app(sqlite_site: Site) -> Flask:
    return create_app(sqlite_site, Clock())


@pytest.fixture
def raw(app: Flask) -> Generator[FlaskClient]:
    with app.test_client() as client:
        yield client


def test_every_staff_page_asks_for_a_sign_in(app: Flask, raw: FlaskClient) -> None:
    values = {
        "retreat_id": 1,
        "study_id": 1,
        "account_id": 1,
        "stop_id": 1,
        "alert_id": 1,
        "event_id": 1,
        "reading_id": 1,
        "note_id": 1,
        "session": "dosing",
        "instrument": "hads",
        "channel": "email",
        "kind": "invitation",
        "language": "en",
        "number": 1,
        "code": "S-01",
        "timepoint": "week-24",
        "wording_id": 1,
    }
    rules = [r for r in app.url_map.iter_rules() if r.rule.startswith("/staff")]
    guarded = [r for r in rules if r.endpoint not in OPEN]
    assert len(guarded) >= 17
    for rule in guarded:
        adapter = app.url_map.bind("checkin.example.org")
        path = adapter.build(rule.endpoint, {n: values[n] for n in rule.arguments})
        for method in (rule.methods or set()) - {"OPTIONS"}:
            answer = raw.open(path, method=method, base_url="https://checkin.example.org")
            assert answer.status_code == 303, (method, path)
            assert answer.location.startswith("/staff/sign-in"), (method, path)


def test_welcome_sets_a_password_and_signs_in(browser: Browser, token: str) -> None:
    path = f"/staff/welcome/{token}"
    for _ in range(3):
        assert EMAIL in browser.get(path).text
    data = {"csrf_token": csrf(browser, path), "password": PASSWORD, "again": "another one here"}
    page = browser.post(path, data)
    assert page.status == 400
    assert "The two are not the same." in page.text
    page = browser.post(path, {**data, "password": "short", "again": "short"})
    assert "Use 12 characters or more." in page.text
    assert browser.post(path, {**data, "again": PASSWORD}).heading == "Today"
    assert browser.get(path).status == 410


def test_right_password_opens_the_page_that_was_wanted(browser: Browser, account: str) -> None:
    page = browser.get("/staff/people?q=S")
    assert page.heading == "Sign in"
    wanted = page.attribute("input", "value", name="next")
    assert wanted == "/staff/people?q=S"
    assert sign_in(browser, next=wanted).heading == "People"


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "a wrong password"), ("bob@example.org", PASSWORD), ("", ""), (EMAIL, "")],
)
def test_wrong_sign_in_says_the_same_and_keeps_the_address(
    browser: Browser, account: str, email: str, password: str
) -> None:
    page = sign_in(browser, email, password)
    assert page.status == 400
    assert "The address or the password is wrong." in page.text
    assert page.attribute("input", "value", name="email") == email
    assert page.attribute("input", "value", name="password") == ""
    assert browser.get("/staff/").heading == "Sign in"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/staff/",
        "//evil.example/staff/",
        "/\\evil.example/staff/",
        "\\\\evil.example/staff/",
        "/staff/\nx",
        "javascript:alert(1)",
        "/s/token",
        "/staff/sign-in",
    ],
)
def test_next_leads_nowhere_else(browser: Browser, account: str, wanted: str) -> None:
    page = sign_in(browser, next=wanted)
    assert page.heading == "Today"
    assert page.path == "/staff/"


def test_signing_out_ends_copied_cookies_too(browser: Browser, account: str) -> None:
    sign_in(browser)
    cookie = browser.client.get_cookie("__Host-session", "checkin.example.org")
    assert cookie is not None
    assert cookie.secure
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    page = browser.get("/staff/")
    form = {"csrf_token": page.attribute("input", "value", name="csrf_token")}
    assert browser.post("/staff/sign-out", form).heading == "Sign in"
    browser.client.set_cookie(
        "__Host-session", cookie.value, domain="checkin.example.org", secure=True
    )
    assert browser.get("/staff/").heading == "Sign in"


def test_signing_out_needs_its_token(browser: Browser, account: str) -> None:
    sign_in(browser)
    browser.post("/staff/sign-out", {})
    assert browser.get("/staff/").heading == "Today"


def test_plain_cookie_name_where_there_is_no_https(sqlite_site: Site) -> None:
    settings = sqlite_site.settings.model_copy(update={"public_url": "http://127.0.0.1:8000"})
    app = create_app(replace(sqlite_site, settings=settings), Clock())
    assert app.config["SESSION_COOKIE_NAME"] == "session"
    assert not app.config["SESSION_COOKIE_SECURE"]


def test_sign_in_without_its_token_is_refused(browser: Browser, account: str) -> None:
    page = browser.post("/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert page.status == 400
    assert browser.get("/staff/").heading == "Sign in"
