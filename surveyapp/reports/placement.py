"""Label placement: value labels beside their points, never on a line, a mark or each other.

Each label tries the eight sides of its point, the preferred side first, then what lies between
them, then the same farther out; far ones get a leader line. Labels with the fewest free places
choose first; one that finds none chooses first in another round. A label that finds no free place
in any is left out, because the tables carry every number
anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Side = tuple[float, float]
N, NE, E, SE = (0, -1), (1, -1), (1, 0), (1, 1)
S, SW, W, NW = (0, 1), (-1, 1), (-1, 0), (-1, -1)

FIRST: tuple[Side, ...] = (W, NW, SW, N, S, NE, SE, E)
UPPER: tuple[Side, ...] = (N, NE, E, NW, SE, S, W, SW)
LOWER: tuple[Side, ...] = (S, SE, E, SW, NE, N, W, NW)
BESIDE: tuple[Side, ...] = (E, NE, SE, N, S, NW, SW, W)
BETWEEN: tuple[Side, ...] = tuple(
    side
    for x, y in ((1.0, 0.5), (0.5, 1.0), (1.0, 0.25), (0.25, 1.0), (1.0, 0.75), (0.75, 1.0))
    for side in ((x, -y), (x, y), (-x, -y), (-x, y))
)

GAP = 2.0
ROUNDING = 0.1
STEPS = (0.0, 2.0, 5.0, 9.0, 14.0, 20.0, 28.0, 38.0, 50.0, 64.0, 80.0)
ROUNDS = 12
LEADER_FROM = 9.0
DIAGONAL = 0.8


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def overlaps(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def inside(self, other: Box) -> bool:
        across = self.left >= other.left and self.right <= other.right
        return across and self.top >= other.top and self.bottom <= other.bottom

    def grown(self, by: float) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the box nearest to (x, y)."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)


@dataclass(frozen=True)
class Segment:
    """A drawn line with half its stroke's width in `pad`."""

    x1: float
    y1: float
    x2: float
    y2: float
    pad: float = 1.5

    def crosses(self, box: Box) -> bool:
        """Whether any of the line lies inside the box (Liang and Barsky's clipping)."""
        area = box.grown(self.pad)
        dx, dy = self.x2 - self.x1, self.y2 - self.y1
        start, end = 0.0, 1.0
        for run, room in (
            (-dx, self.x1 - area.left),
            (dx, area.right - self.x1),
            (-dy, self.y1 - area.top),
            (dy, area.bottom - self.y1),
        ):
            if run == 0:
                if room <= 0:
                    return False
            elif run < 0:
                start = max(start, room / run)
            else:
                end = min(end, room / run)
        return start < end


@dataclass(frozen=True)
class Target:
    """A point at (x, y) with a mark of half-width `radius`, and the size of its label."""

    x: float
    y: float
    radius: float
    width: float
    height: float
    sides: tuple[Side, ...] = UPPER

    @property
    def mark(self) -> Box:
        return Box(self.x, self.y, self.x, self.y).grown(self.radius)


@dataclass(frozen=True)
class Placed:
    box: Box
    leader: Segment | None = None


def place(
    targets: Sequence[Target], segments: Iterable[Segment], bounds: Box
) -> list[Placed | None]:
    """A place for each target's label, None where nothing is free; in the order of `targets`.

    Those that find none choose first in the next round.
    """
    lines, marks = tuple(segments), [t.mark for t in targets]
    ground = _Ground(lines, bounds, marks)
    freedom = [sum(1 for _ in ground.free(t, STEPS[:3])) for t in targets]
    order = sorted(range(len(targets)), key=freedom.__getitem__)
    best: list[Placed | None] = []
    for _ in range(ROUNDS):
        placed = _in_turn(targets, order, _Ground(lines, bounds, marks))
        if not best or placed.count(None) < best.count(None):
            best = placed
        if None not in placed:
            break
        order.sort(key=lambda index, placed=placed: placed[index] is not None)
    return best


def _in_turn(
    targets: Sequence[Target], order: Sequence[int], ground: _Ground
) -> list[Placed | None]:
    placed: list[Placed | None] = [None] * len(targets)
    for index in order:
        found = next(ground.free(targets[index], STEPS), None)
        if found is not None:
            ground.take(found)
            placed[index] = found
    return placed


class _Ground:
    """What is already drawn."""

    def __init__(self, segments: tuple[Segment, ...], bounds: Box, marks: list[Box]) -> None:
        self._segments = list(segments)
        self._bounds = bounds
        self._marks = marks
        self._labels: list[Box] = []

    def free(self, target: Target, steps: Sequence[float]) -> Iterator[Placed]:
        """Every free place, best first."""
        for step in steps:
            for side in (*target.sides, *BETWEEN):
                place = _candidate(target, side, step)
                if self._is_free(place, target):
                    yield place

    def _is_free(self, place: Placed, target: Target) -> bool:
        box = place.box
        # What is drawn is rounded to a tenth.
        wide = box.grown(ROUNDING)
        if not box.inside(self._bounds) or any(wide.overlaps(b) for b in self._labels):
            return False
        if any(box.overlaps(mark) for mark in self._marks):
            return False
        if any(segment.crosses(box) for segment in self._segments):
            return False
        leader = place.leader
        if leader is None:
            return True
        others = (*self._labels, *(m for m in self._marks if m != target.mark))
        return not any(leader.crosses(other) for other in others)

    def take(self, place: Placed) -> None:
        self._labels.append(place.box)
        if place.leader is not None:
            self._segments.append(place.leader)


def _candidate(target: Target, side: Side, step: float) -> Placed:
    dx, dy = side
    reach = target.radius + GAP + step
    if abs(dx) == abs(dy):
        reach *= DIAGONAL
    x = target.x + dx * (reach + target.width / 2)
    y = target.y + dy * (reach + target.height / 2)
    w, h = target.width / 2, target.height / 2
    box = Box(x - w, y - h, x + w, y + h)
    if step < LEADER_FROM:
        return Placed(box)
    x1, y1 = target.x + dx * (target.radius + 1), target.y + dy * (target.radius + 1)
    return Placed(box, Segment(x1, y1, *box.nearest(x1, y1), pad=0.5))
