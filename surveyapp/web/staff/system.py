"""System: one page that leads to what keeps an installation safe. Each entry is a page of its own.

A new page stands here by a line of ENTRIES: its endpoint, its name, and what it is for.
"""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from ...services.backup.state import trouble
from ..rules import lets
from ..security import rights
from .desk import Desk

ENTRIES: tuple[tuple[str, str, str], ...] = (
    ("accounts", "Accounts", "Who signs in, what they may do and in which retreats."),
    ("trail", "Trail", "Who did what and when, and what of it was last kept outside."),
    (
        "backups",
        "Backups",
        "When the last one was made, and whether it can be restored. Make one now.",
    ),
    ("erasures", "Erasures", "Erase a person, and see what was erased."),
    ("retention", "Retention", "For how long each kind of data is kept."),
    (
        "wordings",
        "Wordings",
        "The texts of each questionnaire, the permission to use them, and its uses so far.",
    ),
)


def system(desk: Desk) -> ResponseReturnValue:
    own = [entry for entry in ENTRIES if lets(rights(), f"staff.{entry[0]}")]
    # Whoever keeps the system safe may see no Today, and must be told here.
    told = trouble(desk.site, desk.now) if lets(rights(), "staff.backups") else ""
    return render_template("staff/system.html", here="system", entries=own, trouble=told)
