"""Today by mail, on its page and without script: off, wrong, on, one at once, and off again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from surveyapp.services.site import Site
from surveyapp.store import digests
from surveyapp.web.app import create_app
from tests.world import MailServer

from .conftest import Browser, Clock
from .test_staff import EMAIL, PASSWORD, act, value
from .test_staff import filled as filled
from .test_staff import staff as staff

PAGE = "/staff/digest"
ON = {
    "wanted": "y",
    "at": "08:00",
    "time_zone": "Europe/Amsterdam",
    "addresses": "ada@example.org\nteam@example.org",
    "do": "save",
}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def mailed(filled: Browser, sqlite_site: Site, server: MailServer) -> Iterator[Browser]:
    """The same installation with a mail server."""
    settings = sqlite_site.settings.model_copy(update={"smtp_url": server.url})
    app = create_app(dataclasses.replace(sqlite_site, settings=settings), Clock())
    app.testing = True
    with app.test_client() as client:
        browser = Browser(client, Clock(), filled.base_url)
        client.environ_base["HTTP_REFERER"] = f"{browser.base_url}/staff/"
        act(browser, "/staff/sign-in", {"email": EMAIL, "password": PASSWORD})
        yield browser


def test_off_at_first_and_told_how_it_would_read(filled: Browser) -> None:
    assert "Get it by mail" in filled.get("/staff/").text
    page = filled.get(PAGE)
    assert "It is off." in page.text
    assert (value(page, "at"), value(page, "time_zone")) == ("08:00", "Europe/Amsterdam")
    assert page.tree.find(".//textarea").text.strip() == EMAIL
    assert "- Consent not on record: 1" in page.text
    assert "S-01" not in page.text


def test_on_and_off_again(filled: Browser) -> None:
    page = act(filled, PAGE, {**ON})
    assert page.status == 200
    assert "Saved. It goes out every day." in page.text
    assert "The next one: Mon 29 Mar 2027 at 08:00, Europe/Amsterdam." in page.text
    assert page.tree.find(".//textarea").text.strip() == ON["addresses"]
    page = act(filled, PAGE, {name: typed for name, typed in ON.items() if name != "wanted"})
    assert "Saved. It is off." in page.text
    assert "team@example.org" in page.tree.find(".//textarea").text


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("at", "<8 o'clock>", "Write the time as hours and minutes"),
        ("time_zone", "<Amsterdam>", "Write a time zone as region and place"),
        ("addresses", "<nobody>", "Write the address without quotes and brackets"),
        ("addresses", "a@hospital.nl", "only to staff and to test addresses"),
        ("addresses", "", "Write at least one address."),
    ],
)
def test_what_was_typed_stays_when_it_is_wrong(
    filled: Browser, name: str, typed: str, sentence: str
) -> None:
    page = act(filled, PAGE, {**ON, "when_quiet": "y", name: typed})
    assert page.status == 400
    assert sentence in page.text
    shown = {"at": value(page, "at"), "time_zone": value(page, "time_zone")}
    shown["addresses"] = (page.tree.find(".//textarea").text or "").strip()
    assert shown == {**{key: ON[key] for key in shown}, name: typed}
    for box in ("wanted", "when_quiet"):
        assert page.attribute("input", "checked", name=box) is not None
    assert "It is off." in filled.get(PAGE).text


def test_one_at_once_leaves_the_form_as_it_was_typed(mailed: Browser, server: MailServer) -> None:
    page = act(mailed, PAGE, {**ON, "at": "09:15", "do": "now"})
    assert page.status == 200
    assert f"To {EMAIL}: handed to the mail server." in page.text
    assert value(page, "at") == "09:15"
    assert "It is off." in page.text
    (message,) = server.sink.messages
    assert message["To"] == EMAIL
    assert "S-01" not in server.sink.raw[0].decode()


def test_while_messages_are_held_none_goes_at_once(mailed: Browser, server: MailServer) -> None:
    act(mailed, "/staff/sending", {"meant": "hold", "reason": "a wrong text"})
    page = act(mailed, PAGE, {**ON, "do": "now"})
    assert page.status == 400
    assert "All messages are held, so nothing was sent." in page.text
    assert server.sink.messages == []


def test_a_look_keeps_nothing(filled: Browser, sqlite_site: Site) -> None:
    assert filled.get(PAGE).status == 200
    with sqlite_site.database.read() as session:
        assert digests.kept(session, 1) is None


def test_it_needs_a_sign_in(browser: Browser) -> None:
    assert browser.get(PAGE).path == "/staff/sign-in"
