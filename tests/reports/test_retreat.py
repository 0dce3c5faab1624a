"""The retreat's report: figures, shares, events, and its cautions."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from pypdf import PdfReader

from surveyapp.reports.pdf import render_here
from surveyapp.reports.retreat import RetreatView, retreat_html, retreat_json, retreat_view
from surveyapp.study.record import Person

from . import people as p

AS_OF = datetime(2026, 8, 1, 9, 2, tzinfo=UTC)


def view(people: list[Person]) -> RetreatView:
    return retreat_view(
        "Winter 2026", people, p.LIBRARY.instruments, now=p.NOW, as_of=AS_OF, practice=True
    )


def group() -> list[Person]:
    return [
        Person(f"G-{n}", (p.first_course(day_8=(n, n)), p.second_course(day_8=(n + 1, 4))))
        for n in range(2, 10)
    ]


def test_the_table_holds_n_mean_spread_and_interval():
    hads = view(group()).tables[0]
    assert ("", "Day 8", "8", "8", "5.50", "2.45", "3.45 to 7.55") in hads.rows
    assert [row for row in hads.rows if len(row) == 1] == [("First course",), ("Second course",)]


def test_shares_and_events_are_counted_per_course():
    shown = view(group())
    mystical, booster = shown.shares
    assert mystical.rows == (
        ("First course", "0 of 8", "0 %"),
        ("Second course", "8 of 8", "100 %"),
    )
    assert booster.rows[1] == ("Second course", "8 of 8", "100 %")
    assert shown.events is not None
    assert shown.events.rows == (("Second course", "Nausea", "1", "8", "0"),)


def test_one_person_or_none_has_no_spread_and_every_course_a_booster_row():
    alone = view([p.baseline_alone()])
    assert alone.tables[0].rows[1][2:] == ("1", "1", "14.00", "–", "–")
    assert retreat_json(alone)["booster"] == [{"course": 1, "n": 0, "count": 0}]
    assert alone.events is None
    empty = view([])
    assert retreat_json(empty)["scores"] == []
    assert "No answers" not in retreat_html(empty)
    assert PdfReader(io.BytesIO(render_here(retreat_html(empty)))).pages


def test_the_numbers_are_plain_and_unrounded():
    data = json.loads(json.dumps(retreat_json(view(group()))))
    row = next(r for r in data["scores"] if r["mean"] == 5.5)
    assert abs(row["sd"] - 2.449489742783178) < 1e-12
    assert data["complete_mystical"][1] == {"course": 2, "n": 8, "count": 8, "percent": 100.0}


def test_on_paper_it_is_for_staff_and_claims_nothing():
    reader = PdfReader(io.BytesIO(render_here(retreat_html(view(group())))))
    text = "\n".join(page.extract_text() for page in reader.pages)
    assert "For staff, not for handing to the group." in text
    assert "There is no control group" in text
    assert "Complete mystical experience" in text
    assert f"1 of {len(reader.pages)}" in text
    assert not any(f"G-{n}" in text for n in range(2, 10))
