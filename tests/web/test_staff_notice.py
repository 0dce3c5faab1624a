"""Staff publish the study's own data notice: looked at first, kept when refused, never changed."""

from __future__ import annotations

from sqlalchemy import select

from surveyapp.services import notices
from surveyapp.services.site import Site
from surveyapp.store.tables import Study
from tests.web.conftest import Browser
from tests.web.test_staff import act, filled, staff

__all__ = ["filled", "staff"]

WORDS = {"en": "We keep your answers.", "nl": "Wij bewaren uw antwoorden.", "de": "", "es": ""}


def test_it_is_looked_at_and_then_published(filled: Browser, sqlite_site: Site) -> None:
    with sqlite_site.database.read() as session:
        study = session.scalars(select(Study.id)).one()
    path = f"/staff/study/{study}/notice"
    assert "The built-in notice stands now" in filled.get(path).text
    looked = act(filled, path, {**WORDS, "sure": "look"})
    assert "Everybody in this study reads it before their next check-in" in looked.text
    assert notices.published(sqlite_site, study) == []
    refused = act(filled, path, {**WORDS, "en": "", "sure": "yes"})
    assert refused.status == 400
    assert "Wij bewaren uw antwoorden." in refused.text
    assert "Version 1 stands now" in act(filled, path, {**WORDS, "sure": "yes"}).text
    act(filled, path, {**WORDS, "en": "Another text.", "sure": "yes"})
    second, first = notices.published(sqlite_site, study)
    assert (first.version, first.texts["en"]) == (1, WORDS["en"])
    assert (second.version, second.texts["en"]) == (2, "Another text.")
