"""Reports from the store: the published figures, and one person's pages from import to paper."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from surveyapp.services import reporting
from surveyapp.services.errors import NotFoundError, RefusedError
from surveyapp.services.exchange import import_folder
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop, record_stop
from surveyapp.store import trail
from surveyapp.store.records import load_people
from surveyapp.store.tables import Participant
from surveyapp.store.tables_access import Event, EventPayload
from surveyapp.study.record import Ending

COHORT = Path(__file__).parents[1] / "data" / "second-retreat"
EXPECTED: dict[str, list[dict[str, Any]]] = json.loads((COHORT / "expected.json").read_text())
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def cohort(sqlite_site: Site) -> Generator[Site]:
    import_folder(sqlite_site, COHORT, NOW)
    yield sqlite_site
    sqlite_site.renderer.close()


def rounded(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(row[key], 0 if key == "percent" else 2)
        if isinstance(row[key], float)
        else row[key]
        for key in like
    }


@pytest.mark.parametrize("part", ["scores", "complete_mystical", "booster"])
def test_the_retreats_numbers_are_the_published_ones(site: Site, part: str):
    import_folder(site, COHORT, NOW)
    found = reporting.retreat_report(site, "Winter 2026", NOW).data[part]
    shown = [rounded(row, EXPECTED[part][0]) for row in found]
    assert [row for row in EXPECTED[part] if row not in shown] == []


def test_the_retreats_rows_have_exactly_the_promised_keys(cohort: Site):
    data = reporting.retreat_report(cohort, "Winter 2026", NOW).data
    keys = {part: set(data[part][0]) for part in ("scores", "complete_mystical", "booster")}
    assert keys == {
        "scores": {"course", "timepoint", "instrument", "scale", "n", "complete_n", "mean", "sd",
                   "ci_low", "ci_high"},
        "complete_mystical": {"course", "n", "count", "percent"},
        "booster": {"course", "n", "count"},
    }  # fmt: skip
    json.dumps(data)


def test_both_reports_on_paper_say_whose_and_what_they_are_not(cohort: Site):
    person = reporting.participant_report(cohort, "R2-05", NOW)
    retreat = reporting.retreat_report(cohort, "Winter 2026", NOW)
    pages = {
        report.filename: PdfReader(io.BytesIO(reporting.pdf(cohort, report))).pages
        for report in (person, retreat)
    }
    assert list(pages) == ["r2-05.pdf", "retreat-winter-2026.pdf"]
    # The retreat's third page holds change and the comparison of courses.
    assert [len(p) for p in pages.values()] == [2, 3]
    texts = ["\n".join(page.extract_text() for page in p) for p in pages.values()]
    for text in texts:
        assert "Synthetic or test entries: practice study." in text
        assert "Placeholder. Not the HADS" in text
    assert "R2-05" in texts[0]
    assert "R2-04" not in texts[0]
    assert "For staff, not for handing to the group." in texts[1]
    assert "There is no control group" in texts[1]


def test_who_left_and_who_died_is_in_the_flow(cohort: Site):
    for code, kind in (("R2-01", "left the study"), ("R2-02", "died"), ("R2-03", "paused")):
        until = NOW.date() + timedelta(days=9) if kind == "paused" else None
        wish = NewStop(kind, reason="told us", since=date(2026, 2, 20), until=until)
        record_stop(cohort, code, 2, wish, actor="staff:1", now=NOW)
    with cohort.database.read() as session:
        people = load_people(session, cohort.library, 1)
    endings = {p.code: p.courses[-1].endings for p in people if p.courses[-1].endings}
    on = date(2026, 2, 20)
    assert endings == {"R2-01": (Ending("withdrawn", on),), "R2-02": (Ending("died", on),)}
    flow = reporting.retreat_report(cohort, "Winter 2026", NOW).data["flow"]
    assert {(row["expected"], row["answered"], row["died"]) for row in flow} == {(13, 13, 0)}


def test_the_same_data_give_the_same_bytes_on_another_day(cohort: Site):
    first, later = NOW, datetime(2027, 3, 1, tzinfo=UTC)
    drawn = [
        reporting.pdf(cohort, reporting.participant_report(cohort, "R2-05", at))
        for at in (first, later)
    ]
    assert drawn[0] == drawn[1]


def test_an_unknown_code_or_retreat_is_named(sqlite_site: Site):
    with pytest.raises(NotFoundError, match="no participant R9-99"):
        reporting.participant_report(sqlite_site, "R9-99", NOW)
    with pytest.raises(NotFoundError, match="no retreat 'Nowhere'"):
        reporting.retreat_report(sqlite_site, "Nowhere", NOW)


def test_a_report_that_cannot_be_drawn_is_refused_in_words(cohort: Site):
    broken = reporting.Report("x.pdf", {}, "<img src='file:///etc/passwd'>")
    with pytest.raises(RefusedError, match="may not fetch"):
        reporting.pdf(cohort, broken)


def test_each_report_made_is_in_the_trail_and_changes_no_byte(cohort: Site) -> None:
    later = NOW + timedelta(days=3)
    made: list[bytes] = []
    for at in (NOW, later):
        report = reporting.participant_report(cohort, "R2-05", at)
        made.append(reporting.make_pdf(cohort, report, actor="staff:1", now=at))
    assert made[0] == made[1]
    retreat = reporting.retreat_report(cohort, "Winter 2026", later)
    reporting.make_pdf(cohort, retreat, actor="staff:1", now=later)
    with cohort.database.read() as session:
        found = session.execute(
            select(Event.chain, Event.actor, EventPayload.payload)
            .join(EventPayload, EventPayload.event_uid == Event.uid)
            .where(Event.kind == "report made")
        ).all()
        assert trail.verify(session).fault is None
    assert [row.chain == trail.SYSTEM for row in found].count(True) == 1
    assert len(found) == 2 * 2 + 1
    sha256 = hashlib.sha256(made[0]).hexdigest()
    assert sum(sha256 in row.payload for row in found) == 4


def test_a_report_about_somebody_without_a_course_is_in_the_trail_too(cohort: Site) -> None:
    with cohort.database.write() as session:
        session.add(Participant(code="N-01", time_zone="UTC", created_at=NOW))
    report = reporting.participant_report(cohort, "N-01", NOW)
    reporting.make_pdf(cohort, report, actor="staff:1", now=NOW)
    with cohort.database.read() as session:
        chains = session.scalars(select(Event.chain).where(Event.kind == "report made")).all()
    assert chains == [trail.SYSTEM]


def test_the_sites_paper_holds_unless_another_is_asked_for(cohort: Site):
    site = replace(cohort, settings=cohort.settings.model_copy(update={"paper": "letter"}))
    for make, about, count in (
        (reporting.participant_report, "R2-05", 2),
        (reporting.retreat_report, "Winter 2026", 3),
    ):
        assert "size: letter" in make(site, about, NOW).html
        assert make(site, about, NOW, "en", "a4").html == make(cohort, about, NOW, "en").html
        pages = PdfReader(io.BytesIO(reporting.pdf(cohort, make(site, about, NOW)))).pages
        assert [round(float(edge)) for edge in pages[0].mediabox[2:]] == [612, 792]
        assert len(pages) == count
