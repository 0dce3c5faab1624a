"""Charts that can be asked, their values as a table, and the change since the last score."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import html5lib

from surveyapp.services import personal, sheets
from surveyapp.services.sheets import NewSheet
from surveyapp.services.site import Site

from .test_exchange_export import DOSING, add_course
from .test_second import FIRST, SHEET


def enter(site: Site, timepoint: str, on: date, value: int) -> None:
    by: dict[str, Any] = {**FIRST, "now": FIRST["now"] + timedelta(days=200)}
    new = NewSheet({item: value for item in SHEET}, "paper", on)
    sheets.enter_sheet(site, "P-01", 1, timepoint, "hads", new, **by)


def test_every_point_can_be_reached_and_stands_in_the_table(sqlite_site: Site) -> None:
    add_course(sqlite_site, confirmed=True)
    enter(sqlite_site, "baseline", DOSING - timedelta(days=7), 2)
    enter(sqlite_site, "day-8", DOSING + timedelta(days=8), 1)
    view = personal.person_view(sqlite_site, "P-01", FIRST["now"] + timedelta(days=200))
    (chart, *_) = view.charts
    tree = html5lib.parse(chart.svg, namespaceHTMLElements=False)
    told = [g.get("aria-label") for g in tree.iter() if g.get("class") == "point"]
    assert len(told) == 4
    assert any("Day 8: Sun 28 Mar 2027, day 8" in text for text in told)
    assert [row[1] for row in chart.rows] == ["Before the retreat", "Day 8", "Week 24"]
    assert chart.rows[1][2:4] == ("Sun 28 Mar 2027", "8")
    assert len(chart.rows[0]) == len(chart.heads)


def test_change_since_the_last_score_is_told_beside_the_baselines(sqlite_site: Site) -> None:
    add_course(sqlite_site, confirmed=True)
    enter(sqlite_site, "baseline", DOSING - timedelta(days=7), 2)
    enter(sqlite_site, "day-8", DOSING + timedelta(days=8), 1)
    now = FIRST["now"] + timedelta(days=200)
    (course,) = personal.person_view(sqlite_site, "P-01", now).courses
    assert [row.since_last for row in course.scores[0].rows] == ["", "", ""]
    enter(sqlite_site, "week-24", DOSING + timedelta(days=168), 3)
    (course,) = personal.person_view(sqlite_site, "P-01", now).courses
    first = course.scores[0].rows[0].since_last
    assert first.startswith("Week 24 since day 8: +")
    assert "beyond error" in first
