"""How wide a text is drawn, in units of its font size.

The widths are those of DejaVu Sans rounded up, the family the PDFs pin. It is wider than the usual
system fonts, so what is kept apart on paper is kept apart on a screen too.
"""

from __future__ import annotations

BOLDER = 1.17
TALL = 0.76  # the height of figures and capitals
UNKNOWN = 1.0

_WIDTHS = {
    0.28: "'ijl",
    0.30: "IJ",
    0.32: " ,.·’",
    0.34: "/:;\\|",
    0.38: "-f",
    0.42: "()[]!rt",
    0.50: '"*_`–†‡',
    0.54: "“”?szc",
    0.58: "FkL",
    0.62: "PTYaeovxyéèö",
    0.64: "$0123456789ESbdghnpqu{}üñ",
    0.70: "ABCRVXZK",
    0.78: "&DGHNUOQw",
    0.84: "#+<=>^~−→±×≥≤≈",
    0.98: "M%m",
}
_OF = {letter: width for width, letters in _WIDTHS.items() for letter in letters}


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of one line of text in the unit of `size`; never too small for DejaVu Sans."""
    width = sum(_OF.get(letter, UNKNOWN) for letter in text) * size
    return width * BOLDER if bold else width


def shortened(text: str, room: float, size: float = 11, *, bold: bool = True) -> str:
    """The text, or as much of it as fits, with an ellipsis."""
    if text_width(text, size, bold=bold) <= room:
        return text
    kept = text
    while kept and text_width(f"{kept}…", size, bold=bold) > room:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"
