"""All session PDFs: asked for on the retreat's page, made elsewhere, fetched by staff alone."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

from pypdf import PdfReader

from surveyapp.services import batch
from surveyapp.services.site import Site
from tests.waiting import wait_for
from tests.web.conftest import DAY_8, Browser
from tests.web.test_staff import act, filled, staff  # noqa: F401 - the fixtures

PAGE = "/staff/retreats/1/session-pdfs"


def test_from_the_button_to_the_file(filled: Browser, sqlite_site: Site):  # noqa: F811
    links = [a.get("href") for a in filled.get("/staff/retreats/1").all("a")]
    assert PAGE in links
    asked = filled.get(PAGE)
    assert "session PDFs of 1 person" in asked.text
    assert batch.progress(sqlite_site, 1, DAY_8) is None
    page = act(filled, PAGE, {"language": "de"})
    assert page.path == f"{PAGE}/progress"
    assert "of 1 made" in page.text
    wait_for(lambda: "Download the ZIP" in filled.get(page.path).text)
    done = filled.get(page.path)
    assert "1 of 1 made" in done.text
    assert not [m for m in done.all("meta") if m.get("http-equiv")]
    fetched = filled.client.get(f"{PAGE}.zip", base_url=filled.base_url)
    assert fetched.mimetype == "application/zip"
    assert "no-store" in fetched.headers["Cache-Control"]
    assert zipfile.ZipFile(io.BytesIO(fetched.data)).namelist() == ["s-01.pdf"]
    fetched.close()
    assert batch.progress(sqlite_site, 1, DAY_8 + timedelta(days=1)) is None


def test_a_language_that_is_not_offered_starts_nothing(filled: Browser, sqlite_site: Site):  # noqa: F811
    assert act(filled, PAGE, {"language": "xx"}).status == 400
    assert batch.progress(sqlite_site, 1, DAY_8) is None


def test_nobody_without_a_sign_in_gets_near_it(browser: Browser):
    for path in (PAGE, f"{PAGE}/progress", f"{PAGE}.zip"):
        assert browser.get(path).path == "/staff/sign-in"


def test_a_retreats_pdf_comes_in_the_language_that_is_asked_for(filled: Browser):  # noqa: F811
    page = filled.get("/staff/retreats/1")
    assert "Retreat PDF, Deutsch" in page.text
    path = "/staff/retreats/1/report.pdf?language="
    for language, expected in (("de", "de"), ("xx", "en")):
        answer = filled.client.get(f"{path}{language}", base_url=filled.base_url)
        reader = PdfReader(io.BytesIO(answer.data))
        assert reader.trailer["/Root"]["/Lang"] == expected
