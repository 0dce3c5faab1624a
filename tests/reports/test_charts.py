"""The figures: what they say, how they are told apart, and that nothing is written over."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyapp.reports import charts
from surveyapp.reports.measure import TALL, text_width
from surveyapp.reports.placement import Box, Segment
from surveyapp.study.instrument import Instrument
from surveyapp.study.record import Person
from surveyapp.study.summary import group_scores

from . import people as p

SVG = "{http://www.w3.org/2000/svg}"
HADS_SCALES = charts.chart_scales(p.HADS)[0]
COLOUR = re.compile(r"#[0-9a-f]{6}")


def trajectory(person: Person, now: datetime = p.NOW) -> ElementTree.Element:
    return ElementTree.fromstring(charts.trajectory_svg(person, p.HADS, HADS_SCALES, now))


def texts(root: ElementTree.Element, hook: str = "") -> list[str]:
    found = root.iter(f"{SVG}text")
    return [t.text or "" for t in found if hook in (t.get("class") or "").split() or not hook]


def attribute(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name) or 0)


def label_boxes(root: ElementTree.Element) -> list[Box]:
    boxes: list[Box] = []
    for label in root.iter(f"{SVG}text"):
        if "value" in (label.get("class") or "").split():
            x, y, size = (attribute(label, name) for name in ("x", "y", "font-size"))
            half = text_width(label.text or "", size, bold=True) / 2
            boxes.append(Box(x - half, y - TALL * size, x + half, y))
    return boxes


def drawn_lines(root: ElementTree.Element) -> list[Segment]:
    """All but the leaders, which end at their label."""
    ends = ("x1", "y1", "x2", "y2")
    return [
        Segment(*(attribute(line, end) for end in ends), pad=0.5)
        for line in root.iter(f"{SVG}line")
        if line.get("class") != "leader"
    ]


def described(root: ElementTree.Element) -> str:
    return root.findtext(f"{SVG}desc") or ""


@pytest.mark.parametrize(
    "person", [p.two_courses(), p.baseline_alone(), p.with_trouble()], ids=lambda x: x.code
)
def test_one_panel_per_course_with_dosing_day_and_doses(person: Person):
    shown = texts(trajectory(person))
    for course in person.courses:
        assert any(course.retreat in text for text in shown)
    assert sum(text == "21" for text in shown) == len(person.courses)
    assert sum(text == "dose" for text in shown) == len(person.courses)


def test_the_thresholds_and_doses_are_labelled_and_explained():
    shown = texts(trajectory(p.two_courses()))
    assert shown.count("11") >= 2
    assert "14 Feb 2026 · 35 + 10 mg" in shown
    assert "8, 11: general thresholds, not specific to cancer" in shown
    assert "Lower is better. 0–21" in shown


scores = st.tuples(st.integers(0, 21), st.integers(0, 21))


@settings(max_examples=40, deadline=None)
@given(st.lists(scores, min_size=6, max_size=6))
def test_every_value_is_labelled_and_no_label_lies_on_a_line_or_another(
    found: list[tuple[int, int]],
):
    keys = ("baseline", "day_8", "week_24")
    courses = (
        p.first_course(**dict(zip(keys, found[:3], strict=True))),
        p.second_course(**dict(zip(keys, found[3:], strict=True))),
    )
    root = trajectory(Person("X", courses))
    boxes, lines = label_boxes(root), drawn_lines(root)
    assert len(boxes) == sum(1 if anxiety == low else 2 for anxiety, low in found)
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    assert not any(line.crosses(box) for line in lines for box in boxes)


def joined(root: ElementTree.Element, style: str) -> int:
    """Drawn pieces of one line, its entry in the legend left out."""
    return sum(1 for line in root.iter(f"{SVG}line") if line.get("class") == style) - 1


def test_a_missing_timepoint_is_shown_and_never_joined_across():
    course = p.second_course()
    sheets = tuple(s for s in course.sheets if s.timepoint != "day-8")
    root = trajectory(Person("X", (replace(course, sheets=sheets),)))
    assert joined(root, "series-a") == 0
    assert joined(trajectory(Person("X", (course,))), "series-a") == 2
    assert "Day 8: not answered" in texts(root)
    assert "×" in texts(root)


def test_what_is_still_to_come_is_not_called_missing():
    root = trajectory(p.baseline_alone(), datetime(2026, 2, 16, tzinfo=UTC))
    assert "Week 24: not yet" in texts(root)
    assert "×" not in texts(root)


def test_estimated_points_are_hollow_and_outside_ones_marked():
    root = trajectory(p.with_trouble())
    shown = texts(root)
    hollow = [e for e in root.iter(f"{SVG}path") if "hollow" in (e.get("class") or "")]
    assert len(hollow) == 2  # the point and its legend
    assert {"8.4", "12†", "8†‡"} <= set(shown)
    assert "† answered late" in shown
    assert "‡ answered after the dose" in shown
    assert "hollow: estimated, some answers missing" in shown
    assert any(text.startswith("Depression: too few") for text in shown)


def test_points_on_one_another_both_show():
    root = trajectory(Person("X", (p.second_course(day_8=(4, 4)),)))
    assert texts(root, "value").count("4") == 1
    sizes = {
        len(set(re.findall(r"[\d.]+", e.get("d") or "")))
        for e in root.iter(f"{SVG}path")
        if "mark" in (e.get("class") or "")
    }
    assert sizes


def test_ratings_have_their_own_fixed_axis():
    sheets = [
        p.sheet(t, p.RATINGS, {"pain": pain, "distress": distress}, p.WINTER, day)
        for t, pain, distress, day in (("baseline", 7, 8, -7), ("day-8", 4, 8, 8))
    ]
    course = p.course(1, "Winter 2026", p.WINTER, sheets, [p.dose(35)], protocol=p.RATED)
    scales = charts.chart_scales(p.RATINGS)
    assert [[s.id for s in group] for group in scales] == [["pain", "distress"]]
    root = ElementTree.fromstring(
        charts.trajectory_svg(Person("X", (course,)), p.RATINGS, scales[0], p.NOW)
    )
    assert "10" in texts(root)
    assert "21" not in texts(root)


def test_the_total_is_not_drawn_with_its_parts():
    assert [s.id for s in HADS_SCALES] == ["anxiety", "depression"]


def test_the_text_alternative_gives_the_numbers_in_words():
    told = described(trajectory(p.two_courses()))
    assert "Second course · Winter 2026, dosing day Sat 14 Feb 2026, 35 + 10 mg." in told
    assert "Anxiety: 12 7 days before the dose; 5 8 days after the dose" in told


def test_a_course_without_a_dosing_day_or_questions_has_no_panel():
    assert charts.trajectory_svg(Person("X", ()), p.HADS, HADS_SCALES, p.NOW) == ""
    only_hads = Person("X", (p.baseline_alone().courses[0],))
    assert charts.trajectory_svg(only_hads, p.RATINGS, (), p.NOW) == ""


def test_profiles_name_the_session_and_every_bar():
    root = ElementTree.fromstring(charts.profile_svg(p.two_courses(), p.MEQ30))
    shown = texts(root)
    assert "Sat 14 Feb 2026, answered 8 days after" in shown
    assert shown.count("Beyond words") == 2
    assert "All together" not in shown
    assert "Higher is more. 0–100 % of the most possible. The line stands at 60 %." in shown
    assert "Positive mood 60 %" in described(root)


def test_a_profile_says_what_it_does_not_know():
    root = ElementTree.fromstring(charts.profile_svg(p.with_trouble(), p.MEQ30))
    assert {"≈40 %", "–"} <= set(texts(root))
    assert "Unity and insight 40 % (estimated)" in described(root)
    assert "Beyond words without a score" in described(root)
    assert charts.profile_svg(p.baseline_alone(), p.MEQ30) == ""


def group() -> list[Person]:
    return [
        Person(f"G-{n}", (p.first_course(day_8=(n, n)), p.second_course(day_8=(n + 1, 4))))
        for n in range(2, 10)
    ]


def test_the_group_shows_everybody_behind_the_mean():
    members = group()
    rows = group_scores(members, p.LIBRARY.instruments)
    root = ElementTree.fromstring(charts.group_svg(members, p.HADS, HADS_SCALES[0], rows, p.NOW))
    people_lines = [e for e in root.iter(f"{SVG}line") if e.get("class") == "person"]
    assert len(people_lines) == len(members) * 2 * 2
    assert {"13.0", "5.5", "11.0", "12.0", "6.5", "6.0"} <= set(texts(root, "ink"))
    assert "day-8 mean 5.50 of 8 (95 % interval 3.45 to 7.55)" in described(root)
    assert not any(member.code in text for member in members for text in texts(root))


def test_nobody_asked_no_group_chart():
    assert charts.group_svg([], p.HADS, HADS_SCALES[0], [], p.NOW) == ""


def every_chart() -> dict[str, str]:
    members = group()
    rows = group_scores(members, p.LIBRARY.instruments)
    trouble = p.with_trouble()
    return {
        "trajectory": charts.trajectory_svg(trouble, p.HADS, HADS_SCALES, p.NOW),
        "profile": charts.profile_svg(trouble, p.MEQ30),
        "group": charts.group_svg(members, p.HADS, HADS_SCALES[0], rows, p.NOW),
    }


@pytest.mark.parametrize("name", ["trajectory", "profile", "group"])
def test_a_strict_policy_holds_and_there_is_a_text_alternative(name: str):
    svg = every_chart()[name]
    assert "style" not in svg
    assert "<script" not in svg
    assert "font=" not in svg
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title")
    assert len(described(root)) > 80


@pytest.mark.parametrize("name", ["trajectory", "profile", "group"])
def test_no_red_or_green_carries_a_meaning(name: str):
    for colour in set(COLOUR.findall(every_chart()[name])):
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        assert not (red > 150 and green < 100 and blue < 100), colour
        assert not (green > 120 and green > 1.3 * red and green > 1.3 * blue), colour


def test_lines_differ_in_dash_and_mark_without_colour():
    from surveyapp.reports.marks import STYLES

    assert len({s.dash for s in STYLES}) == len({s.shape for s in STYLES}) == len(STYLES)


def test_names_are_escaped():
    course = replace(p.second_course(), retreat="<b>Winter</b> & co")
    svg = charts.trajectory_svg(Person("X", (course,)), p.HADS, HADS_SCALES, p.NOW)
    assert "<b>" not in svg
    assert "Second course · <b>Winter</b> & co" in texts(ElementTree.fromstring(svg))


def weekly() -> tuple[Instrument, Person]:
    """Twelve weekly timepoints, every third of them missed."""
    base = p.PROTOCOL.timepoints[1]
    weeks = tuple(
        replace(base, id=f"week-{n:02}", label=f"Week {n}", instruments=("hads",),
                opens=7 * n, target=7 * n, closes=7 * n + 5)
        for n in range(1, 13)
    )  # fmt: skip
    protocol = replace(p.PROTOCOL, timepoints=weeks)
    sheets = [
        p.sheet(f"week-{n:02}", p.HADS, p.hads(n, 12 - n), date(2026, 2, 14), 7 * n)
        for n in range(1, 13)
        if n % 3
    ]
    course = p.course(1, "Weekly", date(2026, 2, 14), sheets, [p.dose(35)], protocol=protocol)
    return p.HADS, Person("W", (course,))


def test_many_timepoints_stay_apart():
    instrument, person = weekly()
    root = ElementTree.fromstring(charts.trajectory_svg(person, instrument, HADS_SCALES, p.NOW))
    boxes, lines = label_boxes(root), drawn_lines(root)
    assert len(boxes) >= 12
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    assert not any(line.crosses(box) for line in lines for box in boxes)
    assert texts(root).count("×") == 4
    assert joined(root, "series-a") == 4


def test_events_stand_on_the_axis_of_days_in_shape_and_in_words() -> None:
    plain = p.nausea()
    grave = replace(plain, grade=3)
    late = replace(plain, started_at=plain.started_at + timedelta(days=400))
    for events, marks in (((plain, late), 1), ((plain, grave), 1), ((late,), 0)):
        course = replace(p.second_course(), events=events)
        root = trajectory(Person("R2-05", (course,)))
        kinds = [e.get("class") for e in root.iter(f"{SVG}path")]
        assert sum(kind in ("event", "event filled") for kind in kinds) == marks
        assert ("event filled" in kinds) == (grave in events)
        assert "grade 1" in (root.findtext(f"{SVG}desc") or "")
        assert any("△ event" in text for text in texts(root))


def test_what_was_typed_of_an_event_is_escaped() -> None:
    typed = replace(p.nausea(), term="<script>alert(1)</script>")
    course = replace(p.second_course(), events=(typed,))
    svg = charts.trajectory_svg(Person("R2-05", (course,)), p.HADS, HADS_SCALES, p.NOW)
    assert "<script" not in svg
    assert "&lt;script" in svg
