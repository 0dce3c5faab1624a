"""Wordings on the pages: looked at screen by screen, installed once confirmed, kept when wrong."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict, replace

import pytest

from surveyapp.services.site import Site
from tests.fillers import PERMISSION, filled, install

from .conftest import DAY_8, Browser, Page
from .test_staff import act, value
from .test_staff import staff as staff

PATH = "/staff/wordings/install"


def post(
    browser: Browser, raw: bytes | None, do: str = "look", page: Page | None = None, **change: str
) -> Page:
    """Send the form: `page` is the one it stood on."""
    token = value(page or browser.get(PATH), "csrf_token")
    fields = {**asdict(PERMISSION), "instrument": "hads", "language": "en", **change}
    file = {"file": (io.BytesIO(raw), "hads.csv")} if raw is not None else {}
    return browser.post(PATH, {"csrf_token": token, "do": do, **fields, **file})


def hidden(page: Page) -> dict[str, str]:
    return {e.get("name"): e.get("value") for e in page.all("input") if e.get("type") == "hidden"}


def test_every_screen_is_shown_and_nothing_saved_before_it_is_confirmed(
    staff: Browser, sqlite_site: Site
) -> None:
    raw = filled(sqlite_site.library.instruments["hads"])
    page = post(staff, raw)
    assert page.heading.startswith("Screens: ")
    assert len(page.all("fieldset")) == 14
    assert "Filler Tension" in page.text
    assert "Filler House" in page.text
    assert "Placeholder" in staff.get("/staff/wordings").text
    assert "Filler House" not in staff.get("/staff/wordings").text
    again = staff.post(PATH, {**hidden(page), "do": "edit"})
    assert again.heading == "Install a wording"
    assert value(again, "holder") == "Filler House"
    assert "hads.csv is kept" in again.text
    done = staff.post(PATH, {**hidden(again), **hidden(page), "do": "install"})
    assert "The wording is installed." in done.text

    assert hashlib.sha256(raw).hexdigest() in done.text
    assert "0 courses run under it" in done.text


def test_a_wrong_file_keeps_what_was_typed(staff: Browser, sqlite_site: Site) -> None:
    raw = filled(sqlite_site.library.instruments["hads"]).replace(b"1,0,3,", b"1,0,9,")
    page = post(staff, raw, holder="", expires="soon")
    assert page.status == 400
    for said in (
        "1: options have the values [0, 1, 2, 9], not [0, 1, 2, 3].",
        "Say who gave it, or who published it.",
        "Write the last day as",
        "hads.csv is kept",
    ):
        assert said in page.text
    assert value(page, "reference") == "F-1"
    assert value(page, "expires") == "soon"
    nothing = post(staff, None)
    assert nothing.status == 400
    assert "Choose the file that you filled in." in nothing.text


def test_a_large_file_is_taken_here_alone(staff: Browser, sqlite_site: Site) -> None:
    raw = filled(sqlite_site.library.instruments["hads"]).replace(b"Filler form", b"x" * 100_000)
    page = post(staff, raw)
    assert "line 2: the text is longer than 2000 characters." in page.text
    page = post(staff, raw.replace(b"x" * 100_000, b"y" * 300_000))
    assert "field larger than field limit" in page.text
    token = value(staff.get("/staff/retreats/new"), "csrf_token")
    much = {"csrf_token": token, "name": "x" * 100_000}
    assert staff.post("/staff/retreats/new", much).status == 413


def test_a_tampered_form_is_no_fault_of_ours(staff: Browser) -> None:
    page = staff.post(
        PATH, {"csrf_token": value(staff.get(PATH), "csrf_token"), "kept": "***", "do": "install"}
    )
    assert page.status == 400
    assert "Choose one." in page.text


def test_its_page_changes_the_permission_and_retires_it(staff: Browser, sqlite_site: Site) -> None:
    by = {"actor": "staff:1", "now": DAY_8}
    install(sqlite_site, "hads", permission=replace(PERMISSION, expires="2027-04-20"), **by)
    assert "Ends on tue 20 apr 2027, in 23 days" in staff.get("/staff/wordings/1").text
    assert "in 23 days" in staff.get("/staff/").text
    one = "/staff/wordings/1"
    fields: dict[str, object] = {**asdict(PERMISSION), "expires": "2029-01-01"}
    page = act(staff, f"{one}/permission", {**fields, "why": ""})
    assert page.status == 400
    assert value(page, "expires") == "2029-01-01"
    page = act(staff, f"{one}/permission", {**fields, "why": "renewed"})
    assert "2029-01-01" in page.text
    assert "until 2027-04-20" in page.text
    page = act(staff, f"{one}/override", {"until": "2027-05-01", "reason": "a letter is coming"})
    assert "Goes on until Sat 1 May 2027: a letter is coming" in page.text
    page = act(staff, f"{one}/retire", {"reason": "a slip in item 3"})
    assert "It is retired." in page.text
    assert "Retired" in staff.get("/staff/wordings").text
    assert len(staff.get(f"{one}/screens").all("fieldset")) == 14
    assert staff.get("/staff/wordings/99").status == 404


@pytest.mark.parametrize("name", ["hads", "nothing"])
def test_the_csv_to_fill_in(staff: Browser, name: str) -> None:
    answer = staff.client.get(f"/staff/wordings/{name}/nl.csv", base_url=staff.base_url)
    if name == "nothing":
        assert answer.status_code == 404
        return
    assert answer.mimetype == "text/csv"
    assert answer.get_data(as_text=True).startswith("item,position,value,text\ntitle,,,<fill in")


def test_only_what_is_judged_by_the_same_reader_is_kept(staff: Browser, sqlite_site: Site) -> None:
    """What the form kept is judged again when it is confirmed."""
    page = post(staff, filled(sqlite_site.library.instruments["hads"]))
    fields = {**hidden(page), "instrument": "meq30", "do": "install"}
    answer = staff.post(PATH, fields)
    assert answer.status == 400
    assert "there is no item" in answer.text or "has no text" in answer.text
