"""Taking a new version of the protocol for a running retreat, after a preview."""

from __future__ import annotations

import dataclasses

from flask.typing import ResponseReturnValue
from wtforms import HiddenField, StringField

from ...services import overview, versions
from .desk import Desk, perform
from .desk import people as counted
from .forms import ActForm
from .retreats import act_on


class VersionForm(ActForm):
    reason = StringField("Why", description="It is kept in the trail.")
    seen = HiddenField()


def retreat_version(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    told = versions.preview(desk.site, retreat_id, desk.now)
    form = VersionForm()
    will = [
        "Windows and messages that were not sent yet follow the new version at once.",
        "Answers stay. People who join later take the version of the retreat.",
    ]

    def do() -> str:
        seen, reason = form.seen.data or "", form.reason.data or ""
        count = versions.take(desk.site, retreat_id, seen, reason, **desk.by)
        return f"{view.name} runs under version {told.after} for {counted(count)}."

    heading = f"Take the new version for {view.name}"
    act = act_on(view, heading, f"Take version {told.after}", will)
    act.more.update(told=told)
    return perform(dataclasses.replace(act, template="staff/version.html"), form, do)
