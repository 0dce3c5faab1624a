"""How lines are told apart: colour, dash and mark together, so that greyscale loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .measure import text_width

INK, MUTED, HAIR, PAPER = "#1c2430", "#545d69", "#c9c8c2", "#ffffff"
Shape = Literal["circle", "square", "triangle", "diamond"]


@dataclass(frozen=True)
class Style:
    """`key` is the class hook: `series-a` … on everything drawn for the line."""

    key: str
    colour: str
    dash: str
    shape: Shape

    def at(self, x: float, y: float) -> str:
        """The mark's path around (x, y)."""
        return path(self.shape, x, y)


STYLES = (
    Style("series-a", "#0f5259", "none", "circle"),
    Style("series-b", "#7a5426", "6 3.5", "square"),
    Style("series-c", "#1c2430", "1.5 3", "triangle"),
    Style("series-d", "#5b6470", "9 3 2 3", "diamond"),
)
RADIUS = 4.5


def path(shape: Shape, x: float, y: float, r: float = RADIUS) -> str:
    """An SVG path of the mark around (x, y)."""
    if shape == "circle":
        return f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z"
    corners = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "triangle": ((0.0, -1.1), (1.1, 0.85), (-1.1, 0.85)),
        "diamond": ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
    }[shape]
    points = "L".join(f"{x + dx * r:.1f} {y + dy * r:.1f}" for dx, dy in corners)
    return f"M{points}z"


@dataclass(frozen=True)
class Entry:
    """One piece of a legend: a text, with a line and mark (`style`) or a mark alone in front."""

    text: str
    style: Style | None = None
    hollow: bool = False
    x: float = 0.0
    y: float = 0.0

    @property
    def lead(self) -> float:
        return 30.0 if self.style and not self.hollow else 13.0 if self.hollow else 0.0


def flow(
    entries: Sequence[Entry], top: float, width: float, size: float
) -> tuple[list[Entry], float]:
    """The entries laid out in rows from `top` (a baseline) on, and the last baseline."""
    x, y = 0.0, top
    placed: list[Entry] = []
    for entry in entries:
        taken = entry.lead + text_width(entry.text, size)
        if x > 0 and x + taken > width:
            x, y = 0.0, y + size + 5
        placed.append(Entry(entry.text, entry.style, entry.hollow, x, y))
        x += taken + 20
    return placed, y
