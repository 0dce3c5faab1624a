"""The paper that reports are printed on: A4, or Letter where that is what lies in the printer."""

from __future__ import annotations

from ..config import Paper

LETTER = (
    "@page { size: letter; margin: 9mm 19.05mm 16mm } html { line-height: 1.33 }"
    " .numbers { line-height: 1.12 }"
)
"""Letter is wider and shorter. The text keeps its width, so every line breaks where it does on A4,
and the margins and the lines give back some of the height."""


def on_paper(html: str, paper: Paper) -> str:
    """A report's document, made for A4, for this paper."""
    if paper == "a4":
        return html
    return html.replace("</head>", f"<style>{LETTER}</style>\n</head>", 1)
