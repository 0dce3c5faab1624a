"""The retreat's report: figures, shares, events, and its cautions."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

from pypdf import PdfReader

from surveyapp import texts
from surveyapp.reports.pdf import render_here
from surveyapp.reports.retreat import RetreatView, retreat_html, retreat_json, retreat_view
from surveyapp.study.record import Ending, Person

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
    assert ("", "Day 8", "8", "8", "5.50", "2.45", "5.50", "3.45 to 7.55") in hads.rows
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


def test_change_is_told_with_its_effect_size_or_a_dash():
    (change,) = view(group()).changes
    assert ("", "Week 24", "8", "−2.00", "0.00", "−2.00 to −2.00", "–") in change.rows
    assert "standardised mean change" in change.note
    varied = [
        Person(f"V-{n}", (p.first_course(baseline=(n + 8, 9), day_8=(n, n)),)) for n in (1, 3, 5)
    ]
    rows = view(varied).changes[0].rows
    assert rows[1] == ("Anxiety", "Day 8", "3", "−8.00", "0.00", "−8.00 to −8.00", "−4.00")


def test_courses_are_compared_for_the_same_people():
    alone = Person("G-1", (p.first_course(day_8=(21, 21)),))
    hads, meq = view([*group(), alone]).compared
    assert ("", "Day 8", "8", "5.50", "6.50", "+1.00", "1.00 to 1.00") in hads.rows
    assert ("Anxiety", "Day 8", "8", "−7.50", "−5.50", "+2.00", "2.00 to 2.00") in hads.rows
    assert len(meq.rows) == 1 + 5
    assert view([alone]).compared == ()


def test_the_flow_names_who_left_who_died_and_why_forms_are_missing():
    first = p.first_course()
    bare = p.course(1, "Spring 2025", p.SPRING, [], [p.dose(25)])
    gone = replace(
        bare,
        facts=replace(bare.facts, ended_on=p.SPRING),
        endings=(Ending("died", p.SPRING),),
    )
    ill = replace(bare, missing={"day-8": "too unwell"})
    people = [Person(str(n), (c,)) for n, c in enumerate([first, bare, gone, ill])]
    shown = view(people)
    assert shown.flow is not None
    assert shown.flow.rows[0] == ("First course · 4 enrolled",)
    assert shown.flow.rows[2] == (
        *(
            "Day 8",
            "3",
            "1",
            "0",
            "0",
            "2",
            "1\N{NO-BREAK SPACE}too unwell, 1\N{NO-BREAK SPACE}reason not recorded",
            "0",
            "0",
            "1",
        ),
    )
    rows = json.loads(json.dumps(retreat_json(shown)))["flow"]
    assert rows[1]["reasons"] == {"too unwell": 1, "not recorded": 1}
    assert view([]).flow is None


def test_the_flow_tells_of_answers_that_no_figure_counts():
    told = view([p.with_trouble()]).flow
    assert told is not None
    sentence = "Second course · Before the retreat: 1 answered at a time that no figure counts."
    assert told.note.endswith(sentence)


def test_one_person_or_none_has_no_spread_and_every_course_a_booster_row():
    alone = view([p.baseline_alone()])
    assert alone.tables[0].rows[1][2:] == ("1", "1", "14.00", "–", "14.00", "–")
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


def test_a_third_courses_title_stays_on_the_page():
    fits = view([p.with_trouble()]).charts[0].svg
    with texts.speaking("de"):
        longer = view([p.with_trouble()]).charts[0].svg
    assert "Third course · Winter 2026" in fits
    assert "Dritter Durchgang<" in longer
