"""The longest texts and mark-up in every field that is printed: all of it stands there, as text."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time
from typing import Any

import html5lib
import pytest
from pypdf import PdfReader
from weasyprint import HTML

from surveyapp.reports.measure import text_width
from surveyapp.reports.pdf import render_here
from surveyapp.services import enrolment, missing, notes, people, programme, reporting, safety
from surveyapp.services.dosing import NewDose, record_dose
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.missing import Reason
from surveyapp.services.people import NewPerson
from surveyapp.services.programme import TypedSession
from surveyapp.services.safety import NewEvent
from surveyapp.services.site import Site

NOW = datetime(2027, 9, 30, 12, tzinfo=UTC)
BY: dict[str, Any] = {"actor": "staff:1", "now": NOW}
HOSTILE = "<script>alert(1)</script>"
NAME = (HOSTILE + "W" * 80)[:80]
TERM = (HOSTILE + "{{ 7 * 7 }}" + "W" * 200)[:200]
WORDS = (HOSTILE + " “less” & <b>afraid</b> " + "never " * 100)[:500].strip()


@pytest.fixture
def hostile(sqlite_site: Site) -> Site:
    day, site = date(2027, 3, 20), sqlite_site
    before: dict[str, Any] = {"actor": "staff:1", "now": datetime(2027, 3, 1, 9, tzinfo=UTC)}
    made = enrolment.add_retreat(
        site, NewRetreat(NAME, "second-retreat", "Europe/Amsterdam", day), **before
    )
    people.add_people(site, made, [NewPerson("P-01")], **before)
    record_dose(site, "P-01", 1, NewDose("first", "given", 25, day, time(10)), **BY)
    event = NewEvent(TERM, 3, day, time(12), relatedness="probable", note=WORDS)
    safety.record_event(site, "P-01", 1, event, **BY)
    notes.set_intention(site, "P-01", 1, WORDS, 0, **BY)
    missing.record_reason(site, "P-01", 1, "day-8", Reason("", "our error", HOSTILE, 0), **BY)
    session = TypedSession(date(2027, 9, 1), None, label=HOSTILE + "W" * 30, kind="integration")
    programme.save_programme(site, made, {}, session, 0, **BY)
    return site


def squeezed(text: str) -> str:
    return "".join(text.split())


def printed(html: str) -> str:
    """The text of a PDF, without white space."""
    reader = PdfReader(io.BytesIO(render_here(html)))
    return squeezed("".join(page.extract_text() for page in reader.pages))


def beyond(html: str) -> list[str]:
    """What runs over the right edge of its page's text, or of its chart."""
    found: list[str] = []
    for page in HTML(string=html).render().pages:
        box = page._page_box
        edge = box.margin_left + box.width + 0.5
        for part in box.descendants():
            if type(part).__name__ == "TextBox" and part.position_x + part.width > edge:
                found.append(part.text)
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    for chart in (e for e in tree.iter() if e.tag.endswith("svg")):
        for text in (e for e in chart.iter() if e.tag.endswith("text")):
            bold = text.get("font-weight") == "700"
            width = text_width(text.text or "", float(text.get("font-size")), bold=bold)
            share = {"middle": 0.5, "end": 0.0}.get(text.get("text-anchor") or "", 1.0)
            if float(text.get("x")) + share * width > float(chart.get("width")) + 2:
                found.append(text.text or "")
    return found


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_session_pdf_prints_it_all(hostile: Site, language: str) -> None:
    html = reporting.participant_report(hostile, "P-01", NOW, language, meeting="added-1").html
    assert "<script" not in html
    text = printed(html)
    for expected in (NAME[:60], TERM, WORDS, HOSTILE + "W" * 30):
        assert squeezed(expected) in text, expected
    assert beyond(html) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_retreats_pdf_prints_it_all(hostile: Site, language: str) -> None:
    html = reporting.retreat_report(hostile, NAME, NOW, language).html
    assert "<script" not in html
    text = printed(html)
    assert squeezed(NAME) in text
    assert squeezed(TERM) in text
    assert beyond(html) == []
