"""The trail's pages: in words, by person, narrowed, whole or not, and as a recorded file."""

from __future__ import annotations

import csv
import io

from sqlalchemy import text

from surveyapp.services import trailreading
from surveyapp.services.rights import EVERYTHING, Rights
from surveyapp.services.site import Site
from surveyapp.services.trailreading import Filter
from surveyapp.store import trail, trailpage
from tests.conftest import NOON

from .conftest import Browser
from .test_staff import act
from .test_staff import filled as filled
from .test_staff import staff as staff

PERSON = "/staff/people/S-01"
TRAIL = f"{PERSON}/trail"
BLIND = Rights(frozenset({"admin", "states"}))
"""Whoever reads trails and may not see scores."""


def lines(page_text: str) -> str:
    return page_text.partition("Details")[2]


def test_a_persons_trail_says_who_did_what_when(filled: Browser) -> None:
    act(filled, f"{PERSON}/language", {"language": "nl", "time_zone": "Europe/Lisbon"})
    act(filled, f"{PERSON}/contact/show", {})
    page = filled.get(PERSON)
    assert "Everything that was done about S-01" in page.text
    page = filled.get(TRAIL)
    assert page.heading == "Trail of S-01"
    assert "Times in Europe/Lisbon." in page.text
    assert "none changed, missing or out of order" in page.text
    said = lines(page.text)
    for words in ("Course added", "Contacts looked at", "Language and zone set", "ada@example.org"):
        assert words in said
    assert "language: en → nl" in said
    assert "s01@example.org" not in page.text
    assert said.index("Contacts looked at") < said.index("Course added")


def test_it_can_be_narrowed_and_nonsense_asks_for_nothing(filled: Browser) -> None:
    act(filled, f"{PERSON}/contact/show", {})
    page = filled.get(f"{TRAIL}?kind=contacts+looked+at&actor=staff:1&since=2027-03-28")
    assert "1 event " in page.text
    assert "Course added" not in lines(page.text)
    assert "Nothing fits." in filled.get(f"{TRAIL}?until=2020-01-01").text
    whole = filled.get(TRAIL)
    count = whole.text.partition(" events ")[0].rpartition(" ")[2]
    ends = ("until=9999-12-31", "since=0001-01-01")
    for query in ("kind=%0a", "since=yesterday&page=-1", "page=99999999999", *ends):
        page = filled.get(f"{TRAIL}?{query}")
        assert page.status == 200
        assert f"{count} events" in page.text


def test_the_systems_trail_and_what_is_kept_outside(filled: Browser) -> None:
    assert "Who did what and when" in filled.get("/staff/system").text
    page = filled.get("/staff/trail")
    assert page.heading == "Trail"
    assert "kept nowhere outside" in page.text
    assert "Retreat added" in lines(page.text)
    assert "Course added" not in lines(page.text)


def test_nobody_has_no_trail(filled: Browser) -> None:
    assert filled.get("/staff/people/S-99/trail").status == 404
    assert filled.get("/staff/people/S-99/trail.csv").status == 404


def test_a_tampered_chain_is_told_on_the_page(filled: Browser, sqlite_site: Site) -> None:
    with sqlite_site.database.write() as session:
        session.execute(text("DROP TRIGGER event_no_update"))
        session.execute(text("UPDATE event SET actor = 'x' WHERE kind = 'course added'"))
    assert "Course 1 was tampered with" in filled.get(TRAIL).text


def test_as_a_file_on_a_post_and_on_record(filled: Browser, sqlite_site: Site) -> None:
    form = filled.get(f"{TRAIL}.csv")
    token = form.attribute("input", "value", name="csrf_token")
    assert filled.post(f"{TRAIL}.csv", {}).status == 400
    assert exported(sqlite_site) == 0
    answer = filled.client.post(
        f"{TRAIL}.csv", data={"csrf_token": token}, base_url=filled.base_url
    )
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [row["kind"] for row in rows] == ["Course added"]
    assert exported(sqlite_site) == 1


def exported(site: Site) -> int:
    with site.database.read() as session:
        query = text("SELECT count(*) FROM event WHERE kind = 'trail exported'")
        return session.execute(query).scalar_one()


def test_answers_and_free_words_are_for_whoever_may_see_them(
    filled: Browser, sqlite_site: Site
) -> None:
    act(filled, f"{PERSON}/1/note", {"on": "2027-03-28", "text": "Slept badly"})
    admin = Rights(frozenset({"admin", "study"}))
    said = str(trailreading.person_trail(sqlite_site, "S-01", Filter(), admin).lines)
    assert "Note written" in said
    assert "Slept badly" not in said
    assert "Slept badly" in str(
        trailreading.person_trail(sqlite_site, "S-01", Filter(), BLIND).lines
    )


def test_answers_stand_in_their_order_and_times_as_people_write_them(sqlite_site: Site) -> None:
    held = {"answers": {"1": 2, "10": None, "2": 0}, "submitted_at": "2026-03-29T07:06:00+00:00"}
    with sqlite_site.database.write() as session:
        trail.append(session, trail.SYSTEM, "noted", "worker", NOON, held)
    rights = Rights(frozenset({"scores"}))
    said = trailreading.system_trail(sqlite_site, Filter(), rights).lines[0].said
    assert "answers: 1 = 2, 2 = 0, 10 = none" in said
    assert "submitted at: Sun 29 Mar 2026, 07:06 UTC" in said


def test_an_alert_says_what_was_answered_only_to_whoever_may_see_scores(
    filled: Browser, sqlite_site: Site
) -> None:
    found = {"alert": 7, "rule": "case range", "instrument": "hads", "about": "depression"}
    with sqlite_site.database.write() as session:
        ((_, chain),) = trailpage.chains_of(session, "S-01")
        for drill in (False, True):
            told = {**found, "drill": drill}
            trail.append(session, chain, "alert raised", "worker", NOON, told)
    for rights, seen in ((BLIND, False), (EVERYTHING, True)):
        view = trailreading.person_trail(sqlite_site, "S-01", Filter(kind="alert raised"), rights)
        said = next(str(line.said) for line in view.lines if "drill: no" in line.said)
        assert ("case range" in said, "depression" in said) == (seen, seen)
        drill = next(str(line.said) for line in view.lines if "drill: yes" in line.said)
        assert "case range" in drill


def test_whom_else_an_act_was_about_is_not_told_on_a_persons_trail(
    filled: Browser, sqlite_site: Site
) -> None:
    told: dict[str, object] = {"retreat": "Winter", "people": ["S-01", "T-01", "T-02"]}
    with sqlite_site.database.write() as session:
        trail.append(session, trail.SYSTEM, "slips printed", "staff:1", NOON, told)
    for said in (
        filled.get(TRAIL).text,
        trailreading.export_person(sqlite_site, "S-01", EVERYTHING, actor="staff:1", now=NOON),
    ):
        assert "people: S-01, 2 others" in said
        assert "T-0" not in said
    assert "T-02" in filled.get("/staff/trail").text


def test_it_is_paged(sqlite_site: Site) -> None:
    with sqlite_site.database.write() as session:
        for number in range(trailreading.PAGE + 5):
            trail.append(session, trail.SYSTEM, "noted", "worker", NOON, {"n": number})
    first = trailreading.system_trail(sqlite_site, Filter(), Rights(frozenset()))
    last = trailreading.system_trail(sqlite_site, Filter(page=9), Rights(frozenset()))
    assert (first.pages, len(first.lines), len(last.lines), last.page) == (2, 50, 5, 2)
    assert last.lines[-1].said == ("n: 0",)
