"""System: one page that leads to what keeps an installation safe. Each entry is a page of its own.

A new page stands here by a line of ENTRIES: its endpoint, its name, and what it is for.
"""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from .desk import Desk

ENTRIES: tuple[tuple[str, str, str], ...] = (
    ("erasures", "Erasures", "Erase a person, and see what was erased."),
    ("retention", "Retention", "For how long each kind of data is kept."),
)


def system(desk: Desk) -> ResponseReturnValue:
    del desk
    return render_template("staff/system.html", here="system", entries=ENTRIES)
