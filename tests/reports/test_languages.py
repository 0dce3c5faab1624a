"""Reports in the person's language: the same numbers, no English left, identical bytes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from pypdf import PdfReader
from sqlalchemy import select

from surveyapp.cli import main
from surveyapp.demo.cohort import make_cohort, write_files
from surveyapp.services import reporting
from surveyapp.services.exchange import import_folder
from surveyapp.services.site import Site
from surveyapp.store.tables import Participant, Retreat
from surveyapp.study.instrument import Instrument
from tests.catalogues import KEYWORDS, METHODS, ROOT, known
from tests.conftest import NOON

LANGUAGES = ("nl", "de", "es")
SAID = {
    "nl": ("Angst", "Depressie", "sinds vóór de retraite", "Doseringsdag", "Alle antwoorden"),
    "de": ("Angst", "Depression", "seit vor dem Retreat", "Dosistag", "Alle Antworten"),
    "es": ("Ansiedad", "Depresión", "desde antes del retiro", "Día de dosis", "Todas las"),
}
ENGLISH = ("since before", "Dosing day", "All answers", "Where the numbers", "Day 8", "Lower is",
           "estimated", "before the dose", "Answered", "Placeholder. Not")  # fmt: skip


@pytest.fixture
def cohort(sqlite_site: Site, tmp_path: Path) -> Site:
    folder = tmp_path / "cohort"
    folder.mkdir()
    write_files(folder, make_cohort(sqlite_site.library.instruments))
    import_folder(sqlite_site, folder, NOON, "test")
    return sqlite_site


def code_of(site: Site) -> str:
    with site.database.read() as session:
        return session.scalars(select(Participant.code).order_by(Participant.code)).first() or ""


def read(site: Site, report: reporting.Report) -> tuple[str, int]:
    pages = PdfReader(io.BytesIO(reporting.pdf(site, report))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split()), len(pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_persons_report_is_all_in_their_language(cohort: Site, language: str):
    code = code_of(cohort)
    english = reporting.participant_report(cohort, code, NOON, "en")
    report = reporting.participant_report(cohort, code, NOON, language)
    text, pages = read(cohort, report)
    assert [words for words in SAID[language] if words not in text] == []
    assert [words for words in ENGLISH if words in text] == []
    assert pages == read(cohort, english)[1]
    assert report.data == english.data
    assert f'<html lang="{language}"' in report.html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_retreats_report_can_be_asked_for(cohort: Site, language: str):
    with cohort.database.read() as session:
        name = session.scalars(select(Retreat.name).order_by(Retreat.name)).first() or ""
    english = reporting.retreat_report(cohort, name, NOON)
    report = reporting.retreat_report(cohort, name, NOON, language)
    text, pages = read(cohort, report)
    assert pages == read(cohort, english)[1]
    assert [
        w for w in ("There is no control", "For staff", "Mean", "of the group") if w in text
    ] == []
    assert report.data == english.data


def test_the_persons_own_language_is_the_default_and_bytes_are_the_same(cohort: Site):
    code = code_of(cohort)
    with cohort.database.write() as session:
        query = select(Participant).where(Participant.code == code)
        session.scalars(query).one().language = "de"
    one = reporting.participant_report(cohort, code, NOON)
    two = reporting.participant_report(cohort, code, NOON, "de")
    assert one.html == two.html
    assert reporting.pdf(cohort, one) == reporting.pdf(cohort, two)


def test_an_unknown_language_is_wrong_input(capsys: pytest.CaptureFixture[str]):
    assert main(["report", "participant", "P-01", "--json", "--language", "fr"]) == 2
    assert "there are reports in en, nl, de, es, not in 'fr'" in capsys.readouterr().err


def labels(instruments: dict[str, Instrument]) -> set[str]:
    found = {i.threshold_note for i in instruments.values()}
    for instrument in instruments.values():
        found |= {item.topic for item in instrument.items}
        found |= {scale.plain or scale.label for scale in instrument.scales}
    return {text for text in found if text}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_and_no_label_is_missing(sqlite_site: Site, language: str):
    there = known(language)
    said: set[str] = set()
    for folder in ("surveyapp/reports", "templates/report", "templates/chart"):
        for _name, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, METHODS, {"**": {"trimmed": "true"}}, KEYWORDS
        ):
            said.add(str(message))
    said |= labels(dict(sqlite_site.library.instruments))
    assert sorted(text for text in said if text and text not in there) == []
