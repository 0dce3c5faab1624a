"""Texts and keys that part: a key gets another item while courses run, with texts of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surveyapp.services import answering, corrections, visits
from surveyapp.services import versions as amendments
from surveyapp.services.answering import Tap
from surveyapp.services.site import Site
from surveyapp.store import wordings
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Study
from surveyapp.store.windows import mend_windows
from surveyapp.study.keyfile import load_key
from surveyapp.study.library import load_library
from tests.fillers import install

from .test_freezing import OPEN, answer_all_but_one, installed
from .test_versions import BY, amendment, start_retreat
from .test_wordings import shown


def longer(site: Site, folder: Path, name: str = "hads") -> Site:
    """The installation opened after an item was added to a key and to the texts beside it."""
    installed(site, folder, lambda text: text)
    own = folder / "instruments" / name
    key = own / "instrument.toml"
    added = '[[items]]\nid = "added"\ntopic = "Added"\n\n[[scales]]'
    key.write_text(key.read_text().replace("[[scales]]", added, 1))
    values = load_key(own).items[0].values
    for path in own.glob("*.csv"):
        rows = [f"added,{n},{value},Option {value}" for n, value in enumerate(values)]
        path.write_text("\n".join([path.read_text().rstrip(), "added,,,Added", *rows, ""]))
    return replace(site, library=load_library(folder / "instruments"))


def take(site: Site) -> int:
    told = amendments.preview_study(site, 1, OPEN)
    return amendments.take_for_study(site, 1, told.digest, amendment(), actor="staff:1", now=OPEN)


def begin(site: Site, course: int) -> answering.Opened:
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "baseline")
    return answering.begin(site, token, OPEN)


def items(site: Site, opened: answering.Opened) -> list[str]:
    page = visits.questionnaire(site, opened.visit, opened.read_secret, "hads", OPEN)
    assert page is not None
    return [question.item for question in page.questions]


@pytest.mark.parametrize("name", ["hads", "ratings"])
def test_a_longer_key_leaves_running_courses_as_they_are(
    sqlite_site: Site, tmp_path: Path, name: str
) -> None:
    start_retreat(sqlite_site, "Spring 2027", "P-01")
    site = longer(sqlite_site, tmp_path, name)
    assert len(items(site, begin(site, 1))) == 14
    with site.database.write() as session:
        assert mend_windows(session, site.library) == 0


def test_an_amendment_to_a_longer_key_brings_its_texts(site: Site, tmp_path: Path) -> None:
    start_retreat(site, "Spring 2027", "P-01")
    changed = longer(site, tmp_path)
    assert take(changed) == 1
    assert len(items(changed, begin(changed, 1))) == 15


def test_what_was_begun_by_the_shorter_key_is_answered_in_its_own_texts(
    sqlite_site: Site, tmp_path: Path
) -> None:
    start_retreat(sqlite_site, "Spring 2027", "P-01")
    opened = begin(sqlite_site, 1)
    changed = longer(sqlite_site, tmp_path)
    take(changed)
    asked = items(changed, opened)
    assert len(asked) == 14
    write = visits.write_capability(opened.read_secret)
    answering.save(changed, opened.visit, write, [Tap("hads", i, 1) for i in asked], OPEN)
    assert answering.send(changed, opened.visit, write, "hads", OPEN)


def test_what_was_sent_by_the_shorter_key_is_corrected_in_its_own_texts(
    sqlite_site: Site, tmp_path: Path
) -> None:
    start_retreat(sqlite_site, "Spring 2027", "P-01")
    answer_all_but_one(sqlite_site, 1)
    changed = longer(sqlite_site, tmp_path)
    take(changed)
    sheet = corrections.sent_sheet(changed, "P-01", 1, "baseline", "hads")
    assert len(sheet.items) == 14


def test_a_text_that_was_installed_for_the_shorter_key_is_not_used_for_new_courses(
    sqlite_site: Site, tmp_path: Path
) -> None:
    install(sqlite_site, "hads", **BY)
    changed = longer(sqlite_site, tmp_path)
    start_retreat(changed, "Spring 2027", "P-01")
    assert len(items(changed, begin(changed, 1))) == 15


def test_a_course_of_a_live_study_that_has_no_text_takes_the_one_that_is_installed(
    site: Site,
) -> None:
    start_retreat(site, "Spring 2027", "P-01")
    with site.database.write() as session:
        session.get_one(Study, 1).mode = "live"
    before = shown(site, 1)
    wording = install(site, "hads", **BY)
    assert shown(site, 1) != before
    with site.database.read() as session:
        assert wordings.courses_under(session, wording) == [1]
    again = shown(site, 1)
    install(site, "hads", mark="Another", **BY)
    assert shown(site, 1) == again
