"""The participant's pages over HTTP, as a browser without script sees them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link, revoke_link
from surveyapp.store.tables import Answer, Assessment, Study
from surveyapp.store.tables_access import Event
from tests.web.conftest import DAY_8, Browser, Page
from tests.world import add_course

DOSING = date(2027, 3, 20)
TOPICS = ["Tension", "Humour", "Panic"]


@pytest.fixture
def token(sqlite_site: Site) -> str:
    course = add_course(sqlite_site, dosing=DOSING, confirmed=True)
    with sqlite_site.database.write() as session:
        study = session.scalars(select(Study)).one()
        study.emergency, study.crisis_line = "112", "0800 0113"
        study.phone, study.hours = "+31 20 123 4567", "weekdays 9:00 to 17:00"
        study.readers, study.read_when = "the study nurse", "within three working days"
        return ensure_link(session, sqlite_site.link_key, course, "day-8")


def start(browser: Browser, token: str) -> Page:
    return browser.post(f"/s/{token}")


def write_of(page: Page) -> str:
    return page.attribute("input", "value", name="w")


def chosen(page: Page) -> dict[str, str]:
    return {e.get("name"): e.get("value") for e in page.all("input") if "checked" in e.attrib}


def visit_of(page: Page) -> str:
    return page.path.split("/")[2]


def state(site: Site) -> tuple[int, int, int]:
    """How many assessments, answers and events there are."""
    with site.database.read() as session:
        tables = (Assessment, Answer, Event)
        counts = [len(session.scalars(select(table)).all()) for table in tables]
    return counts[0], counts[1], counts[2]


def test_the_start_page_says_everything_first(browser: Browser, token: str):
    page = browser.get(f"/s/{token}")
    assert page.status == 200
    assert page.heading == "Check-in"
    for words in (
        "P-01",
        "14 short questions",
        "During your session on 20 March",
        "until the end of Saturday 3 April 2027",
        "Your answers are read by the study nurse, within three working days.",
        "Nobody reads your answers as they arrive. It may be days. This page cannot call for help."
        " If you are in danger or feel you might harm yourself, call 112 now, or 0800 0113."
        " Study team: +31 20 123 4567, weekdays 9:00 to 17:00.",
        "Practice study. Placeholder. Not the HADS",
    ):
        assert words in page.text.replace(" ,", ",").replace(" .", "."), words
    assert page.text.count("Nobody reads your answers") == 2


def test_looking_changes_nothing(browser: Browser, token: str, sqlite_site: Site):
    before = state(sqlite_site)
    for _ in range(20):
        browser.get(f"/s/{token}")
        browser.client.head(f"/s/{token}", base_url=browser.base_url)
    assert state(sqlite_site) == before


def test_the_whole_way_without_script(browser: Browser, token: str, sqlite_site: Site):
    page = start(browser, token)
    assert page.path.endswith("/hads")
    assert chosen(page) == {}
    assert len(page.all("fieldset")) == len(page.all("legend")) == 14
    assert all(topic in page.text for topic in TOPICS)

    form = {"w": write_of(page), "a-1": "3", "a-2": "skip", "do": "later"}
    page = browser.post(page.path, form)
    assert page.heading == "Your answers are saved"

    page = start(browser, token)
    assert chosen(page) == {"a-1": "3", "a-2": "skip"}
    rest = {f"a-{n}": "0" for n in range(3, 15)}
    page = browser.post(page.path, {"w": write_of(page), **rest, "do": "review"})
    assert page.heading == "Your answers"
    assert "Not answered" in page.text
    assert "still open" not in page.text

    page = browser.post(f"{page.path.removesuffix('/review')}/send", {"w": write_of(page)})
    assert page.path.endswith("/meq30")
    assert "Part 2 of 2" in page.text
    assert "Part 1 is sent." in page.text
    everything = {f"a-{n}": "3" for n in range(1, 31)}
    page = browser.post(page.path, {"w": write_of(page), **everything, "do": "review"})
    page = browser.post(f"{page.path.removesuffix('/review')}/send", {"w": write_of(page)})
    assert page.heading == "Thank you"
    assert "planned for Saturday 4 September 2027" in page.text
    assert "Nobody reads your answers as they arrive." in page.text
    with sqlite_site.database.read() as session:
        assert all(a.submitted_at == DAY_8 for a in session.scalars(select(Assessment)))


def test_after_sending_nothing_is_shown_or_taken(browser: Browser, token: str, sqlite_site: Site):
    page = start(browser, token)
    write, visit = write_of(page), visit_of(page)
    browser.post(page.path, {"w": write, "a-1": "3", "do": "review"})
    for part in ("hads", "meq30"):
        browser.post(f"/q/{visit}/{part}/send", {"w": write})
    before = state(sqlite_site)

    again = browser.get(f"/s/{token}")
    assert (again.status, again.heading) == (200, "Already sent")
    for path in (f"/q/{visit}", f"/q/{visit}/hads", f"/q/{visit}/hads/review"):
        assert browser.get(path).heading == "Thank you"
    refused = browser.post(f"/q/{visit}/hads", {"w": write, "a-1": "0", "do": "review"})
    assert refused.status == 410
    reply = browser.deliver(f"/q/{visit}/answers", delivery(write, answer("1", 0)))
    assert (reply.status_code, "error" in reply.get_json()) == (410, True)
    assert browser.post(f"/q/{visit}/hads/send", {"w": write}).heading == "Thank you"
    assert state(sqlite_site) == before


def test_unknown_revoked_closed_and_early_links(browser: Browser, token: str, sqlite_site: Site):
    unknown = browser.get("/s/AAAAAAAAAAAAAAAAAAAAAA")
    assert (unknown.status, unknown.heading) == (404, "We do not know this link")
    assert "Study team: +31 20 123 4567" in unknown.text
    assert browser.post("/s/AAAAAAAAAAAAAAAAAAAAAA").status == 404

    browser.clock.now = datetime(2027, 3, 1, tzinfo=UTC)
    early = browser.get(f"/s/{token}")
    assert (early.status, early.heading) == (200, "It is not time yet")
    assert "It opens on Sunday 28 March 2027." in early.text

    browser.clock.now = datetime(2027, 5, 1, tzinfo=UTC)
    closed = browser.get(f"/s/{token}")
    assert (closed.status, closed.heading) == (410, "This check-in is closed")
    assert "Study team: +31 20 123 4567" in closed.text
    assert browser.post(f"/s/{token}").status == 410

    browser.clock.now = DAY_8
    with sqlite_site.database.write() as session:
        revoke_link(session, sqlite_site.link_key, 1, "day-8")
    assert browser.get(f"/s/{token}").status == 404


def test_the_draft_needs_its_cookie_but_saving_does_not(browser: Browser, token: str):
    page = start(browser, token)
    write, visit = write_of(page), visit_of(page)
    name = f"visit-{visit}"
    header = next(
        value
        for response in page.response.history
        for value in response.headers.getlist("Set-Cookie")
        if value.startswith(name)
    )
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Secure" in header
    assert f"Path=/q/{visit}" in header
    browser.client.delete_cookie(name, domain="checkin.example.org", path=f"/q/{visit}")
    assert browser.get(f"/q/{visit}/hads").status == 404
    assert browser.deliver(f"/q/{visit}/answers", delivery(write, answer("1", 3))).get_json() == {
        "saved": 1
    }
    assert chosen(start(browser, token)) == {"a-1": "3"}


def test_a_page_left_open_for_thirty_days_still_saves(browser: Browser, token: str):
    page = start(browser, token)
    browser.clock.now = datetime(2027, 4, 27, tzinfo=UTC)
    body = delivery(write_of(page), answer("1", 3))
    assert browser.deliver(f"/q/{visit_of(page)}/answers", body).status_code == 200
    assert chosen(browser.get(page.path)) == {"a-1": "3"}


def answer(item: str, value: object, **more: object) -> dict[str, object]:
    return {"instrument": "hads", "item": item, "value": value, "at": 1_000_000, **more}


def delivery(write: str, *answers: object, **more: object) -> dict[str, object]:
    return {"w": write, "sent_at": 1_000_500, "answers": list(answers), **more}


BAD_ANSWERS = {
    "a value of no option": answer("1", 4),
    "an unknown item": answer("99", 0),
    "a text for a value": answer("1", "3"),
    "true for a value": answer("1", True),
    "a fraction": answer("1", 1.5),
    "an unknown instrument": {**answer("1", 0), "instrument": "ratings"},
    "one more field": answer("1", 0, extra=1),
    "a missing field": {"instrument": "hads", "item": "1", "value": 0},
    "a number for an item": {**answer("1", 0), "item": 1},
    "no time": {**answer("1", 0), "at": None},
    "an endless time": {**answer("1", 0), "at": float("inf")},
    "no time at all": {**answer("1", 0), "at": float("nan")},
    "a time beyond every clock": {**answer("1", 0), "at": 1e300},
    "a list": [1],
    "null": None,
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_one_bad_answer_refuses_the_delivery(
    browser: Browser, token: str, sqlite_site: Site, bad: object
):
    page = start(browser, token)
    address, write = f"/q/{visit_of(page)}/answers", write_of(page)
    browser.deliver(address, delivery(write, answer("1", 3)))
    before = state(sqlite_site)
    reply = browser.deliver(address, delivery(write, answer("1", 0), answer("2", 0), bad))
    assert reply.status_code == 400
    assert reply.get_json()["error"].endswith(".")
    assert state(sqlite_site) == before
    assert chosen(browser.get(page.path)) == {"a-1": "3"}


BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe",
    b'{"w": "x"}',
    b'{"w": "x", "sent_at": 1, "answers": {}}',
    b"[" * 50_000,
    b'{"w": 1, "sent_at": 1, "answers": [1]}',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_delivery(browser: Browser, token: str, body: bytes):
    address = f"/q/{visit_of(start(browser, token))}/answers"
    reply = browser.client.post(address, data=body, base_url=browser.base_url)
    assert reply.status_code == 400
    assert reply.get_json()["error"]


def test_a_body_that_is_too_large(browser: Browser, token: str):
    address = f"/q/{visit_of(start(browser, token))}/answers"
    reply = browser.client.post(address, data=b"x" * 100_000, base_url=browser.base_url)
    assert reply.status_code == 413


@pytest.mark.parametrize(
    "wrong",
    [
        {"a-1": "4"},
        {"a-1": "three"},
        {"a-99": "0"},
        {"b-1": "0"},
        {"a-": "0"},
        {"do": "send"},
        {"a-1": ["0", "1"]},
        {"a-1": "9" * 400},
        {"a-1": "\N{ARABIC-INDIC DIGIT THREE}x"},
    ],
)
def test_a_form_that_the_page_does_not_send(
    browser: Browser, token: str, sqlite_site: Site, wrong: dict[str, object]
):
    page = start(browser, token)
    write = write_of(page)
    browser.post(page.path, {"w": write, "a-1": "3", "do": "later"})
    before = state(sqlite_site)
    refused = browser.post(page.path, {"w": write, "a-2": "0", "do": "review", **wrong})
    assert refused.status == 400
    assert refused.heading == "That was not understood"
    assert state(sqlite_site) == before


@pytest.mark.parametrize("data", [{}, {"w": ""}, {"w": "x", "more": "1"}])
def test_a_form_that_does_not_send(browser: Browser, token: str, data: dict[str, str]):
    page = start(browser, token)
    assert browser.post(f"{page.path}/send", data).status == 400


def test_a_wrong_capability_or_visit_is_unknown(browser: Browser, token: str):
    page = start(browser, token)
    write, visit = write_of(page), visit_of(page)
    body = delivery("x" * 43, answer("1", 0))
    assert browser.deliver(f"/q/{visit}/answers", body).status_code == 404
    for other in ("nobody", "%00", "x" * 200, "é"):
        reply = browser.deliver(f"/q/{other}/answers", delivery(write, answer("1", 0)))
        assert reply.status_code == 404
        assert browser.get(f"/q/{other}").status == 404
        assert browser.post(f"/q/{other}/hads/send", {"w": write}).status == 404
    assert browser.get(f"/q/{visit}/ratings").status == 404
    assert browser.post(f"/q/{visit}/ratings/send", {"w": write}).status == 404


def test_nothing_on_the_way_tells_what_it_is_about(browser: Browser, token: str):
    page = start(browser, token)
    pages = [browser.get(f"/s/{token}"), page, browser.get(f"{page.path}/review")]
    for shown in pages:
        title = "".join(shown.tree.find(".//title").itertext())
        assert set(title.split()) <= {"Check-in", "Your", "answers", "–"}
