"""The person's language decides; it can be changed on the page; nobody's choice loses an answer."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Assessment, Participant
from surveyapp.store.tables_access import Event, EventPayload
from tests.web.conftest import Browser, Page
from tests.world import add_course


@pytest.fixture
def token(sqlite_site: Site) -> str:
    course = add_course(sqlite_site, confirmed=True)
    with sqlite_site.database.write() as session:
        return ensure_link(session, sqlite_site.link_key, course, "day-8")


def speak(site: Site, language: str) -> None:
    with site.database.write() as session:
        session.scalars(select(Participant)).one().language = language


def language_of(page: Page) -> str:
    return page.tree.get("lang")


@pytest.mark.parametrize(
    ("language", "start", "option", "topic", "session"),
    [
        ("nl", "Beginnen", "Vrij veel", "Spanning", "20 maart"),
        ("de", "Beginnen", "Ziemlich viel", "Anspannung", "20. März"),
        ("es", "Empezar", "Bastante", "Tensión", "20 de marzo"),
    ],
)
def test_pages_and_questions_speak_the_persons_language(
    browser: Browser, sqlite_site: Site, token: str,
    language: str, start: str, option: str, topic: str, session: str,
):  # fmt: skip
    speak(sqlite_site, language)
    page = browser.get(f"/s/{token}")
    assert language_of(page) == language
    assert start in page.text
    assert session in page.text
    page = browser.post(f"/s/{token}")
    assert language_of(page) == language
    assert option in page.text
    assert topic in page.text


def test_a_language_without_catalogue_is_english(browser: Browser, sqlite_site: Site, token: str):
    speak(sqlite_site, "fr")
    page = browser.get(f"/s/{token}")
    assert language_of(page) == "en"
    assert page.heading == "Check-in"


def test_a_page_that_knows_nobody_speaks_as_the_browser_asks(browser: Browser):
    headers = {"Accept-Language": "fr, de;q=0.8, en;q=0.5"}
    response = browser.client.get("/s/unknown", base_url=browser.base_url, headers=headers)
    assert "Wir kennen diesen Link nicht" in response.get_data(as_text=True)


def test_choosing_on_the_start_page(browser: Browser, sqlite_site: Site, token: str):
    page = browser.get(f"/s/{token}")
    offered = [button.get("value") for button in page.all("button") if button.get("lang")]
    assert offered == ["nl", "de", "es"]
    page = browser.post(f"/s/{token}/language", {"language": "es"})
    assert language_of(page) == "es"
    assert page.path == f"/s/{token}"
    assert last_event(sqlite_site) == ("language chosen", {"from": "en", "to": "es", "begun": []})


def test_choosing_in_the_middle_saves_first_and_records_the_wording(
    browser: Browser, sqlite_site: Site, token: str
):
    page = browser.post(f"/s/{token}")
    form = {"w": page.attribute("input", "value", name="w"), "a-1": "2", "do": "speak-de"}
    page = browser.post(page.path, form)
    assert language_of(page) == "de"
    assert page.attribute("input", "value", checked="") == "2"
    wording = sqlite_site.library.instruments["hads"].wording("de")
    with sqlite_site.database.read() as session:
        sheets = session.scalars(select(Assessment)).all()
        assert {sheet.language for sheet in sheets} == {"de"}
        assert wording.sha256 in {sheet.wording_sha256 for sheet in sheets}
    assert last_event(sqlite_site)[1]["begun"] == ["day-8 hads", "day-8 meq30"]


@pytest.mark.parametrize("language", ["xx", "", "../en", "fr"])
def test_an_unknown_language_changes_nothing(
    browser: Browser, sqlite_site: Site, token: str, language: str
):
    page = browser.post(f"/s/{token}/language", {"language": language})
    assert page.status == 400
    assert "We do not have that language." in page.text
    with sqlite_site.database.read() as session:
        assert session.scalars(select(Participant.language)).one() == "en"


def test_choosing_with_a_wrong_link_or_capability(browser: Browser, token: str):
    assert browser.post("/s/unknown/language", {"language": "de"}).status == 404
    page = browser.post(f"/s/{token}")
    assert browser.post(page.path, {"w": "wrong", "do": "speak-de"}).status == 404


def last_event(site: Site) -> tuple[str, dict[str, object]]:
    query = (
        select(Event.kind, EventPayload.payload)
        .join(EventPayload, EventPayload.event_uid == Event.uid)
        .order_by(Event.seq.desc())
    )
    with site.database.read() as session:
        kind, payload = session.execute(query).first()
    return kind, json.loads(payload)
