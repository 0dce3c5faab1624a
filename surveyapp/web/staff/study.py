"""The studies and their settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import alert_views, enrolment, notices, overview
from ...services.enrolment import StudySettings
from ...services.errors import InputError
from .desk import Act, Desk, perform
from .forms import NoticeForm, SettingsForm


def studies(desk: Desk) -> ResponseReturnValue:
    """The list; where there is one study, its settings."""
    found = [study for study in overview.studies(desk.site, desk.scope) if study.whole]
    if len(found) == 1:
        return redirect(url_for("staff.study", study_id=found[0].id), 303)
    practice = all(study.practice for study in found)
    return render_template("staff/studies.html", here="studies", studies=found, practice=practice)


def study(desk: Desk, study_id: int) -> ResponseReturnValue:
    view = overview.study_view(desk.site, study_id)
    form = SettingsForm(dataclasses.asdict(view.settings))

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
        more={
            "here": "studies",
            "study": view,
            "responders": alert_views.responders(desk.site, study_id),
            "raises_alerts": alert_views.raises_alerts(desk.site, study_id),
        },
    )
    return perform(act, form, do)


def notice(desk: Desk, study_id: int) -> ResponseReturnValue:
    """The data notice: what stands, and publishing the next version after a preview."""
    before = notices.published(desk.site, study_id)
    form = NoticeForm(data=dict(before[0].texts) if before else {})
    if not form.is_submitted():
        return _notice_page(desk, study_id, form)
    if not form.validate():
        return _notice_page(desk, study_id, form), 400
    own = {name: getattr(form, name).data or "" for name in ("en", "nl", "de", "es")}
    step = request.form.get("sure")
    try:
        if step == "yes":
            version = notices.publish(desk.site, study_id, own, **desk.by)
            flash(f"Version {version} is published. Everybody reads it before their next check-in.")
            return redirect(url_for("staff.study_notice", study_id=study_id), 303)
        looked = notices.looked_through(own) if step == "look" else ()
    except InputError as error:
        form.take(error.problems)
        return _notice_page(desk, study_id, form), 400
    return _notice_page(desk, study_id, form, looked)


def _notice_page(
    desk: Desk, study_id: int, form: NoticeForm, looked: Sequence[tuple[str, Sequence[str]]] = ()
) -> str:
    view = overview.study_view(desk.site, study_id)
    versions = notices.published(desk.site, study_id)
    return render_template(
        "staff/study-notice.html",
        here="studies",
        study=view,
        practice=view.practice,
        form=form,
        versions=versions,
        shown=notices.preview(desk.site, study_id, "en"),
        preview=looked,
        next_version=versions[0].version + 1 if versions else 1,
    )
