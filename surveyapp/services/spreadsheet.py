"""Cells of tables that people open in a spreadsheet."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_text(text: str) -> str:
    """A text for a cell, marked where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
