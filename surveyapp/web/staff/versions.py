"""What a study runs under, and amendments of it or of one retreat, after a preview."""

from __future__ import annotations

import dataclasses

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, StringField

from ...services import freezing, overview, versions
from ...services.versions import NewAmendment
from .desk import Act, Desk, perform
from .desk import people as counted
from .forms import DATE_HINT, ActForm, DayField
from .retreats import act_on


class VersionForm(ActForm):
    label = StringField(
        "Version of the amendment", description="As the approval names it, for example 2."
    )
    approved_on = DayField("Approved on", description=DATE_HINT)
    reason = StringField("Why", description="It is kept in the trail.")
    seen = HiddenField()

    @property
    def new(self) -> NewAmendment:
        label, reason = self.label.data or "", self.reason.data or ""
        return NewAmendment(label, self.approved_on.day, reason)


WILL = (
    "Windows and messages that were not sent yet follow it at once.",
    "Answers and scores stay as they are; sheets that were begun keep the key they began with.",
)


def retreat_version(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """An amendment of one retreat."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    told = versions.preview(desk.site, retreat_id, desk.now)
    form = VersionForm()
    will = [*WILL, "People who join this retreat later run under it too; other retreats do not."]

    def do() -> str:
        count = versions.take(desk.site, retreat_id, form.seen.data or "", form.new, **desk.by)
        return f"{view.name} runs under version {told.after} for {counted(count)}."

    heading = f"Amend what {view.name} runs under"
    act = act_on(view, heading, "Take the amendment", will)
    act.more.update(told=told)
    return perform(dataclasses.replace(act, template="staff/version.html"), form, do)


def study_version(desk: Desk, study_id: int) -> ResponseReturnValue:
    """An amendment of a whole study."""
    view = overview.study_view(desk.site, study_id)
    told = versions.preview_study(desk.site, study_id, desk.now)
    form = VersionForm()

    def do() -> str:
        seen = form.seen.data or ""
        count = versions.take_for_study(desk.site, study_id, seen, form.new, **desk.by)
        courses = "course" if count == 1 else "courses"
        return f"{view.title} runs under version {told.after} in {count} {courses}."

    act = Act(
        heading=f"Amend {view.title}",
        button="Take the amendment",
        back=url_for("staff.study_running", study_id=study_id),
        back_words="What it runs under",
        will=[*WILL, "Every retreat of the study runs under it, and everybody who comes later."],
        practice=view.practice,
        template="staff/version.html",
        more={"here": "studies", "told": told},
    )
    return perform(act, form, do)


def study_running(desk: Desk, study_id: int) -> ResponseReturnValue:
    """What a study is frozen to, its amendments, and what is installed and not taken."""
    view = overview.study_view(desk.site, study_id)
    return render_template(
        "staff/study-running.html",
        here="studies",
        study=view,
        practice=view.practice,
        running=freezing.running(desk.site, study_id),
    )
