"""Labels stand beside their points, and never on a line, a mark or each other."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from surveyapp.reports.placement import (
    FIRST,
    LOWER,
    UPPER,
    Box,
    Placed,
    Segment,
    Target,
    place,
)

BOUNDS = Box(0, 0, 300, 200)
numbers = st.floats(0, 300, allow_nan=False)
heights = st.floats(0, 200, allow_nan=False)
targets = st.builds(
    Target,
    x=numbers,
    y=heights,
    radius=st.just(5.0),
    width=st.sampled_from([8.0, 16.0, 24.0]),
    height=st.just(9.0),
    sides=st.sampled_from([FIRST, UPPER, LOWER]),
)
segments = st.builds(Segment, numbers, heights, numbers, heights)


def sampled(line: Segment) -> list[tuple[float, float]]:
    steps = [i / 400 for i in range(401)]
    return [(line.x1 + (line.x2 - line.x1) * t, line.y1 + (line.y2 - line.y1) * t) for t in steps]


def within(box: Box, x: float, y: float) -> bool:
    return box.left < x < box.right and box.top < y < box.bottom


@settings(max_examples=60, deadline=None)
@given(st.lists(targets, max_size=8), st.lists(segments, max_size=8))
def test_no_label_lies_on_anything(points: list[Target], lines: list[Segment]):
    placed = [p for p in place(points, lines, BOUNDS) if p is not None]
    boxes = [p.box for p in placed]
    leaders = [p.leader for p in placed if p.leader is not None]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    for box in boxes:
        assert box.inside(BOUNDS)
        assert not any(box.overlaps(t.mark) for t in points)
        assert not any(within(box, *at) for line in (*lines, *leaders) for at in sampled(line))


@given(targets)
def test_a_point_alone_always_has_its_label_beside_it(point: Target):
    inner = Box(-60, -60, 360, 260)
    found = place([point], [], inner)[0]
    assert isinstance(found, Placed)
    assert found.leader is None
    x, y = found.box.nearest(point.x, point.y)
    assert abs(x - point.x) + abs(y - point.y) < point.radius + 6


def test_the_preferred_side_comes_first():
    above, below = Target(50, 50, 4, 10, 8, UPPER), Target(50, 50, 4, 10, 8, LOWER)
    found = [place([t], [], BOUNDS)[0] for t in (above, below)]
    assert all(f is not None for f in found)
    assert [f.box.middle[1] < 50 for f in found if f] == [True, False]


def test_a_crowded_point_gets_a_leader_line():
    walls = [Segment(40, y, 60, y) for y in range(34, 67, 2)]
    found = place([Target(50, 50, 4, 16, 8)], walls, BOUNDS)[0]
    assert found is not None
    assert found.leader is not None


def test_a_label_without_any_free_place_is_left_out():
    walls = [Segment(0, y, 300, y) for y in range(0, 200, 4)]
    assert place([Target(50, 50, 4, 16, 8)], walls, BOUNDS) == [None]


@given(segments, numbers, heights)
def test_crossing_agrees_with_walking_along_the_line(line: Segment, x: float, y: float):
    box = Box(x, y, x + 30, y + 12)
    if any(within(box, *at) for at in sampled(line)):
        assert line.crosses(box)
