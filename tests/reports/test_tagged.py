"""PDF/UA-1: what a screen reader is told of both reports, in every language."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream, IndirectObject

from surveyapp.reports.participant import participant_html, participant_view
from surveyapp.reports.pdf import render_here
from surveyapp.reports.retreat import retreat_html, retreat_view
from surveyapp.reports.spoken import spoken_instruments, spoken_person
from surveyapp.study.record import Person
from surveyapp.texts import speaking

from . import people as p

AS_OF = datetime(2026, 8, 1, 9, 2, tzinfo=UTC)
LANGUAGES = ("en", "nl", "de", "es")
TITLES = {"participant": "R2-05", "retreat": "Winter 2026"}


def html_of(kind: str, language: str) -> str:
    with speaking(language):
        said = spoken_person(p.two_courses())
        known = spoken_instruments(p.LIBRARY.instruments)
        if kind == "participant":
            shown = participant_view(said, known, now=p.NOW, as_of=AS_OF, practice=True)
            return participant_html(shown)
        group = [said, Person("G-2", said.courses)]
        return retreat_html(
            retreat_view("Winter 2026", group, known, now=p.NOW, as_of=AS_OF, practice=True)
        )


@cache
def drawn(kind: str, language: str) -> bytes:
    return render_here(html_of(kind, language))


@pytest.fixture(
    params=[(kind, language) for kind in TITLES for language in LANGUAGES], ids="-".join
)
def asked(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture
def reader(asked: tuple[str, str]) -> PdfReader:
    return PdfReader(io.BytesIO(drawn(*asked)))


def elements(node: Any) -> Iterator[Any]:
    """Every structure element below the root, in reading order."""
    for kid in node.get("/K", ()):
        if isinstance(kid, IndirectObject):
            element = kid.get_object()
            yield element
            yield from elements(element)


def tree(reader: PdfReader) -> list[Any]:
    return list(elements(reader.root_object["/StructTreeRoot"]))


def test_it_declares_what_it_is(reader: PdfReader, asked: tuple[str, str]):
    kind, language = asked
    root = reader.root_object
    assert b'pdfuaid:part="1"' in root["/Metadata"].get_data()
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert root["/Lang"] == language
    assert reader.metadata is not None
    assert reader.metadata.title == TITLES[kind]


def test_headings_and_tables_are_told_as_such(reader: PdfReader):
    kinds = Counter(e["/S"] for e in tree(reader))
    assert kinds["/H1"] == 1
    assert kinds["/H2"] >= 4
    assert min(kinds[tag] for tag in ("/Table", "/TR", "/TH", "/TD", "/P")) >= 2
    for table in (e for e in tree(reader) if e["/S"] == "/Table"):
        assert any(e["/S"] == "/TH" for e in elements(table))


def test_each_cell_names_heads_that_are_there(reader: PdfReader):
    found = tree(reader)
    heads = {str(e["/ID"]) for e in found if e["/S"] == "/TH"}
    named = {str(h) for e in found if e["/S"] == "/TD" for h in e["/A"].get("/Headers", ())}
    assert named
    assert named <= heads


def test_each_chart_is_a_figure_with_its_numbers_in_words(
    reader: PdfReader, asked: tuple[str, str]
):
    figures = [e for e in tree(reader) if e["/S"] == "/Figure"]
    assert len(figures) == html_of(*asked).count("<svg")
    for figure in figures:
        assert len(figure["/Alt"]) > 60
        assert any(letter.isdigit() for letter in figure["/Alt"])
        left, bottom, right, top = map(float, figure["/A"]["/BBox"])
        assert 0 < left < right < 595
        assert 0 < bottom < top < 842


def test_the_foot_is_furniture_and_all_else_is_in_the_tree(reader: PdfReader):
    reached = sum(isinstance(k, int) for e in tree(reader) for k in e.get("/K", ()))
    marked = 0
    for page in reader.pages:
        content = ContentStream(page["/Contents"], reader)
        begun = [operands for operands, operator in content.operations if operator == b"BDC"]
        feet = [properties for tag, properties in begun if tag == "/Artifact"]
        assert {f["/Subtype"] for f in feet} == {"/Footer"}
        marked += sum("/MCID" in properties for _tag, properties in begun)
    assert marked == reached


def test_every_font_is_embedded(reader: PdfReader):
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()
            assert "/FontFile2" in inner["/FontDescriptor"].get_object()
            assert "/ToUnicode" in font.get_object()


@pytest.mark.parametrize("kind", TITLES)
def test_two_processes_write_the_same_bytes(kind: str):
    html = html_of(kind, "de")
    code = (
        "import sys; from surveyapp.reports.pdf import render_here;"
        "sys.stdout.buffer.write(render_here(sys.stdin.read()))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], input=html.encode(), capture_output=True, check=True
    )
    assert other.stdout == drawn(kind, "de") == render_here(html)
