"""Sheets typed in: scored as the phone's are, marked as what they are, overwriting nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from surveyapp.services import alert_views, answering, sheets, stopping
from surveyapp.services.answering import Tap
from surveyapp.services.errors import GoneError, InputError, NotFoundError, RefusedError
from surveyapp.services.sheets import NewSheet
from surveyapp.services.site import Site
from surveyapp.services.visits import write_capability
from surveyapp.store import trail
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Answer, Assessment, ScoreRow
from surveyapp.store.windows import mend_windows
from tests.world import add_course

NOW = datetime(2027, 3, 18, 12, tzinfo=UTC)
BY: dict[str, Any] = {"actor": "staff:1", "now": NOW}
BASELINE = ("P-01", 1, "baseline", "hads")
DAY = date(2027, 3, 14)


def full(site: Site, value: int = 1, **changed: Any) -> NewSheet:
    items = [item.id for item in site.library.instruments["hads"].items]
    values = {item: value for item in items}
    return replace(NewSheet({**values}, "paper", DAY, time(9, 30)), **changed)


def kept(site: Site) -> tuple[Assessment, dict[str, float | None]]:
    with site.database.read() as session:
        sheet = session.scalars(select(Assessment)).one()
        scores = session.scalars(select(ScoreRow).where(ScoreRow.assessment_id == sheet.id))
        return sheet, {row.scale: row.value for row in scores}


def test_a_sheet_is_kept_scored_and_marked_as_paper(site: Site) -> None:
    add_course(site)
    sheets.enter_sheet(site, *BASELINE, full(site), **BY)
    sheet, scores = kept(site)
    assert (sheet.mode, sheet.entered_by) == ("paper", "staff:1")
    assert sheet.submitted_at == datetime(2027, 3, 14, 8, 30, tzinfo=UTC)
    assert scores["anxiety"] == 7
    with site.database.write() as session:
        assert trail.verify(session).fault is None
        assert mend_windows(session, site.library) == 0
    with pytest.raises(RefusedError):
        sheets.enter_sheet(site, *BASELINE, full(site, 2), **BY)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"mode": "pigeon"}, "mode"),
        ({"on": None}, "on"),
        ({"on": date(2027, 3, 19)}, "on"),
        ({"on": date(1999, 3, 19)}, "on"),
        ({"on": date(2027, 3, 18), "at": time(23)}, "on"),
        ({"values": {"1": 9}}, "1"),
        ({"values": {"1": "no"}}, "1"),
        ({"values": sheets.typed({"1": "--1", "2": "1"})}, "1"),
        ({"values": sheets.typed({"1": "9" * 5000, "2": "1"})}, "1"),
        ({"values": {}}, ""),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    site: Site, changed: dict[str, Any], field: str
) -> None:
    add_course(site)
    for act in (sheets.preview_sheet, sheets.enter_sheet):
        more = {"now": NOW} if act is sheets.preview_sheet else BY
        with pytest.raises(InputError) as caught:
            act(site, *BASELINE, full(site, **changed), **more)
        assert field in caught.value.problems
    with site.database.read() as session:
        assert session.scalars(select(Assessment)).all() == []


def test_a_day_without_a_time_counts_as_noon_and_never_as_the_future(site: Site) -> None:
    add_course(site)
    early = NOW.replace(hour=6)
    today = full(site, on=date(2027, 3, 18), at=None)
    sheets.enter_sheet(site, *BASELINE, today, actor="staff:1", now=early)
    assert kept(site)[0].submitted_at == early


def test_the_preview_says_what_it_comes_to(site: Site) -> None:
    add_course(site)
    values = {**full(site).values, "1": "", "2": "declined"}
    told = sheets.preview_sheet(site, *BASELINE, full(site, values=values), NOW)
    assert told.missing == ("1", "2")
    assert dict(told.scores)["Anxiety"] != ""
    late = sheets.preview_sheet(site, *BASELINE, full(site, on=date(2027, 3, 1)), NOW)
    assert any("before the window opens" in note for note in late.notes)


def begun(site: Site) -> answering.Opened:
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, 1, "baseline")
    opened = answering.begin(site, token, NOW, notice=0)
    tap = Tap("hads", "1", 3)
    answering.save(site, opened.visit, write_capability(opened.read_secret), [tap], NOW)
    return opened


def test_a_draft_on_the_phone_gives_way_only_when_it_is_said(site: Site) -> None:
    add_course(site)
    opened = begun(site)
    with pytest.raises(InputError) as caught:
        sheets.enter_sheet(site, *BASELINE, full(site), **BY)
    assert set(caught.value.problems) == {"replace"}
    sheets.enter_sheet(site, *BASELINE, full(site, replace=True), **BY)
    sheet, scores = kept(site)
    assert (sheet.mode, scores["anxiety"]) == ("paper", 7)
    write = write_capability(opened.read_secret)
    with pytest.raises(GoneError):
        answering.save(site, opened.visit, write, [Tap("hads", "2", 3)], NOW)


def test_nothing_is_entered_for_days_after_a_death(site: Site) -> None:
    add_course(site)
    died = stopping.NewStop("died", since=date(2027, 3, 13))
    stopping.record_stop(site, "P-01", 1, died, **BY)
    with pytest.raises(InputError) as caught:
        sheets.enter_sheet(site, *BASELINE, full(site), **BY)
    assert "on" in caught.value.problems
    sheets.enter_sheet(site, *BASELINE, full(site, on=date(2027, 3, 12)), **BY)


def test_worse_answers_on_paper_raise_an_alert_too(site: Site) -> None:
    add_course(site, confirmed=True)
    sheets.enter_sheet(site, *BASELINE, full(site, 0), **BY)
    later = datetime(2027, 3, 29, 12, tzinfo=UTC)
    worse = full(site, 2, mode="telephone", on=date(2027, 3, 28))
    sheets.enter_sheet(site, "P-01", 1, "day-8", "hads", worse, actor="staff:1", now=later)
    assert {view.state for view in alert_views.open_of_person(site, "P-01")} == {"open"}


@pytest.mark.parametrize("place", [("baseline", "meq30"), ("never", "hads")])
def test_what_the_course_does_not_ask_is_not_found(site: Site, place: tuple[str, str]) -> None:
    add_course(site)
    with pytest.raises(NotFoundError):
        sheets.sheet_form(site, "P-01", 1, *place, NOW)


def test_scores_equal_those_of_the_same_answers_on_a_phone(sqlite_site: Site) -> None:
    site = sqlite_site
    items = site.library.instruments["hads"].items
    answer = st.sampled_from([0, 1, 2, 3, "", "declined"])
    course = 0

    @settings(
        max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(answer, min_size=len(items), max_size=len(items)))
    def check(answers: list[Any]) -> None:
        nonlocal course
        course += 1
        values = {item.id: value for item, value in zip(items, answers, strict=True)}
        if not any(isinstance(value, int) for value in answers):
            return
        paper, phone = f"A-{course}", f"B-{course}"
        ids = [add_course(site, code=code, retreat=f"R{course}") for code in (paper, phone)]
        sheets.enter_sheet(site, paper, 1, "baseline", "hads", full(site, values=values), **BY)
        with site.database.write() as session:
            token = ensure_link(session, site.link_key, ids[1], "baseline")
        opened = answering.begin(site, token, NOW, notice=0)
        write = write_capability(opened.read_secret)
        taps = [
            Tap("hads", item, value if isinstance(value, int) else None)
            for item, value in values.items()
            if value != ""
        ]
        answering.save(site, opened.visit, write, taps, NOW)
        answering.send(site, opened.visit, write, "hads", NOW)
        assert scored(site, ids[0]) == scored(site, ids[1])

    check()


def scored(site: Site, course: int) -> list[tuple[Any, ...]]:
    with site.database.read() as session:
        sheet = session.scalars(select(Assessment).where(Assessment.course_id == course)).one()
        rows = session.scalars(
            select(ScoreRow).where(ScoreRow.assessment_id == sheet.id).order_by(ScoreRow.scale)
        )
        found = [(r.scale, r.value, r.answered, r.estimated, r.band) for r in rows]
        answers = session.scalars(select(Answer).where(Answer.assessment_id == sheet.id))
        return [*found, *sorted((a.item, str(a.value), str(a.skip)) for a in answers)]
