"""SMS segments: by the tables of the standard, and by what must hold of any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyapp.delivery.segments import BASIC, EXTENSION, segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),
        ("á" + "a" * 69, 1),
        ("á" + "a" * 70, 2),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("🙂" * 67, 3),
    ],
)
def test_known_texts(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_the_alphabet_has_its_size() -> None:
    """128 places less the escape; the extension has ten signs."""
    assert len(BASIC) == 127
    assert len(EXTENSION) == 10


@given(st.text(max_size=500), st.text(max_size=200))
def test_more_text_never_takes_fewer_parts(first: str, more: str) -> None:
    assert segments(first + more) >= segments(first)


@given(st.text(alphabet=sorted(BASIC | EXTENSION), max_size=700))
def test_parts_hold_the_text_and_no_more_than_a_part_is_wasted_on_splits(text: str) -> None:
    places = sum(2 if sign in EXTENSION else 1 for sign in text)
    parts = segments(text)
    assert places <= parts * 160
    if parts > 1:
        assert places > (parts - 1) * 152
