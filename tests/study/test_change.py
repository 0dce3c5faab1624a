"""Change: the worked table of reliable change, and whom a meaningful difference may judge."""

from __future__ import annotations

import pytest

from surveyapp.study.change import change, reliable_change, standard_errors
from surveyapp.study.instrument import Reliability

from .samples import HADS, MEQ30, RATINGS

ANXIETY, DEPRESSION = HADS.scale("anxiety"), HADS.scale("depression")
PAIN, DISTRESS = RATINGS.scale("pain"), RATINGS.scale("distress")


@pytest.mark.parametrize(
    ("scale", "retest", "sd", "r", "sem", "sdiff", "limit"),
    [
        (ANXIETY, "up to 2 weeks", 3.76, 0.84, 1.5040, 2.1270, 4.1689),
        (ANXIETY, "2-6 weeks", 3.76, 0.73, 1.9538, 2.7630, 5.4155),
        (ANXIETY, "longer", 3.76, 0.70, 2.0594, 2.9125, 5.7085),
        (DEPRESSION, "up to 2 weeks", 3.07, 0.85, 1.1890, 1.6815, 3.2958),
        (DEPRESSION, "2-6 weeks", 3.07, 0.76, 1.5040, 2.1270, 4.1688),
        (DEPRESSION, "longer", 3.07, 0.70, 1.6815, 2.3780, 4.6609),
    ],
)
def test_table_of_reliable_change(scale, retest, sd, r, sem, sdiff, limit):
    reliability = scale.reliability
    assert (reliability.sd, reliability.retest[retest]) == (sd, r)
    assert [round(x, 4) for x in standard_errors(sd, r)] == [sem, sdiff]
    assert round(reliable_change(10, 10, reliability, retest).limit, 4) == limit


@pytest.mark.parametrize(
    ("scale", "retest", "earlier", "later", "index", "verdict"),
    [
        (ANXIETY, "up to 2 weeks", 14, 9, -2.3508, "fall"),
        (ANXIETY, "up to 2 weeks", 14, 10, -1.8806, "within"),
        (ANXIETY, "2-6 weeks", 14, 9, -1.8096, "within"),
        (DEPRESSION, "up to 2 weeks", 12, 8, -2.3788, "fall"),
        (DEPRESSION, "up to 2 weeks", 8, 12, 2.3788, "rise"),
    ],
)
def test_worked_examples(scale, retest, earlier, later, index, verdict):
    found = change(scale, earlier, later, retest).reliable
    assert found is not None
    assert round(found.index, 4) == index
    assert found.verdict == verdict


def test_exactly_the_limit_is_not_beyond_it():
    reliability = Reliability(sd=1.0, retest={"r": 0.5}, source="")  # Sdiff is exactly 1
    assert reliable_change(5.0, 5.0 - 1.96, reliability, "r").verdict == "within"
    assert reliable_change(5.0, 5.0 - 1.9601, reliability, "r").verdict == "fall"


def test_an_unknown_retest_judges_nothing():
    assert change(ANXIETY, 14, 4, None).reliable is None
    assert change(ANXIETY, 14, 4, "next year").reliable is None
    with pytest.raises(KeyError):
        reliable_change(14, 4, ANXIETY.reliability, "next year")


def test_scales_without_retest_source_are_never_reliable():
    assert change(HADS.scale("total"), 30, 5, "2-6 weeks").reliable is None
    assert change(MEQ30.scale("mystical"), 30, 90, "2-6 weeks").reliable is None
    assert change(PAIN, 9, 1, "2-6 weeks").reliable is None


def test_hads_differences_are_for_groups_and_judge_nobody():
    for scale in (ANXIETY, DEPRESSION):
        assert scale.meaningful.points == (1.5, 1.7)
        assert scale.meaningful.for_groups
        assert change(scale, 14, 4, "2-6 weeks").meaningful is None


@pytest.mark.parametrize(
    ("earlier", "later", "noticed"),
    [
        (8, 6, True),  # 2 points
        (8, 7, False),  # 1 point, 12.5 %
        (3, 2, True),  # 1 point, 33 %
        (4, 3, False),  # 1 point, 25 %
        (10, 8, True),  # 2 points, 20 %
        (5, 5, False),
        (2, 4, False),  # a rise is not a fall
        (0, 0, False),
    ],
)
def test_pain_falls_by_two_points_or_thirty_percent(earlier, later, noticed):
    assert change(PAIN, earlier, later, None).meaningful is noticed


def test_thirty_percent_is_inclusive():
    assert change(PAIN, 5, 3.5, None).meaningful is True
    assert change(PAIN, 5, 3.51, None).meaningful is False


def test_the_pain_rule_never_judges_distress():
    assert DISTRESS.meaningful is None
    assert change(DISTRESS, 10, 0, None).meaningful is None


def test_points_and_percent():
    found = change(PAIN, 8, 6, None)
    assert (found.difference, found.percent) == (-2, -25)
    assert change(PAIN, 0, 3, None).percent is None
