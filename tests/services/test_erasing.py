"""Erasing: what goes and what stays, gone from files, done again after a crash or restore."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import SQLModel, col

from surveyapp.services import erasing, ledger, notes, people, prompting, stopping
from surveyapp.services.erasing import Wish
from surveyapp.services.errors import InputError, NotFoundError
from surveyapp.services.people import NewPerson
from surveyapp.services.personal import person_view
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.store import belongings, contacts, migrations, trail
from surveyapp.store import erasing as store
from surveyapp.store.tables import Consent
from surveyapp.store.tables_access import EventPayload
from surveyapp.store.tables_consent import ConsentForm
from surveyapp.store.tables_keeping import CONTACTS, EVERYTHING, SafetyCount
from tests.wholly import (
    ADDRESS,
    AT,
    CODE,
    NOTE,
    OTHER,
    WORDS,
    add_mentions,
    add_wholly,
    codes,
    is_whole,
)
from tests.world import add_course

LATER = AT + timedelta(days=1)
BY: Any = {"actor": "staff:2", "now": LATER}
ALL = Wish(EVERYTHING, "asked to be forgotten")
ONLY = Wish(CONTACTS, "left")


@pytest.fixture
def filled(site: Site) -> Site:
    add_wholly(site)
    add_mentions(site)
    return site


@pytest.fixture
def on_sqlite(sqlite_site: Site) -> Site:
    add_wholly(sqlite_site)
    add_mentions(sqlite_site)
    return sqlite_site


def holding(site: Site, word: str) -> list[str]:
    """Tables and columns in which a word stands."""
    found: list[str] = []
    with site.database.read() as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                found += [f"{table.name}.{k}" for k, v in row.items() if word in str(v)]
    return found


def payloads(site: Site, kind: str) -> list[dict[str, Any]]:
    query = "SELECT payload FROM event JOIN event_payload ON event_uid = uid WHERE kind = :kind"
    with site.database.read() as session:
        rows = session.scalars(text(f"{query} ORDER BY seq"), {"kind": kind})
        return [json.loads(body) for body in rows]


def test_the_person_that_is_erased_here_has_a_row_in_every_table(on_sqlite: Site) -> None:
    """Else a table that is forgotten would not be found; a new one needs a row in `wholly`."""
    with on_sqlite.database.read() as session:
        found = {b.table.name: belongings.count(session, b) for b in
                 belongings.belongings(session, [1])}  # fmt: skip
    assert [name for name, count in found.items() if not count] == []


def test_every_table_that_hangs_on_a_person_is_named_in_words() -> None:
    """A new table below a participant, course or assessment needs a name for the preview, and its
    module a place in `belongings.ROOMS`."""
    hanging = belongings.hanging()
    assert {table.name for table in hanging} == set(belongings.WORDS)
    modules = {p.stem for p in Path(belongings.__file__).parent.glob("tables_*.py")}
    known = {room.__name__.rpartition(".")[2] for room in belongings.ROOMS}
    assert modules - known <= {
        "tables_backup",
        "tables_digest",
        "tables_keeping",
        "tables_signin",
        "tables_trail",
    }
    for table, leading in hanging.items():
        assert all(len(c.foreign_keys) == 1 for c in leading), table.name
    assert migrations  # every table is registered by then


def test_everything_goes_and_the_trail_stays_whole(filled: Site) -> None:
    before = erasing.preview(filled, CODE, ALL, LATER)
    words = dict(before.goes)
    assert words["answers"] == 1
    assert words["contact details"] == 2
    assert words["what the trail says of the person"] >= 4
    assert words["mentions of the code in notes about others"] == 2
    assert codes(filled) == [OTHER, CODE]
    assert erasing.erase(filled, CODE, ALL, **BY) == 0
    assert codes(filled) == [OTHER]
    for word in WORDS:
        assert holding(filled, word) == [], word
    assert is_whole(filled)
    with filled.database.read() as session:
        assert not any(belongings.count(session, b) for b in belongings.belongings(session, [1]))
        shared = contacts.contact_of(session, filled.vault, 2, contacts.EMAIL)
        assert shared is not None
        assert shared.value == ADDRESS
    with pytest.raises(NotFoundError):
        erasing.preview(filled, CODE, ALL, LATER)


def test_what_the_trail_said_of_others_is_left(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    (said,) = payloads(on_sqlite, trail.ERASED)
    slips = [x["said"] for x in payloads(on_sqlite, store.LEFT) if "people" in x["said"]]
    assert sorted(slips[0]["people"]) == [store.GONE, OTHER]
    assert said["reason"] == ALL.reason
    assert person_view(on_sqlite, OTHER, LATER).courses


def test_both_are_erased_one_after_the_other(filled: Site) -> None:
    """The second erasure finds what the first one left of what was said of both."""
    erasing.erase(filled, CODE, ALL, **BY)
    erasing.erase(filled, OTHER, ALL, **BY)
    assert codes(filled) == []
    assert [holding(filled, word) for word in ("Quokka", "bandicoot")] == [[], []]
    assert is_whole(filled)


def test_a_payload_that_no_erasure_names_is_still_found(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    with on_sqlite.database.write() as session:
        (first,) = session.scalars(select(col(EventPayload.event_uid)).limit(1))
        trail.erase_payloads(session, [first])
    with on_sqlite.database.read() as session:
        fault = trail.verify(session).fault
    assert fault is not None
    assert "no erasure names it" in fault


def test_only_the_contacts_go(on_sqlite: Site) -> None:
    assert dict(erasing.preview(on_sqlite, CODE, ONLY, LATER).goes) == {
        "contact details": 2,
        "PINs": 1,
    }
    erasing.erase(on_sqlite, CODE, ONLY, **BY)
    assert holding(on_sqlite, on_sqlite.vault.lookup(ADDRESS)) == ["contact.lookup"]  # the other's
    assert "note.text" in holding(on_sqlite, NOTE)
    assert person_view(on_sqlite, CODE, LATER).contacts[0].value == "None on record"
    assert is_whole(on_sqlite)


@pytest.mark.parametrize(
    ("says", "agreed", "stays"),
    [("yes", None, True), ("no", True, False), ("ask", True, True), ("ask", None, False)],
)
def test_the_consent_says_whether_data_may_stay(
    on_sqlite: Site, says: str, agreed: bool | None, stays: bool
) -> None:
    with on_sqlite.database.write() as session:
        form = ConsentForm(
            study_id=1, version="2", dated=AT.date(), reference="", keeps_data=says,
            own_scopes="[]", published_by="staff:1", published_at=AT,
        )  # fmt: skip
        session.add(form)
        consent = session.scalars(select(Consent).where(col(Consent.course_id) == 1)).one()
        consent.version, consent.keep_for_research = "2", agreed
    assert erasing.keeps_data(on_sqlite, CODE) is stays
    told = " ".join(erasing.preview(on_sqlite, CODE, ONLY, LATER).stays)
    assert ("the consent does not let data stay" in told) is not stays


def test_counts_for_safety_lead_to_nobody(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, replace(ALL, keep_safety=True), **BY)
    with on_sqlite.database.read() as session:
        rows = {row.what: row.number for row in session.scalars(select(SafetyCount))}
    assert rows == {"adverse event: grade 3, serious": 1, "dose: first, given": 1}
    assert holding(on_sqlite, "bettong") == []


def test_a_reason_is_needed_and_names_nobody(on_sqlite: Site) -> None:
    for reason, sentence in (
        (" ", "Say why"),
        ("x" * 301, "at most"),
        (f"{CODE.lower()} asked", "must not name"),
        (f"asked by {OTHER}", "must not name"),
        (f"asked by {ADDRESS.upper()}", "must not name"),
        ("called from 06 555 01234", "must not name"),
    ):
        with pytest.raises(InputError, match=sentence):
            erasing.erase(on_sqlite, CODE, replace(ALL, reason=reason), **BY)
    with pytest.raises(InputError, match="Choose what"):
        erasing.preview(on_sqlite, CODE, Wish("some"), LATER)
    assert codes(on_sqlite) == [OTHER, CODE]
    assert not ledger.path_of(on_sqlite).exists()


def test_a_code_is_not_given_again(on_sqlite: Site) -> None:
    erasing.erase(on_sqlite, CODE, ALL, **BY)
    with pytest.raises(InputError, match="somebody who was erased"):
        people.add_person(on_sqlite, 1, NewPerson(CODE.upper()), actor="staff:1", now=LATER)
    people.add_person(on_sqlite, 1, NewPerson("Quokka-78"), actor="staff:1", now=LATER)


def test_a_message_that_was_claimed_does_not_go(filled: Site) -> None:
    at = AT.replace(day=13)
    course = add_course(filled, "Dunnart-1", retreat="Other", address="d1@example.org")
    job = prompting.claim(filled, course, "worker", at)
    assert job is not None
    late = erasing.erase(filled, "Dunnart-1", ALL, actor="staff:2", now=at)
    assert late == 1
    assert prompting.recheck(filled, job, at) is False
    assert prompting.claim(filled, course, "worker", at) is None


def test_contacts_that_went_are_not_written_to(on_sqlite: Site) -> None:
    at = AT.replace(day=13)
    course = add_course(on_sqlite, "Dunnart-1", retreat="Other", address="d1@example.org")
    job = prompting.claim(on_sqlite, course, "worker", at)
    assert job is not None
    erasing.erase(on_sqlite, "Dunnart-1", ONLY, actor="staff:2", now=at)
    assert prompting.recheck(on_sqlite, job, at) is False


def test_a_code_that_may_be_a_word_leaves_other_words_alone(on_sqlite: Site) -> None:
    add_course(on_sqlite, "101", retreat="Other")
    notes.add_note(on_sqlite, OTHER, 1, "pulse 101 at noon", AT.date(), actor="staff:1", now=AT)
    with on_sqlite.database.write() as session:
        trail.append(session, trail.SYSTEM, "slips printed", "staff:1", AT, {"people": ["101"]})
    shown = erasing.preview(on_sqlite, "101", ALL, LATER)
    assert any("may be another word" in line for line in shown.stays)
    erasing.erase(on_sqlite, "101", replace(ALL, reason="on 101 occasions"), **BY)
    assert "note.text" in holding(on_sqlite, "pulse 101 at noon")
    assert [x["said"] for x in payloads(on_sqlite, store.LEFT)] == [{"people": [store.GONE]}]
    assert is_whole(on_sqlite)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("P-01 and p-01.", "(erased) and (erased)."),
        ("P-012, P-01.2, AP-01, X-P-01", "P-012, P-01.2, AP-01, X-P-01"),
        (
            {"file": "p-01.pdf", "P-01": ["P-01", 1]},
            {"file": "(erased).pdf", "P-01": ["(erased)", 1]},
        ),
    ],
)
def test_a_code_is_found_as_a_word_of_its_own(said: Any, left: Any) -> None:
    assert store.without(said, store.token("P-01")) == left


# Leaving ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["left the study", "died"])
def test_who_leaves_is_not_written_to_and_their_contacts_go(on_sqlite: Site, kind: str) -> None:
    wish = NewStop(kind, reason="told us", drop_contacts=True)
    stopping.record_stop(on_sqlite, CODE, 1, wish, actor="staff:2", now=LATER)
    view = person_view(on_sqlite, CODE, LATER)
    assert view.contacts[0].value == "None on record"
    assert "note.text" in holding(on_sqlite, NOTE)
    (made,) = erasing.made(on_sqlite)
    assert (made.kind, made.reason) == (CONTACTS, kind)
    assert is_whole(on_sqlite)


def test_contacts_stay_where_people_only_pause(on_sqlite: Site) -> None:
    wish = NewStop("messages stopped", drop_contacts=True)
    stopping.record_stop(on_sqlite, CODE, 1, wish, actor="staff:2", now=LATER)
    assert erasing.made(on_sqlite) == []


def test_contacts_stay_where_another_course_goes_on(on_sqlite: Site) -> None:
    add_course(on_sqlite, CODE, retreat="Another", number=2, address=None)
    wish = NewStop("left the study", reason="told us", drop_contacts=True)
    with pytest.raises(InputError, match="another course that goes on"):
        stopping.record_stop(on_sqlite, CODE, 1, wish, actor="staff:2", now=LATER)
    stopping.record_stop(
        on_sqlite, CODE, 1, replace(wish, drop_contacts=False), actor="staff:2", now=LATER
    )
    assert erasing.made(on_sqlite) == []
