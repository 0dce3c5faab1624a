"""The studies and their settings."""

from __future__ import annotations

import dataclasses

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ...services import enrolment, overview
from ...services.enrolment import StudySettings
from .desk import Act, Desk, perform
from .forms import SettingsForm


def studies(desk: Desk) -> ResponseReturnValue:
    """The list; where there is one study, its settings."""
    found = overview.studies(desk.site)
    if len(found) == 1:
        return redirect(url_for("staff.study", study_id=found[0].id), 303)
    practice = all(study.practice for study in found)
    return render_template("staff/studies.html", here="studies", studies=found, practice=practice)


def study(desk: Desk, study_id: int) -> ResponseReturnValue:
    view = overview.study_view(desk.site, study_id)
    form = SettingsForm(data=dataclasses.asdict(view.settings))

    def do() -> str:
        fields = {
            name: getattr(form, name).data or "" for name in dataclasses.asdict(view.settings)
        }
        enrolment.save_settings(desk.site, study_id, StudySettings(**fields), **desk.by)
        return "Saved. Participants see it from now on."

    act = Act(
        heading=view.title,
        button="Save",
        back=url_for("staff.study", study_id=study_id),
        back_words="Study",
        practice=view.practice,
        template="staff/study.html",
        more={"here": "studies", "study": view},
    )
    return perform(act, form, do)
