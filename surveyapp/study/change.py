"""Change between two scores of one scale: is it beyond measurement error, would one notice it?

Reliable change after Jacobson and Truax 1991: SEM = SD * sqrt(1 - r), Sdiff = sqrt(2) * SEM,
index = (later - earlier) / Sdiff, reliable beyond 1.96. Which retest coefficient r applies is
named by the protocol for a pair of timepoints, never chosen by the days that happened to pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .instrument import Meaningful, Reliability, Scale

LIMIT = 1.96
Verdict = Literal["fall", "rise", "within"]


@dataclass(frozen=True)
class ReliableChange:
    """`limit` is the smallest reliable change in points; `verdict` is "within" measurement error
    or a reliable "fall" or "rise"."""

    index: float
    sem: float
    sdiff: float
    limit: float
    verdict: Verdict


@dataclass(frozen=True)
class Change:
    """Later minus earlier, in the scale's unit. `percent` is of the earlier value, if above 0.

    `reliable` is None where there is no retest source; `meaningful` is None where no mark exists
    or it is for groups only.
    """

    earlier: float
    later: float
    difference: float
    percent: float | None
    reliable: ReliableChange | None
    meaningful: bool | None


def standard_errors(sd: float, retest: float) -> tuple[float, float]:
    """SEM and Sdiff, in points."""
    sem = sd * math.sqrt(1 - retest)
    return sem, math.sqrt(2) * sem


def reliable_change(
    earlier: float, later: float, reliability: Reliability, retest: str
) -> ReliableChange:
    """Raises KeyError for a retest name the scale does not have."""
    sem, sdiff = standard_errors(reliability.sd, reliability.retest[retest])
    index = (later - earlier) / sdiff
    verdict: Verdict = "within"
    if abs(index) > LIMIT:
        verdict = "fall" if index < 0 else "rise"
    return ReliableChange(index, sem, sdiff, LIMIT * sdiff, verdict)


def change(scale: Scale, earlier: float, later: float, retest: str | None) -> Change:
    """The change of one scale. `retest` names the coefficient, None when no rule applies."""
    reliability = scale.reliability
    known = reliability is not None and retest in reliability.retest
    return Change(
        earlier=earlier,
        later=later,
        difference=later - earlier,
        percent=100 * (later - earlier) / earlier if earlier > 0 else None,
        reliable=(
            reliable_change(earlier, later, reliability, retest)
            if known and reliability is not None and retest is not None
            else None
        ),
        meaningful=_meaningful(scale.meaningful, earlier, later),
    )


def _meaningful(mark: Meaningful | None, earlier: float, later: float) -> bool | None:
    """Whether one person would notice: a fall by the points or by the percent.

    Marks for groups never judge one person (a 2-point change of HADS lies well within its
    measurement error), so they give None.
    """
    if mark is None or mark.for_groups:
        return None
    fall = earlier - later
    by_percent = mark.percent is not None and earlier > 0 and 100 * fall >= mark.percent * earlier
    return fall >= min(mark.points) or by_percent
