"""The data notice: read before the first question, again when it changes, and on record."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from surveyapp.services import notices
from surveyapp.services.errors import InputError
from surveyapp.services.exchange import export_folder
from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Participant, Study
from surveyapp.store.tables_entry import Acknowledgement
from tests.web.conftest import Browser, Clock
from tests.world import add_course

OWN = {"en": "We keep your answers.\n\nAsk us anything.", "de": "Wir behalten Ihre Antworten."}


@pytest.fixture
def token(sqlite_site: Site) -> str:
    course = add_course(sqlite_site, confirmed=True)
    with sqlite_site.database.write() as session:
        study = session.scalars(select(Study)).one()
        study.readers, study.phone = "the study nurse", "+31 20 123 4567"
        return ensure_link(session, sqlite_site.link_key, course, "day-8")


def publish(site: Site, clock: Clock, texts: dict[str, str] = OWN) -> int:
    with site.database.read() as session:
        study = session.scalars(select(Study.id)).one()
    return notices.publish(site, study, texts, actor="staff:1", now=clock())


def acknowledged(site: Site) -> list[Acknowledgement]:
    with site.database.read() as session:
        return list(session.scalars(select(Acknowledgement).order_by(Acknowledgement.version)))


def test_the_built_in_notice_stands_before_the_first_question(
    browser: Browser, sqlite_site: Site, token: str, clock: Clock
):
    page = browser.get(f"/s/{token}")
    assert "About your answers" in page.text
    assert (
        "Your answers are read by the study nurse. Nobody reads them as they arrive." in page.text
    )
    assert "ask the study team: +31 20 123 4567." in page.text
    assert "I have read this. Start" in page.text
    assert acknowledged(sqlite_site) == []
    assert browser.post(f"/s/{token}").path.endswith("/hads")
    (row,) = acknowledged(sqlite_site)
    assert (row.version, row.language, row.at) == (0, "en", clock())
    page = browser.get(f"/s/{token}")
    assert "I have read this." not in page.text
    assert "About your answers" in page.text


@pytest.mark.parametrize("form", [{}, {"notice": ""}, {"notice": "7"}, {"notice": "x"}])
def test_nothing_begins_unread(browser: Browser, sqlite_site: Site, token: str, form):
    page = browser.post(f"/s/{token}", form)
    assert page.status == 409
    assert "Please read this first." in page.text
    assert acknowledged(sqlite_site) == []


def test_a_new_version_is_read_before_going_on(
    browser: Browser, sqlite_site: Site, token: str, clock: Clock
):
    browser.post(f"/s/{token}")
    clock.now += timedelta(hours=1)
    assert publish(sqlite_site, clock) == 1
    page = browser.get(f"/s/{token}")
    assert "We keep your answers. Ask us anything." in page.text
    assert "I have read this. Continue" in page.text
    assert browser.post(f"/s/{token}", {"notice": "0"}).status == 409
    assert browser.post(f"/s/{token}", {"notice": "1"}).path.endswith("/hads")
    assert [row.version for row in acknowledged(sqlite_site)] == [0, 1]


def test_the_notice_speaks_the_persons_language_or_english(
    browser: Browser, sqlite_site: Site, token: str, clock: Clock
):
    publish(sqlite_site, clock)
    for language, spoken, words in (
        ("de", "de", "Wir behalten Ihre Antworten."),
        ("nl", "en", "We keep your answers."),
    ):
        with sqlite_site.database.write() as session:
            session.scalars(select(Participant)).one().language = language
        page = browser.get(f"/s/{token}")
        assert words in page.text
        assert [e.get("lang") for e in page.all("div") if e.get("lang")] == [spoken]


def test_what_was_read_can_be_proved_from_the_export(
    browser: Browser, sqlite_site: Site, token: str, clock: Clock, tmp_path: Path
):
    browser.post(f"/s/{token}")
    export_folder(sqlite_site, tmp_path / "out", clock())
    with (tmp_path / "out" / "acknowledgements.csv").open(encoding="utf-8") as lines:
        (row,) = csv.DictReader(lines)
    with sqlite_site.database.read() as session:
        study = session.scalars(select(Study.id)).one()
    shown = notices.preview(sqlite_site, study, "en")
    assert (row["participant"], row["version"], row["language"]) == ("P-01", "0", "en")
    assert row["sha256"] == shown.sha256
    assert row["acknowledged_at"] == "2027-03-28T09:00:00Z"


@pytest.mark.parametrize(
    ("texts", "field"),
    [({"en": " "}, "en"), ({"nl": "Iets"}, "en"), ({"en": "x" * 7000}, "en"),
     ({"en": "One", "fr": "Deux"}, "fr")],
)  # fmt: skip
def test_what_cannot_be_published(
    sqlite_site: Site, token: str, clock: Clock, texts: dict[str, str], field: str
):
    with pytest.raises(InputError) as caught:
        publish(sqlite_site, clock, texts)
    assert list(caught.value.problems) == [field]
    assert publish(sqlite_site, clock) == 1
    with pytest.raises(InputError, match="word for word"):
        publish(sqlite_site, clock)


def test_the_published_words_are_in_the_export(
    browser: Browser, sqlite_site: Site, token: str, clock: Clock, tmp_path: Path
):
    publish(sqlite_site, clock)
    browser.post(f"/s/{token}", {"notice": "1"})
    export_folder(sqlite_site, tmp_path / "out", clock())
    with (tmp_path / "out" / "data_notices.csv").open(encoding="utf-8", newline="") as lines:
        german, english = csv.DictReader(lines)
    assert (german["language"], german["text"]) == ("de", OWN["de"])
    assert (english["version"], english["text"]) == ("1", OWN["en"])
    assert [row.sha256 for row in acknowledged(sqlite_site)] == [english["sha256"]]
