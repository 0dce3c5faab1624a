"""Erasing, the person's copy and retention, as staff do them, without script."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest

from surveyapp.services import erasing, ledger
from surveyapp.services.site import Site
from tests.wholly import CODE, OTHER, add_mentions, add_wholly

from .conftest import DAY_8, Browser
from .test_staff import act
from .test_staff import staff as staff

ERASE = f"/staff/people/{CODE}/erase"
WISH: dict[str, object] = {"kind": "everything", "reason": "asked for it", "again": CODE}
PERIODS: dict[str, object] = {"contacts": "30", "notes": "30"}


@pytest.fixture
def peopled(staff: Browser, sqlite_site: Site) -> Browser:
    add_wholly(sqlite_site)
    add_mentions(sqlite_site)
    return staff


def test_what_goes_and_what_stays_is_shown_first(peopled: Browser) -> None:
    page = peopled.get(ERASE)
    assert "contact details (2)" in page.text
    assert "adverse events (1)" in page.text
    assert "so that it still verifies" in page.text
    assert "messages at the mail server and in mailboxes" in page.text
    assert peopled.get(f"/staff/people/{CODE}").status == 200


def test_everything_is_erased(peopled: Browser, sqlite_site: Site) -> None:
    page = act(peopled, ERASE, WISH)
    assert page.heading == "Erasures"
    assert "It is erased. The worker rewrites the files within minutes." in page.text
    assert "asked for it" in page.text
    assert "ada@example.org Not yet: the worker tries every minute" in page.text
    assert CODE not in page.text
    assert peopled.get(f"/staff/people/{CODE}").status == 404
    assert peopled.get(ERASE).status == 404
    assert peopled.get(f"/staff/people/{OTHER}").status == 200
    assert len(ledger.read(sqlite_site).lines) == 1
    person = {"do": "one", "code": CODE, "email": ""}
    assert (
        "belonged to somebody who was erased"
        in act(peopled, "/staff/retreats/1/people", {**person}).text
    )


def test_the_contacts_alone(peopled: Browser) -> None:
    act(peopled, ERASE, {**WISH, "kind": "contacts"})
    assert "None on record" in peopled.get(f"/staff/people/{CODE}").text


def test_a_slip_erases_nobody(peopled: Browser, sqlite_site: Site) -> None:
    for wrong, sentence in (
        ({"again": ""}, f"Write {CODE}"),
        ({"again": OTHER}, f"Write {CODE}"),
        ({"reason": ""}, "Say why"),
        ({"reason": f"{CODE} wished it"}, "must not name anybody"),
        ({"kind": "half"}, "Choose one"),
    ):
        page = act(peopled, ERASE, {**WISH, **wrong})
        assert page.status == 400
        assert sentence in page.text
    assert erasing.made(sqlite_site) == []


def test_a_look_up_leads_to_the_preview(peopled: Browser) -> None:
    assert peopled.get(f"/staff/erasures?code={CODE.lower()}").heading == f"Erase {CODE}"
    page = peopled.get("/staff/erasures?code=<b>x</b>")
    assert "There is nobody with the study code …." in page.text
    assert "Nobody was erased yet" in peopled.get("/staff/erasures").text


def test_a_lost_ledger_is_named(peopled: Browser, sqlite_site: Site) -> None:
    act(peopled, ERASE, WISH)
    ledger.path_of(sqlite_site).unlink()
    page = peopled.get("/staff/erasures")
    assert "The ledger is not whole" in page.text
    assert "1 erasure is in the database and not in the ledger" in page.text


def test_who_leaves_has_no_contact_any_more(peopled: Browser) -> None:
    stop = {"kind": "died", "drop_contacts": "y"}
    page = act(peopled, f"/staff/people/{CODE}/1/stop", {**stop})
    assert "None on record" in page.text
    other = act(peopled, f"/staff/people/{OTHER}/1/stop", {"kind": "died"})
    assert "None on record" not in other.text


def test_the_own_copy_is_made_by_the_button(peopled: Browser, sqlite_site: Site) -> None:
    path = f"/staff/people/{CODE}/copy"
    page = peopled.get(path)
    token = page.attribute("input", "value", name="csrf_token")
    base = {"base_url": peopled.base_url}
    assert peopled.client.post(path, data={}, **base).status_code == 400
    response = peopled.client.post(path, data={"csrf_token": token}, **base)
    assert response.mimetype == "application/zip"
    assert response.headers["Cache-Control"] == "no-store"
    assert CODE not in response.headers["Content-Disposition"]
    names = zipfile.ZipFile(io.BytesIO(response.data)).namelist()
    assert set(names) == {"data.json", "report.pdf", "read-me.txt"}
    assert peopled.get("/staff/people/Nobody/copy").status == 404
    sqlite_site.renderer.close()


def test_periods_are_set_after_a_look_at_what_would_go(peopled: Browser) -> None:
    peopled.clock.now = DAY_8 + timedelta(days=250)
    page = act(peopled, "/staff/retention", PERIODS)
    assert page.status == 400
    assert "Contact details: 3" in page.text
    assert page.attribute("input", "value", name="contacts") == "30"
    fields = {n: page.attribute("input", "value", name=n) for n in ("csrf_token", "seen")}
    changed = peopled.post("/staff/retention", {**fields, **PERIODS, "notes": "31"})
    assert changed.status == 400
    assert "Look at this first" in changed.text
    seen = changed.attribute("input", "value", name="seen")
    page = peopled.post("/staff/retention", {**fields, **PERIODS, "notes": "31", "seen": seen})
    assert "The periods are saved." in page.text
    assert "Contact details: 3" in peopled.get("/staff/retention").text


def test_periods_that_are_none(peopled: Browser) -> None:
    page = act(peopled, "/staff/retention", {"contacts": "soon", "visits": "3"})
    assert "Write a whole number of days" in page.text
    assert page.attribute("input", "value", name="contacts") == "soon"
    assert "at least 60" in act(peopled, "/staff/retention", {"visits": "3"}).text
    assert "Nothing was changed." in act(peopled, "/staff/retention").text
