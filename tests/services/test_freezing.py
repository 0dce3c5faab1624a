"""Frozen: what a study runs under from its first person on, whatever becomes of the files."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from surveyapp.resources import resource
from surveyapp.services import (
    answering,
    corrections,
    freezing,
    overview,
    people,
    reporting,
    visits,
)
from surveyapp.services import versions as amendments
from surveyapp.services.answering import Tap
from surveyapp.services.corrections import Correcting
from surveyapp.services.exchange import exporting
from surveyapp.services.people import NewPerson
from surveyapp.services.personal import person_view
from surveyapp.services.site import Site
from surveyapp.store import keys, trail
from surveyapp.store import versions as texts_kept
from surveyapp.store.facts import course_context
from surveyapp.store.freezing import pin_new
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Assessment, Course, ScoreRow
from surveyapp.store.tables_access import Event
from surveyapp.study.library import load_library

from .test_versions import BY, NOW, amendment, start_retreat

OPEN = datetime(2027, 3, 8, 9, tzinfo=UTC)


def installed(site: Site, folder: Path, change: Callable[[str], str]) -> Site:
    """The installation opened after the key of HADS was changed on disk."""
    keys._read.clear()  # another process has met nothing yet
    keys._sets.clear()
    texts_kept._read.clear()
    shutil.copytree(resource("instruments"), folder / "instruments", dirs_exist_ok=True)
    path = folder / "instruments" / "hads" / "instrument.toml"
    path.write_text(change(resource("instruments").joinpath("hads/instrument.toml").read_text()))
    return replace(site, library=load_library(folder / "instruments"))


def harsher(text: str) -> str:
    """Version 2 scores a scale of which six items are answered no more."""
    return text.replace('version = "1"', 'version = "2"', 1).replace("minimum = 4 ", "minimum = 7 ")


@pytest.fixture
def changed(sqlite_site: Site, tmp_path: Path) -> Site:
    """A study with one person, and another key installed since."""
    start_retreat(sqlite_site, "Spring 2027", "P-01")
    return installed(sqlite_site, tmp_path, harsher)


def answer_all_but_one(site: Site, course: int) -> None:
    """The baseline, with the first item left out."""
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "baseline")
    opened = answering.begin(site, token, OPEN)
    write = visits.write_capability(opened.read_secret)
    page = visits.questionnaire(site, opened.visit, opened.read_secret, "hads", OPEN)
    assert page is not None
    taps = [Tap("hads", q.item, 1) for q in page.questions[1:]]
    answering.save(site, opened.visit, write, taps, OPEN)
    answering.send(site, opened.visit, write, "hads", OPEN)


def scores(site: Site, course: int) -> dict[str, tuple[float | None, str]]:
    """Scale to value and the key's version, of the baseline."""
    with site.database.read() as session:
        sheet = select(Assessment.id).where(Assessment.course_id == course)
        rows = session.scalars(select(ScoreRow).where(ScoreRow.assessment_id.in_(sheet)))
        return {row.scale: (row.value, row.key_version) for row in rows}


def missing(site: Site, course: int) -> list[str]:
    return [scale for scale, (value, _) in scores(site, course).items() if value is None]


def test_a_changed_key_changes_a_running_studys_scores_only_by_an_amendment(
    site: Site, tmp_path: Path
) -> None:
    start_retreat(site, "Spring 2027", "P-01")
    people.add_people(site, 1, [NewPerson("P-02", "p02@example.org")], **BY)
    changed = installed(site, tmp_path, harsher)
    answer_all_but_one(changed, 1)
    assert missing(changed, 1) == []
    assert {version for _, version in scores(changed, 1).values()} == {"1"}
    told = amendments.preview(changed, 1, NOW)
    assert amendments.take(changed, 1, told.digest, amendment(), **BY) == 2
    answer_all_but_one(changed, 2)
    assert missing(changed, 2) == ["anxiety", "total"]


def test_a_new_study_uses_what_is_installed(sqlite_site: Site, tmp_path: Path) -> None:
    site = installed(sqlite_site, tmp_path, harsher)
    start_retreat(site, "Spring 2027", "P-01")
    answer_all_but_one(site, 1)
    assert missing(site, 1) == ["anxiety", "total"]


def test_who_comes_later_runs_under_the_frozen_key_also_in_a_new_retreat(changed: Site) -> None:
    people.add_people(changed, 1, [NewPerson("P-02", "p02@example.org")], **BY)
    start_retreat(changed, "Autumn 2027", "P-03")
    with changed.database.read() as session:
        assert len(set(session.scalars(select(Course.keys_sha256)))) == 1
        context = course_context(session, changed.library, 3)
        assert context is not None
        assert context.instruments["hads"].version == "1"
        assert context.instruments["hads"].wording("nl").language == "nl"


def test_the_freeze_is_on_record_with_its_hashes(changed: Site) -> None:
    found = freezing.running(changed, 1)
    assert [(f.kind, f.name, f.version) for f in found.frozen] == [
        ("protocol", "second-retreat", "1"),
        ("instrument", "hads", "1"),
        ("instrument", "meq30", "1"),
    ]
    assert found.installed == ("Instrument hads: version 1 becomes version 2",)
    with changed.database.read() as session:
        assert list(session.scalars(select(Event.kind).where(Event.kind == "study frozen")))
        assert trail.verify(session).fault is None


def test_an_amendment_takes_the_key_and_says_so_everywhere(changed: Site, tmp_path: Path) -> None:
    answer_all_but_one(changed, 1)
    told = amendments.preview_study(changed, 1, NOW)
    assert told.changes == ("Instrument hads: version 1 becomes version 2",)
    assert (told.courses, told.shifts) == (1, ())
    new = amendment(reason="the manual was revised")
    assert amendments.take_for_study(changed, 1, told.digest, new, **BY) == 1
    found = freezing.running(changed, 1)
    assert found.installed == ()
    assert [(a.number, a.label, a.retreat) for a in found.amendments] == [(1, "2", "")]
    view = person_view(changed, "P-01", OPEN)
    assert view.courses[0].runs_under == "second-retreat 1, amendment 1"
    assert overview.retreat_view(changed, 1, OPEN).runs_under == "second-retreat 1, amendment 1"
    html = reporting.participant_report(changed, "P-01", OPEN).html
    assert "Protocol second-retreat 1, amendment 1" in html
    exporting.export_folder(changed, tmp_path / "out", OPEN)
    with (tmp_path / "out" / "courses.csv").open() as lines:
        assert [row["amendment"] for row in csv.DictReader(lines)] == ["1"]
    with changed.database.read() as session:
        assert len(list(session.scalars(select(Event).where(Event.kind == "amendment taken")))) == 2
        assert trail.verify(session).fault is None


def test_a_sheet_keeps_the_key_it_was_filled_in_by_through_an_amendment(changed: Site) -> None:
    answer_all_but_one(changed, 1)
    told = amendments.preview_study(changed, 1, NOW)
    amendments.take_for_study(changed, 1, told.digest, amendment(), **BY)
    items = changed.library.instruments["hads"].items
    typed: dict[str, Any] = {item.id: 1 for item in items} | {items[0].id: "", items[1].id: 2}
    new = Correcting(typed, "misread", 0)
    corrections.correct(changed, "P-01", 1, "baseline", "hads", new, actor="staff:1", now=OPEN)
    assert missing(changed, 1) == []
    assert {version for _, version in scores(changed, 1).values()} == {"1"}
    people.add_people(changed, 1, [NewPerson("P-02", "p02@example.org")], **BY)
    answer_all_but_one(changed, 2)
    assert missing(changed, 2) == ["anxiety", "total"]
    assert person_view(changed, "P-02", OPEN).courses[0].runs_under.endswith("amendment 1")


def test_an_amendment_of_one_retreat_leaves_the_others(changed: Site) -> None:
    start_retreat(changed, "Autumn 2027", "P-02")
    told = amendments.preview(changed, 1, NOW)
    assert amendments.take(changed, 1, told.digest, amendment(), **BY) == 1
    start_retreat(changed, "Winter 2027", "P-03")
    under = [person_view(changed, f"P-0{n}", OPEN).courses[0].runs_under for n in (1, 2, 3)]
    assert under == ["second-retreat 1, amendment 1", "second-retreat 1", "second-retreat 1"]
    told = amendments.preview_study(changed, 1, NOW)
    assert told.courses == 2
    amendments.take_for_study(changed, 1, told.digest, amendment(), **BY)
    under = [person_view(changed, f"P-0{n}", OPEN).courses[0].runs_under for n in (1, 2, 3)]
    assert under == [f"second-retreat 1, amendment {n}" for n in (1, 2, 2)]


def test_another_text_under_the_same_version_is_called_that(
    sqlite_site: Site, tmp_path: Path
) -> None:
    start_retreat(sqlite_site, "Spring 2027", "P-01")
    site = installed(sqlite_site, tmp_path, lambda text: text + "\n# a remark\n")
    (words,) = freezing.running(site, 1).installed
    assert words == "Instrument hads: another text under the same version, 1"


@pytest.mark.parametrize("field", ["label", "approved_on", "reason"])
def test_an_amendment_needs_its_version_its_date_and_a_reason(changed: Site, field: str) -> None:
    told = amendments.preview_study(changed, 1, NOW)
    empty: dict[str, Any] = {field: None if field == "approved_on" else " "}
    with pytest.raises(amendments.InputError) as caught:
        amendments.take_for_study(changed, 1, told.digest, amendment(**empty), **BY)
    assert list(caught.value.problems) == [field]
    late = amendment(approved_on=date(2027, 3, 2))
    with pytest.raises(amendments.InputError):
        amendments.take_for_study(changed, 1, told.digest, late, **BY)


def test_an_instrument_that_is_installed_no_more_is_asked_from_what_was_kept(
    changed: Site,
) -> None:
    without = replace(changed, library=replace(changed.library, instruments={}, protocols={}))
    answer_all_but_one(without, 1)
    assert missing(without, 1) == []
    assert reporting.participant_report(without, "P-01", OPEN).data
    assert freezing.running(without, 1).installed == ()


def test_a_wording_that_does_not_fit_the_frozen_key_is_not_used(
    sqlite_site: Site, tmp_path: Path
) -> None:
    start_retreat(sqlite_site, "Spring 2027", "P-01")
    site = installed(sqlite_site, tmp_path, harsher)
    hads = site.library.instruments["hads"]
    short = {lang: replace(w, texts={}, title="short") for lang, w in hads.wordings.items()}
    other = {**site.library.instruments, "hads": replace(hads, wordings=short)}
    site = replace(site, library=replace(site.library, instruments=other))
    answer_all_but_one(site, 1)
    assert missing(site, 1) == []


def test_courses_from_before_are_frozen_when_the_program_is_made_ready(site: Site) -> None:
    start_retreat(site, "Spring 2027", "P-01")
    with site.database.write() as session:
        session.get_one(Course, 1).keys_sha256 = None
        for row in freezing.freezing.freeze_of(session, 1):
            session.delete(row)
    with site.database.write() as session:
        assert [f.study.id for f in pin_new(session, site.library, NOW)] == [1]
        assert pin_new(session, site.library, NOW) == []
        assert session.get_one(Course, 1).keys_sha256 is not None
