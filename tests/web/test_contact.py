"""A person's contact: masked everywhere, shown on a POST that the trail notes, changed unseen."""

from __future__ import annotations

import json

from sqlalchemy import text

from surveyapp.services import reaching
from surveyapp.services.site import Site

from .conftest import Browser
from .test_staff import act, value
from .test_staff import filled as filled
from .test_staff import staff as staff

PERSON = "/staff/people/S-01"
FORM = f"{PERSON}/contact"
WHOLE = "s01@example.org"


def looks(site: Site) -> list[dict[str, str]]:
    query = (
        "SELECT payload FROM event JOIN event_payload ON event_uid = uid"
        " WHERE kind = 'contacts looked at'"
    )
    with site.database.read() as session:
        return [json.loads(body) for body in session.execute(text(query)).scalars()]


def test_only_a_post_shows_it_and_the_look_is_on_record(filled: Browser, sqlite_site: Site) -> None:
    act(filled, FORM, {"email": WHOLE, "phone": "+31 6 87654321", "channels": "email"})
    for path in (PERSON, FORM, f"{FORM}/show"):
        page = filled.get(path)
        assert WHOLE not in page.response.get_data(as_text=True)
        assert "87654321" not in page.response.get_data(as_text=True)
    assert looks(sqlite_site) == []
    shown = act(filled, f"{FORM}/show", {})
    assert f"E-mail: {WHOLE}; Phone: +31687654321" in shown.text
    assert looks(sqlite_site) == [{"person": "S-01", "what": "e-mail and phone"}]
    assert filled.post(f"{FORM}/show", {}).status == 400
    assert len(looks(sqlite_site)) == 1


def test_empty_keeps_and_a_tick_removes(filled: Browser, sqlite_site: Site) -> None:
    act(filled, FORM, {"email": WHOLE, "phone": "+31687654321", "channels": "email"})
    page = act(filled, FORM, {"email": "", "phone": "", "channels": "phone email"})
    assert "The contact of S-01 is saved." in page.text
    known = reaching.contacts_of(sqlite_site, "S-01")
    assert (known.email, known.phone, known.channels) == (WHOLE, "+31687654321", "phone email")
    act(filled, FORM, {"no_phone": "y", "channels": "email"})
    known = reaching.contacts_of(sqlite_site, "S-01")
    assert (known.email, known.phone) == (WHOLE, "")


def test_whoever_saves_second_is_told_though_the_mask_is_the_same(filled: Browser) -> None:
    act(filled, FORM, {"email": "s01@example.org", "channels": "email"})
    first = value(filled.get(FORM), "stood")
    act(filled, FORM, {"email": "s02@example.org", "channels": "email"})
    assert value(filled.get(FORM), "stood") != first
    page = act(filled, FORM, {"email": "s03@example.org", "channels": "email", "stood": first})
    assert page.status == 400
    assert "On record: s…@example.org" in page.text
