"""Charts: pure functions from a study's plain data to SVG, for pages and PDFs alike.

Only presentation attributes are used, so a strict content security policy holds and WeasyPrint
draws the same figure. A page may restyle by class: `chart` (the figure), `ink`, `muted` (texts),
`rule`, `dose` (lines), `paper` (fills that hide what is behind), `series-a` to `series-d` (one
line's strokes), with `mark` or `hollow` (its points: filled with a paper edge, or paper with an
edge), `bar`, `bar-space`, `person`.
"""

from __future__ import annotations

from .frame import chart_scales
from .group_chart import group_svg
from .profile_chart import profile_svg
from .trajectory_chart import trajectory_svg

__all__ = ["chart_scales", "group_svg", "profile_svg", "trajectory_svg"]
