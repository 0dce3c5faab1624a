"""Letter instead of A4: another sheet, the same pages and every text."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from surveyapp.config import Paper, SettingsError, load_settings
from surveyapp.reports.paper import on_paper
from surveyapp.reports.pdf import render_here

from .test_tagged import LANGUAGES, TITLES, html_of

SIZES: dict[Paper, list[int]] = {"a4": [595, 842], "letter": [612, 792]}


def read(html: str, paper: Paper) -> PdfReader:
    return PdfReader(io.BytesIO(render_here(on_paper(html, paper))))


def words_of(reader: PdfReader) -> list[str]:
    return sorted(" ".join(page.extract_text() for page in reader.pages).split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", TITLES)
def test_nothing_is_lost_on_letter(kind: str, language: str):
    html = html_of(kind, language)
    drawn: dict[Paper, PdfReader] = {paper: read(html, paper) for paper in SIZES}
    for paper, reader in drawn.items():
        sizes = [[round(float(e)) for e in page.mediabox[2:]] for page in reader.pages]
        assert sizes == [SIZES[paper]] * len(drawn["a4"].pages)
    assert (kind, language) != ("participant", "en") or len(drawn["letter"].pages) == 2
    assert words_of(drawn["letter"]) == words_of(drawn["a4"])


def test_a_paper_that_is_not_known_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SURVEYAPP_PAPER", "letter")
    assert load_settings().paper == "letter"
    monkeypatch.setenv("SURVEYAPP_PAPER", "legal")
    with pytest.raises(SettingsError, match=r"SURVEYAPP_PAPER is wrong: .*'a4' or 'letter'"):
        load_settings()
