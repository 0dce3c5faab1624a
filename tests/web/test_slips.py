"""Slips: one for each person, in the person's language, neutral, with a QR code that leads on."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from surveyapp.services import pins, slips
from surveyapp.services.errors import InputError
from surveyapp.services.site import Site
from surveyapp.store.tables import Participant, Retreat
from surveyapp.store.tables_access import Event
from tests.web.conftest import DAY_8, Browser
from tests.web.test_staff import act, staff  # noqa: F401 - the fixture
from tests.world import add_course

NEVER = ("psilocybin", "retreat", "dose", "mood", "anxiety", "Spring 2027")


@pytest.fixture
def retreat(sqlite_site: Site) -> int:
    for code in ("P-01", "P-02"):
        add_course(sqlite_site, code=code, address=f"{code}@example.org", confirmed=True)
    with sqlite_site.database.write() as session:
        query = select(Participant).where(Participant.code == "P-02")
        session.scalars(query).one().language = "nl"
        return session.scalars(select(Retreat.id)).one()


def make(site: Site, retreat: int, timepoint: str = "day-8", with_pins: bool = False):
    return slips.make_slips(
        site, retreat, timepoint, with_pins=with_pins, actor="staff:1", now=DAY_8
    )


def test_the_open_check_in_is_proposed(sqlite_site: Site, retreat: int):
    found, coming = slips.timepoints(sqlite_site, retreat, DAY_8)
    assert [name for name, _label in found] == ["baseline", "day-8", "week-24"]
    assert coming == "day-8"


def test_each_slip_opens_its_own_persons_check_in(
    browser: Browser, sqlite_site: Site, retreat: int
):
    first, second = make(sqlite_site, retreat)
    assert first.address != second.address
    assert "P-01" in browser.get(urlsplit(first.address).path).text
    assert "P-02" in browser.get(urlsplit(second.address).path).text


def test_pins_only_when_asked_for(sqlite_site: Site, retreat: int):
    pins.give_everybody(sqlite_site, retreat, actor="staff:1", now=DAY_8)
    assert {slip.pin for slip in make(sqlite_site, retreat)} == {""}
    assert all(re.fullmatch(r"\d{6}", s.pin) for s in make(sqlite_site, retreat, with_pins=True))
    with sqlite_site.database.read() as session:
        kinds = list(session.scalars(select(Event.kind)))
    assert kinds.count("slips printed") == 2


def test_nobody_to_print_for_is_said(sqlite_site: Site, retreat: int):
    with pytest.raises(InputError, match="Nobody here"):
        make(sqlite_site, retreat, "baseline")


def test_the_sheet_is_neutral_and_speaks_each_persons_language(
    staff: Browser,  # noqa: F811
    retreat: int,
):
    path = f"/staff/retreats/{retreat}/slips"
    assert "Print PINs too" in staff.get(path).text
    page = act(staff, path, {"timepoint": "day-8"})
    assert page.status == 200
    squares = [e for e in page.tree.iter() if e.get("class") == "qr"]
    assert len(squares) == 2
    assert "Point your phone's camera" in page.text
    assert "Richt de camera" in page.text
    sheet = next(e for e in page.all("div") if e.get("class") == "slips")
    words = " ".join(sheet.itertext()).lower()
    assert [word for word in NEVER if word.lower() in words] == []
    assert act(staff, path, {"timepoint": "baseline"}).status == 400
