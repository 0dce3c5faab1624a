"""A protocol edited while courses run: each keeps its version until somebody moves it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from surveyapp.resources import resource
from surveyapp.services import enrolment, overview, people, versions
from surveyapp.services.enrolment import NewRetreat
from surveyapp.services.errors import InputError, RefusedError
from surveyapp.services.people import NewPerson
from surveyapp.services.site import Site
from surveyapp.services.versions import NewAmendment
from surveyapp.store import trail
from surveyapp.store.facts import course_context
from surveyapp.store.tables import Assessment
from surveyapp.store.windows import mend_windows
from surveyapp.study.library import load_library
from surveyapp.study.schedule import window_of

from .test_prompting import submit

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
BY = {"actor": "staff:1", "now": NOW}


def start_retreat(site: Site, name: str, code: str) -> int:
    wish = NewRetreat(name, "second-retreat", "Europe/Amsterdam", date(2027, 3, 20))
    retreat = enrolment.add_retreat(site, wish, **BY)
    people.add_people(site, retreat, [NewPerson(code, f"{code}@example.org")], **BY)
    return retreat


@pytest.fixture
def edited(site: Site, tmp_path: Path) -> Site:
    """The same installation opened after day 8 became day 9 in the file; one retreat runs."""
    start_retreat(site, "Spring 2027", "P-01")
    return edit(site, tmp_path, lambda text: text.replace("opens = 8\n", "opens = 9\n"))


def edit(site: Site, folder: Path, change) -> Site:
    shutil.copytree(resource("instruments"), folder / "instruments")
    path = folder / "instruments" / "protocols" / "second-retreat.toml"
    text = path.read_text().replace('version = "1"', 'version = "2"')
    text = text.replace("target = 8\n", "target = 9\n").replace("[8, 10, 13]", "[9, 10, 13]")
    path.write_text(change(text))
    return replace(site, library=load_library(folder / "instruments"))


def amendment(**more) -> NewAmendment:
    typed = {"label": "2", "approved_on": date(2027, 2, 1), "reason": "day 8 was too early"}
    return NewAmendment(**{**typed, **more})


def opens(site: Site, course: int) -> date:
    with site.database.read() as session:
        context = course_context(session, site.library, course)
        assert context is not None
        window = window_of(context.protocol.timepoint("day-8"), context.facts)
        assert window is not None
        return window.opens


def test_a_running_study_keeps_its_version_also_in_a_new_retreat(edited: Site) -> None:
    start_retreat(edited, "Autumn 2027", "P-02")
    assert opens(edited, 1) == opens(edited, 2) == date(2027, 3, 28)
    with edited.database.write() as session:
        assert mend_windows(session, edited.library) == 0


def test_somebody_who_joins_a_running_retreat_takes_its_version(edited: Site) -> None:
    people.add_people(edited, 1, [NewPerson("P-03", "p03@example.org")], **BY)
    assert opens(edited, 2) == date(2027, 3, 28)
    view = overview.retreat_view(edited, 1, NOW)
    assert all(len(row.cells) == len(view.timepoints) for row in view.rows)


def test_the_new_version_is_previewed_and_then_taken(edited: Site) -> None:
    told = versions.preview(edited, 1, NOW)
    assert (told.before, told.after) == ("1", "2")
    (shift,) = told.shifts
    assert [w.label for w in shift.windows] == ["Day 8"]
    assert opens(edited, 1) == date(2027, 3, 28)
    with pytest.raises(InputError):
        versions.take(edited, 1, told.digest, amendment(reason=" "), **BY)
    assert versions.take(edited, 1, told.digest, amendment(), **BY) == 1
    assert opens(edited, 1) == date(2027, 3, 29)
    assert overview.retreat_view(edited, 1, NOW).outdated is None
    with edited.database.read() as session:
        assert trail.verify(session).fault is None
    with edited.database.write() as session:
        assert mend_windows(session, edited.library) == 0


def test_answers_that_would_lie_outside_their_new_window_are_named(edited: Site) -> None:
    for instrument in ("hads", "meq30"):
        submit(edited, 1, "day-8", instrument, datetime(2027, 3, 28, 22, 30, tzinfo=UTC))
    assert versions.preview(edited, 1, NOW).shifts[0].warnings == ()
    for instrument in ("hads", "meq30"):
        answer_at(edited, instrument, datetime(2027, 3, 28, 20, 30, tzinfo=UTC))
    assert versions.preview(edited, 1, NOW).shifts[0].warnings == (
        "Day 8 was sent Sun 28 Mar 2027, before its new window opens (Mon 29 Mar 2027): too early.",
    )


def answer_at(site: Site, instrument: str, at: datetime) -> None:
    with site.database.write() as session:
        query = select(Assessment).where(Assessment.instrument == instrument)
        session.scalars(query).one().submitted_at = at


def test_a_protocol_that_is_installed_no_more_goes_on_for_who_began_with_it(site: Site) -> None:
    start_retreat(site, "Spring 2027", "P-01")
    without = replace(site, library=replace(site.library, protocols={}))
    assert overview.retreat_view(without, 1, NOW).outdated is None
    assert opens(without, 1) == date(2027, 3, 28)


def test_a_stale_preview_is_not_carried_out(edited: Site) -> None:
    with pytest.raises(InputError) as caught:
        versions.take(edited, 1, "another", amendment(), **BY)
    assert caught.value.problems == {"preview": versions.STALE}
    assert opens(edited, 1) == date(2027, 3, 28)


def test_an_unchanged_protocol_has_nothing_to_take(site: Site) -> None:
    start_retreat(site, "Spring 2027", "P-01")
    assert overview.retreat_view(site, 1, NOW).outdated is None
    with pytest.raises(RefusedError):
        versions.preview(site, 1, NOW)


def test_answers_of_a_timepoint_that_vanished_keep_the_retreat_where_it_is(
    site: Site, tmp_path: Path
) -> None:
    start_retreat(site, "Spring 2027", "P-01")
    with site.database.write() as session:
        session.add(
            Assessment(
                course_id=1,
                timepoint="week-24",
                instrument="hads",
                instrument_version="1",
                wording_sha256="0",
                placeholder=True,
                language="en",
                mode="phone",
                started_at=NOW,
            )
        )
    edited = edit(site, tmp_path, lambda text: text.replace('"week-24"', '"week-26"'))
    told = versions.preview(edited, 1, NOW)
    assert told.lost == ("P-01: Week 24",)
    with pytest.raises(RefusedError):
        versions.take(edited, 1, told.digest, amendment(), **BY)
