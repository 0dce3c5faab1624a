"""The session's PDF as a facilitator reads it: its words, and those that must not be there."""

from __future__ import annotations

import io

from pypdf import PdfReader

NEVER = ("@", "example.org", "responder")


def read(pdf: bytes) -> str:
    """All text, each run of white space as one space."""
    assert pdf.startswith(b"%PDF-")
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def check(pdf: bytes) -> None:
    """M-01 after every first option before the retreat and every last one on day 8."""
    text = read(pdf)
    assert "M-01" in text
    assert "Anxiety 15 → 6" in text
    assert "Depression 9 → 12" in text
    assert "80 %" in text, "MEQ30 where each item was given 4 of 5"
    assert [word for word in NEVER if word in text.lower()] == []
    assert "M-02" not in text
