"""MEQ30: factors, percent of maximum, the 80 % rule and complete mystical experience."""

from __future__ import annotations

import pytest

from surveyapp.study.scoring import Answers, Scored, score

from .samples import MEQ30

ALL = [item.id for item in MEQ30.items]
INEFFABILITY = ("3", "10", "29")
FACTORS = {
    "mystical": [4, 5, 6, 9, 14, 15, 16, 18, 20, 21, 23, 24, 25, 26, 28],
    "positive_mood": [2, 8, 12, 17, 27, 30],
    "transcendence": [1, 7, 11, 13, 19, 22],
    "ineffability": [3, 10, 29],
}
SOCQ = [
    *[2, 5, 6, 9, 12, 14, 15, 18, 22, 23, 29, 30, 34, 35, 36],
    *[41, 43, 47, 48, 54, 55, 65, 69, 73, 74, 77, 80, 83, 86, 87],
]


def every(value: int, **other: int | None) -> dict[str, int | None]:
    """All items at `value`, save `_29=2` and the like."""
    changed = {name.removeprefix("_"): v for name, v in other.items()}
    return {**dict.fromkeys(ALL, value), **changed}


def complete(answers: Answers) -> bool | None:
    return score(MEQ30, answers).criteria["complete_mystical"]


def sums(scored: Scored) -> dict[str, float]:
    return {
        name: s.value * MEQ30.scale(name).high / 100
        for name, s in scored.scales.items()
        if s.value is not None
    }


def test_factors_and_maxima():
    assert {s.id: [int(i) for i in s.items] for s in MEQ30.scales if s.items} == FACTORS
    maxima = {s.id: s.high for s in MEQ30.scales}
    assert maxima == {
        "mystical": 75,
        "positive_mood": 30,
        "transcendence": 30,
        "ineffability": 15,
        "total": 150,
    }
    assert {s.id: s.minimum for s in MEQ30.scales if s.items} == {
        "mystical": 12,
        "positive_mood": 5,
        "transcendence": 5,
        "ineffability": 3,
    }


def test_both_numbers_are_kept():
    assert [item.number_in_source for item in MEQ30.items] == SOCQ


def test_marks_and_plain_names():
    assert {s.id: (s.mark, s.plain) for s in MEQ30.scales if s.items} == {
        "mystical": (60, "Unity and insight"),
        "positive_mood": (60, "Positive mood"),
        "transcendence": (60, "Beyond time and space"),
        "ineffability": (60, "Beyond words"),
    }
    assert MEQ30.scale("total").mark is None


def test_all_three_is_sixty_percent_and_complete():
    scored = score(MEQ30, every(3))
    assert {s.value for s in scored.scales.values()} == {60}
    assert scored.criteria["complete_mystical"] is True


def test_one_lower_answer_in_ineffability_undoes_it():
    scored = score(MEQ30, every(3, _29=2))
    assert scored.scales["ineffability"].value == pytest.approx(53.33, abs=0.005)
    assert scored.scales["total"].value == pytest.approx(59.33, abs=0.005)
    assert scored.criteria["complete_mystical"] is False


def test_item_modulo_six():
    scored = score(MEQ30, {i: int(i) % 6 for i in ALL})
    assert sums(scored) == pytest.approx(
        {
            "mystical": 38,
            "positive_mood": 12,
            "transcendence": 13,
            "ineffability": 12,
            "total": 75,
        }
    )
    assert scored.criteria["complete_mystical"] is False


def test_a_high_total_does_not_make_it_complete():
    scored = score(MEQ30, every(5, _3=2, _10=2, _29=2))
    assert scored.scales["total"].value == 94
    assert scored.criteria["complete_mystical"] is False


@pytest.mark.parametrize(("scale", "minimum"), [("mystical", 12), ("positive_mood", 5)])
def test_eighty_percent_rule_at_its_edge(scale, minimum):
    items = [str(n) for n in FACTORS[scale]]
    enough = score(MEQ30, dict.fromkeys(items[:minimum], 4)).scales[scale]
    assert (enough.value, enough.answered, enough.estimated) == (80, minimum, True)
    too_few = score(MEQ30, dict.fromkeys(items[: minimum - 1], 4)).scales[scale]
    assert (too_few.value, too_few.estimated) == (None, False)


def test_ineffability_needs_all_three():
    assert score(MEQ30, every(4, _29=None)).scales["ineffability"].value is None
    assert score(MEQ30, every(4, _29=None)).scales["total"].value is None


def test_total_weights_each_scale_by_its_items():
    """Mystical at 4 (three missing) and the rest at 2: (15 * 4 + 15 * 2) / 150."""
    low = {str(n): 2 for name in FACTORS if name != "mystical" for n in FACTORS[name]}
    high = {str(n): 4 for n in FACTORS["mystical"][:12]}
    total = score(MEQ30, {**low, **high}).scales["total"]
    assert total.value == pytest.approx(60)
    assert (total.answered, total.of, total.estimated) == (27, 30, True)


def test_undecided_while_an_open_answer_could_still_decide():
    assert complete(every(3, _29=None)) is None
    assert complete({}) is None


def test_decided_true_before_the_last_answer():
    """Fourteen fives of fifteen are 70 of 75: the last answer cannot undo it."""
    assert complete(every(5, _4=None)) is True


def test_decided_false_before_the_last_answer():
    """Two zeros in ineffability leave at most 5 of 15."""
    answers = dict.fromkeys(INEFFABILITY[:2], 0)
    assert complete(answers) is False


def test_the_last_answer_that_decides_by_one_point():
    """Ineffability 4 + 5 = 9 of 15 is exactly 60 %, whatever the third answer."""
    assert complete(every(3, _3=4, _10=5, _29=None)) is True
    assert complete(every(3, _3=4, _10=4, _29=None)) is None
    assert complete(every(3, _3=3, _10=0, _29=None)) is False


def test_session_form():
    wording = MEQ30.wording("en")
    assert MEQ30.session
    assert wording.recall == "During your session on {session}"
    assert wording.title == "Demo session form (MEQ30 layout)"
    assert wording.notice == "Placeholder. Not the MEQ30, not validated, not for anyone's care."
    assert [o.value for o in wording.options["1"]] == [0, 1, 2, 3, 4, 5]
