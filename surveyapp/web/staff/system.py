"""System: one page that leads to what keeps an installation safe. Each entry is a page of its own.

A new page stands here by a line of ENTRIES: its endpoint, its name, and what it is for.
"""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from .desk import Desk

ENTRIES: tuple[tuple[str, str, str], ...] = (
    (
        "wordings",
        "Wordings",
        "The texts of each questionnaire, the permission to use them, and how often it was.",
    ),
)


def system(desk: Desk) -> ResponseReturnValue:
    del desk
    return render_template("staff/system.html", here="system", entries=ENTRIES)
