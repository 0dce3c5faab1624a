"""The participant's report: what it says, what it never says, and how it comes out on paper."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from surveyapp.reports.participant import ParticipantView, participant_html, participant_view
from surveyapp.reports.participant_json import participant_json
from surveyapp.reports.pdf import render_here
from surveyapp.study.record import Person

from . import people as p

AS_OF = datetime(2026, 8, 1, 9, 2, tzinfo=UTC)
SOON = datetime(2026, 2, 16, tzinfo=UTC)
FORBIDDEN = (
    *("responder", "recovered", "remission", "complete mystical", "mystical"),
    *("because", "caused", "causes", "due to", "effect", "thanks to", "led to", "result of"),
    *("improved", "worked", "helped", "healed", "cured", "benefit", "treatment", "case"),
)


def view(person: Person, now: datetime = p.NOW, *, practice: bool = True) -> ParticipantView:
    return participant_view(person, p.LIBRARY.instruments, now=now, as_of=AS_OF, practice=practice)


def words_of(html: str) -> str:
    body = html.partition("<body>")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def said(person: Person, now: datetime = p.NOW) -> list[str]:
    return [f"{s.flag} {s.text}".strip() for s in view(person, now).sentences]


def one(baseline: tuple[int, int], day_8: tuple[int, int]) -> Person:
    course = p.second_course(baseline=baseline, day_8=day_8)
    kept = tuple(s for s in course.sheets if s.timepoint != "week-24")
    return Person("X", (replace(course, sheets=kept),))


def test_one_sentence_per_scale_sets_change_beside_its_error():
    assert said(one((14, 9), (9, 9))) == [
        "Anxiety 14 → 9 since before the retreat; this may be within measurement error "
        "(5.4 points).",
        "Depression 9 → 9 since before the retreat; this may be within measurement error "
        "(4.2 points).",
    ]
    assert said(p.two_courses())[0] == (
        "Anxiety 12 → 6 since before the retreat: a fall beyond measurement error (5.7 points)."
    )


def test_a_reliable_worsening_and_a_high_score_carry_symbol_and_words():
    assert said(one((4, 9), (12, 11))) == [
        "▲ Anxiety 4 → 12 since before the retreat: a rise beyond measurement error "
        "(5.4 points). In the range often seen with anxiety (11 or more).",
        "⚑ Depression 9 → 11 since before the retreat; this may be within measurement error "
        "(4.2 points). In the range often seen with depression (11 or more).",
    ]


def test_a_baseline_alone_is_enough():
    shown = view(p.baseline_alone(), SOON)
    assert [s.text for s in shown.sentences][1] == (
        "Depression 6 before the retreat; nothing later to compare it with yet."
    )
    assert shown.said_of == "Before the retreat"
    assert shown.missing == (
        "Day 8: not yet, opens Sun 22 Feb 2026.",
        "Week 24: not yet, opens Sat 25 Jul 2026.",
    )
    pages = PdfReader(io.BytesIO(render_here(participant_html(shown)))).pages
    assert len(pages) == 2


def test_without_a_baseline_nothing_is_compared():
    course = p.second_course()
    later = Person("X", (replace(course, sheets=course.sheets[1:]),))
    assert said(later)[0] == "Anxiety 6; no score from before the retreat to compare it with."
    scores = view(later).scores
    assert scores is not None
    assert {row[4] for row in scores.rows if len(row) > 1} == {"–"}


def test_an_answer_given_after_the_dose_is_no_baseline():
    sheets = [
        p.sheet("baseline", p.HADS, p.hads(14, 9), p.WINTER, 1),
        p.sheet("day-8", p.HADS, p.hads(5, 4), p.WINTER, 9),
    ]
    person = Person("X", (p.course(1, "Winter 2026", p.WINTER, sheets, [p.dose(35)]),))
    assert said(person)[0].startswith("Anxiety 5; no score from before")


def test_pain_is_judged_by_its_own_mark_and_distress_by_none():
    sheets = [
        p.sheet(t, p.RATINGS, {"pain": pain, "distress": distress}, p.WINTER, day)
        for t, pain, distress, day in (("baseline", 7, 8, -7), ("day-8", 4, 2, 8))
    ]
    course = p.course(1, "Winter 2026", p.WINTER, sheets, [p.dose(35)], protocol=p.RATED)
    assert said(Person("X", (course,))) == [
        "Pain 7 → 4 since before the retreat: a fall that people usually notice (3 points, 43 %).",
        "Existential distress 8 → 2 since before the retreat; how much of this is measurement "
        "error is not known.",
    ]


def test_what_is_missing_says_why():
    assert view(p.with_trouble()).missing == (
        "First course, before the retreat, depression: too few answers for a score (3 of 7).",
        "First course, day 8: not answered, closed Sat 25 May 2024.",
        "Second course, day 8, beyond words: too few answers for a score (1 of 3).",
        "Second course, week 24: not answered, closed Sat 13 Sep 2025.",
        "Third course, day 8, MEQ30: not answered, closed Sat 28 Feb 2026.",
        "Third course, week 24: not answered, closed Sat 15 Aug 2026.",
    )
    assert view(p.two_courses()).missing == ()


def test_the_table_gives_change_error_and_source():
    shown = view(p.two_courses())
    assert shown.scores is not None
    row = ("", "Week 24", "168", "6", "−6", "±5.7", "a fall beyond error", "0–7")
    assert row in shown.scores.rows
    assert ("Anxiety", "Before the retreat", "−7", "12", "–", "–", "baseline", "11–21") in (
        shown.scores.rows
    )
    error = next(text for text in shown.sources if text.startswith("Error"))
    assert "Anxiety SD 3.76, r 0.73 (2-6 weeks) to Day 8; r 0.70 (longer) to Week 24." in error
    assert any("A screen, not a diagnosis." in text for text in shown.sources)


def test_estimated_scores_keep_a_decimal_and_say_from_how_many():
    shown = view(p.with_trouble())
    assert shown.scores is not None
    scores = [row[3] for row in shown.scores.rows if len(row) > 1]
    assert "8.4, from 5 of 7" in scores
    assert "8 (late, after the dose)" in scores


def test_items_that_moved_stand_apart_from_evidence():
    low, high = p.hads(0, 0), p.hads(0, 0) | {"5": 3, "9": 2, "4": 1}
    sheets = [
        p.sheet("baseline", p.HADS, low, p.WINTER, -7),
        p.sheet("day-8", p.HADS, high, p.WINTER, 8),
    ]
    person = Person("X", (p.course(1, "Winter 2026", p.WINTER, sheets, [p.dose(35)]),))
    shown = view(person)
    assert shown.moved[0].rows == (("Worry", "0", "3", "Nerves", "0", "2"),)
    assert "For conversation, not evidence of change" in words_of(participant_html(shown))


def test_every_answer_is_there_by_topic_and_skips_are_seen():
    shown = view(p.with_trouble())
    cells = [cell for row in shown.answers[0].rows for cell in row]
    assert [i.topic for i in p.HADS.items if i.topic not in cells] == []
    assert cells.count("–") == 6
    assert shown.answers[0].groups[1:4] == (("1st", 2), ("2nd", 2), ("3rd", 2))


@pytest.mark.parametrize(
    "person", [p.two_courses(), p.baseline_alone(), p.with_trouble()], ids=lambda x: x.code
)
def test_words_that_never_stand_on_it(person: Person):
    html = participant_html(view(person))
    text = words_of(html).lower()
    assert [w for w in FORBIDDEN if re.search(rf"\b{w}\b", text)] == []
    everything = json.dumps(participant_json(view(person))).lower()
    assert "complete_mystical" not in everything


def test_the_foot_names_the_code_the_date_and_every_notice():
    foot = view(p.two_courses()).foot
    assert foot.dated == "Data as of Sat 1 Aug 2026, 11:02"
    assert foot.notices == (
        "Synthetic or test entries: practice study.",
        "Placeholder. Not the HADS, not validated, not for anyone's care.",
        "Placeholder. Not the MEQ30, not validated, not for anyone's care.",
    )
    course = p.second_course()
    own = tuple(replace(s, placeholder=False) for s in course.sheets)
    real = Person("X", (replace(course, sheets=own),))
    assert view(real, practice=False).foot.notices == ()


def test_on_paper_two_a4_pages_with_title_language_fonts_and_foot():
    html = participant_html(view(p.two_courses()))
    reader = PdfReader(io.BytesIO(render_here(html)))
    assert reader.metadata is not None
    assert reader.metadata.title == "R2-05"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert len(reader.pages) == 2
    for number, page in enumerate(reader.pages, 1):
        size = [round(float(edge)) for edge in (page.mediabox.width, page.mediabox.height)]
        assert size == [595, 842]
        text = page.extract_text()
        assert f"{number} of 2" in text
        assert "R2-05" in text
        assert "Data as of Sat 1 Aug 2026, 11:02" in text
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()
            assert "DejaVu" in inner["/BaseFont"]
            assert "/FontFile2" in inner["/FontDescriptor"].get_object()
    assert "In words: Week 24" in reader.pages[0].extract_text()
    assert "Scores, change and its error" in reader.pages[1].extract_text()


def test_a_person_without_a_course_or_an_answer_has_a_page():
    for person in (Person("X", ()), Person("X", (p.course(1, "W", p.WINTER, []),))):
        shown = view(person, SOON)
        assert "No score yet" in words_of(participant_html(shown))
        assert len(PdfReader(io.BytesIO(render_here(participant_html(shown)))).pages) == 1


def test_what_people_typed_is_escaped():
    course = replace(p.second_course(), retreat="<i>W</i>")
    assert "<i>W" not in participant_html(view(Person("<b>X", (course,))))


def test_the_numbers_are_unrounded_and_those_of_the_report():
    data = participant_json(view(p.two_courses()))
    change = next(c for c in data["changes"] if (c["course"], c["to"]) == (2, "day-8"))
    assert (change["scale"], change["difference"], change["verdict"]) == ("anxiety", -7, "fall")
    assert change["limit"] == pytest.approx(5.4155, abs=1e-4)
    assert len(data["scores"]) == 18
    assert data["sessions"][0]["percent"] == pytest.approx(54.6667, abs=1e-4)
    assert data["courses"][1]["doses"][1]["mg"] == 10
    json.dumps(data)
