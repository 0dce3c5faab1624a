"""Dates and numbers in words, and the template environment."""

from datetime import UTC, date, datetime

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp import texts


def test_dates_carry_their_weekday():
    assert texts.day(date(2026, 2, 14)) == "Sat 14 Feb 2026"
    assert texts.short_day(date(2025, 3, 5)) == "5 Mar"
    assert texts.moment(datetime(2026, 8, 1, 11, 2, tzinfo=UTC)) == "Sat 1 Aug 2026, 11:02"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(8.5, 0, "9"), (9.4999, 0, "9"), (5.4155, 1, "5.4"), (0.25, 1, "0.3"), (-2.5, 0, "−2"),
     (2.675, 2, "2.68"), (-0.2, 0, "0"), (53.3333, 0, "53")],
)  # fmt: skip
def test_numbers_round_half_up(value: float, digits: int, text: str):
    assert texts.number(value, digits) == text


@given(st.floats(-1000, 1000), st.integers(0, 3))
def test_rounding_moves_a_number_by_half_a_step_at_most(value: float, digits: int):
    assert abs(texts.half_up(value, digits) - value) <= 0.5 / 10**digits + 1e-8


def test_differences_show_their_sign_and_amounts_no_empty_decimals():
    assert [texts.signed(v) for v in (5.0, -5.0, 0.0)] == ["+5", "−5", "0"]
    assert [texts.amount(v) for v in (35.0, 12.5, 0.25)] == ["35", "12.5", "0.25"]


def test_html_and_svg_are_escaped_and_text_is_not():
    env = texts.environment()
    shown = "{{ x }} {% trans %}Hello{% endtrans %}"
    autoescape = env.autoescape
    assert callable(autoescape)
    assert autoescape("report/participant.html")
    assert autoescape("chart/profile.svg")
    assert not autoescape("message/prompt.txt")
    assert env.from_string(shown).render(x="<b>") in ("<b> Hello", "&lt;b&gt; Hello")


def test_an_unknown_name_in_a_template_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        texts.environment().from_string("{{ nobody }}").render()
