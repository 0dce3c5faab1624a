"""HADS: the key, the half rule and the bands, number by number."""

from __future__ import annotations

import pytest

from surveyapp.study.scoring import Answers, band_of, score

from .samples import HADS

ODD = [str(n) for n in range(1, 15, 2)]
EVEN = [str(n) for n in range(2, 15, 2)]


def by_position(position: int) -> dict[str, int]:
    options = HADS.wording("en").options
    return {item.id: options[item.id][position].value for item in HADS.items}


def values(answers: Answers) -> dict[str, float | None]:
    return {name: s.value for name, s in score(HADS, answers).scales.items()}


@pytest.mark.parametrize(
    ("position", "anxiety", "depression", "total"),
    [(0, 15, 9, 24), (1, 12, 10, 22), (2, 9, 11, 20), (3, 6, 12, 18)],
)
def test_every_option_of_one_printed_row(position, anxiety, depression, total):
    expected = {"anxiety": anxiety, "depression": depression, "total": total}
    assert values(by_position(position)) == expected


def test_scales_are_the_odd_and_the_even_items():
    assert HADS.scale("anxiety").items == tuple(ODD)
    assert HADS.scale("depression").items == tuple(EVEN)


def test_ranges():
    assert {s.id: (s.low, s.high) for s in HADS.scales} == {
        "anxiety": (0, 21),
        "depression": (0, 21),
        "total": (0, 42),
    }


@pytest.mark.parametrize("item", [item.id for item in HADS.items])
def test_printed_order_of_values(item):
    falling = {"1", "3", "5", "6", "8", "10", "11", "13"}
    expected = [3, 2, 1, 0] if item in falling else [0, 1, 2, 3]
    assert [option.value for option in HADS.wording("en").options[item]] == expected


@pytest.mark.parametrize("item", [item.id for item in HADS.items])
def test_placeholder_words_fit_the_topic(item):
    """The more there is of something good, the lower the value."""
    good = item in {"2", "4", "6", "7", "10", "12", "14"}
    texts = {o.value: o.text for o in HADS.wording("en").options[item]}
    assert texts[0] == ("A great deal" if good else "Not at all")
    assert texts[3] == ("Not at all" if good else "A great deal")


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (0, "normal"),
        (7, "normal"),
        (7.49, "normal"),
        (7.5, "borderline"),
        (8, "borderline"),
        (10, "borderline"),
        (10.49, "borderline"),
        (10.5, "case"),
        (11, "case"),
        (21, "case"),
    ],
)
def test_bands_by_the_value_rounded_half_up(value, band):
    assert band_of(HADS.scale("anxiety"), value) == band
    assert band_of(HADS.scale("depression"), value) == band


def test_total_has_no_bands_and_no_retest():
    assert score(HADS, by_position(0)).scales["total"].band is None
    assert HADS.scale("total").reliability is None
    assert HADS.scale("total").meaningful is None


def test_half_rule_holds_at_four_of_seven():
    answers = {**dict.fromkeys(ODD[:4], 2), **dict.fromkeys(EVEN, 1)}
    anxiety = score(HADS, answers).scales["anxiety"]
    assert (anxiety.value, anxiety.answered, anxiety.of) == (14, 4, 7)
    assert anxiety.estimated
    assert anxiety.band == "case"


def test_half_rule_forbids_at_three_of_seven():
    answers = {**dict.fromkeys(ODD[:3], 2), **dict.fromkeys(EVEN, 1)}
    scales = score(HADS, answers).scales
    assert (scales["anxiety"].value, scales["anxiety"].band) == (None, None)
    assert (scales["anxiety"].answered, scales["anxiety"].estimated) == (3, False)
    assert scales["depression"].value == 7
    assert scales["total"].value is None
    assert (scales["total"].answered, scales["total"].of) == (10, 14)


def test_estimate_is_seven_times_the_own_mean_and_stays_unrounded():
    answers = {**dict(zip(ODD, [3, 2, 1, 1, 0], strict=False)), **dict.fromkeys(EVEN, 0)}
    scales = score(HADS, answers).scales
    assert scales["anxiety"].value == pytest.approx(7 * 7 / 5)
    assert scales["anxiety"].band == "borderline"
    assert scales["total"].value == pytest.approx(9.8)
    assert scales["total"].estimated


def test_an_estimate_at_half_is_banded_upwards():
    """Four answers that sum to 6: 7 * 6 / 4 = 10.5, which counts as 11."""
    answers = dict(zip(ODD, [2, 2, 1, 1], strict=False))
    anxiety = score(HADS, answers).scales["anxiety"]
    assert (anxiety.value, anxiety.band) == (10.5, "case")


def test_no_answers_at_all():
    assert set(values({}).values()) == {None}


def test_threshold_note_and_notice():
    assert HADS.threshold_note == "general thresholds, not specific to cancer"
    wording = HADS.wording("en")
    assert wording.placeholder
    assert wording.title == "Demo mood form (HADS layout)"
    assert wording.notice == "Placeholder. Not the HADS, not validated, not for anyone's care."
    assert wording.question("1") == "Tension: how much did you notice this?"
