"""Contrast: what is read reaches 4.5 to 1, edges and marks of controls 3 to 1, light and dark.

Computed from the tokens of both style sheets, so that a colour that is changed is judged at once,
also where no page of a browser test happens to use it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from surveyapp.web.tokens import contrast, is_colour, read_tokens

STATIC = Path(__file__).parents[2] / "surveyapp/web/static"
STAFF, PARTICIPANT = "staff.css", "participant.css"
TEXT, SHAPE = 4.5, 3.0

PAIRS = {
    (STAFF, TEXT): """
        ink/paper ink/card ink/tint ink/sand muted/paper muted/card muted/tint accent/paper
        accent/card accent/tint accent/sand brown/paper brown/card brown/sand on-accent/accent
        paper/brown
    """,
    (STAFF, SHAPE): """
        edge/paper edge/card accent/paper accent/card accent/tint brown/paper brown/card brown/sand
    """,
    (PARTICIPANT, TEXT): """
        ink/paper ink/fill quiet/paper accent/paper on/accent
    """,
    (PARTICIPANT, SHAPE): """
        edge/paper accent/paper accent/fill quiet/paper quiet/fill
    """,
}
ONLY_BESIDE_OTHERS = {
    STAFF: {"hair", "edge-fade"},
    PARTICIPANT: {"line"},
}
"""Hairlines and shades; nothing is told by them alone."""

CASES = [
    (sheet, scheme, needed, pair)
    for (sheet, needed), pairs in PAIRS.items()
    for pair in pairs.split()
    for scheme in ("light", "dark")
]


def tokens(sheet: str, scheme: str) -> dict[str, str]:
    found = read_tokens((STATIC / sheet).read_text("utf-8"))
    return dict(found.dark if scheme == "dark" else found.light)


@pytest.mark.parametrize(("sheet", "scheme", "needed", "pair"), CASES)
def test_a_pair_can_be_told_apart(sheet: str, scheme: str, needed: float, pair: str) -> None:
    colours = tokens(sheet, scheme)
    upper, ground = (colours[name] for name in pair.split("/"))
    assert contrast(upper, ground) >= needed


@pytest.mark.parametrize("sheet", [STAFF, PARTICIPANT])
def test_no_colour_is_left_out(sheet: str) -> None:
    names = {name for name, value in tokens(sheet, "light").items() if is_colour(value)}
    pairs = (pair for (of, _), pairs in PAIRS.items() if of == sheet for pair in pairs.split())
    judged = {name for pair in pairs for name in pair.split("/")}
    assert names == judged | ONLY_BESIDE_OTHERS[sheet]


@pytest.mark.parametrize("sheet", [STAFF, PARTICIPANT])
def test_the_dark_scheme_sets_every_colour_again(sheet: str) -> None:
    light, dark = tokens(sheet, "light"), tokens(sheet, "dark")
    assert {n for n, v in light.items() if is_colour(v) and dark[n] == v} == set()


@pytest.mark.parametrize("sheet", [STAFF, PARTICIPANT])
def test_rules_name_tokens_and_no_colour_of_their_own(sheet: str) -> None:
    """Paper alone is white and black: slips are cut out of it."""
    css = (STATIC / sheet).read_text("utf-8")
    rules = re.sub(r":root \{[^}]*\}", "", css)
    assert set(re.findall(r"#[0-9a-f]{3,6}\b(?![^{]*\{)", rules)) <= {"#fff", "#000", "#777"}


def test_contrast_as_wcag_counts_it() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#fff", "#fff") == 1
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
