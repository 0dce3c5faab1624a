"""Backups: how they stand, and a button that makes one now."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from ...services.backup import schedule
from ...services.backup.archive import megabytes
from ...services.backup.state import state
from .desk import Act, Desk, perform
from .forms import ActForm

UNDER_WAY = "A backup or a drill is being made already."
BEGUN = "A backup is being made. This page tells how it ended."
WILL = (
    "One moment of everything is written to the backup folder, encrypted. People can go on "
    "answering, and messages go out meanwhile.",
    "Older backups are kept or deleted as always, once this one was read back whole.",
)


class NowForm(ActForm):
    pass


def backups(desk: Desk) -> ResponseReturnValue:
    found = state(desk.site, desk.now)
    return render_template("staff/backups.html", here="system", found=found, size=megabytes)


def backup_now(desk: Desk) -> ResponseReturnValue:
    def do() -> str:
        return BEGUN if schedule.start_now(desk.site, **desk.by) else UNDER_WAY

    back = url_for("staff.backups")
    here = {"here": "system"}
    act = Act("Make a backup now", "Make a backup now", back, "Backups", WILL, more=here)
    return perform(act, NowForm(), do)
