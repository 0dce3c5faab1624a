"""Alerts: the list, one alert, the acts on it, who is told, and the drill."""

from __future__ import annotations

from collections.abc import Iterable

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField

from ...services import alert_acts, alert_views, overview
from ...services.alert_acts import Done, NewResponders
from ...services.alert_views import AlertView
from ..security import rights
from .desk import Act, Desk, perform
from .forms import ActForm, EditionForm, NumberField


class AcknowledgeForm(ActForm):
    pass


class DoneForm(EditionForm):
    action = TextAreaField("Action", description="What was done, for example: called at 10:20.")
    outcome = TextAreaField("Outcome", description="What came of it. It can be written later.")


class CloseForm(EditionForm):
    reason = TextAreaField(
        "Why it is closed", description="Needed when no action is on record; kept as the outcome."
    )


class RespondersForm(EditionForm):
    name = StringField("First: name")
    email = StringField("First: e-mail", description="Somebody who can sign in here.")
    minutes = NumberField(
        "Minutes", description="So long the first has to acknowledge before the deputy is told."
    )
    deputy_name = StringField("Deputy: name", description="Empty: there is no deputy.")
    deputy_email = StringField("Deputy: e-mail")


def shown(views: Iterable[AlertView]) -> list[AlertView]:
    """As whoever is signed in may see them."""
    if rights().may("scores"):
        return list(views)
    return [alert_views.without_scores(view) for view in views]


def alerts(desk: Desk) -> ResponseReturnValue:
    found = shown(alert_views.listed(desk.site, desk.scope))
    practice = all(study.practice for study in overview.studies(desk.site, desk.scope))
    return render_template("staff/alerts.html", here="today", alerts=found, practice=practice)


def alert(desk: Desk, alert_id: int) -> ResponseReturnValue:
    (view,) = shown([alert_views.alert_view(desk.site, alert_id)])
    return render_template(
        "staff/alert.html",
        here="today",
        alert=view,
        form=AcknowledgeForm(),
        practice=view.practice,
    )


def acknowledge_alert(desk: Desk, alert_id: int) -> ResponseReturnValue:
    view = alert_views.alert_view(desk.site, alert_id)
    will = ["Others see that you have it.", "Nobody else is told any more."]

    def do() -> str:
        if alert_acts.acknowledge(desk.site, alert_id, **desk.by):
            return "Acknowledged: you have it."
        return "Somebody had acknowledged it before."

    return perform(_act(view, "Acknowledge the alert", "Acknowledge", will), AcknowledgeForm(), do)


def alert_outcome(desk: Desk, alert_id: int) -> ResponseReturnValue:
    view = alert_views.alert_view(desk.site, alert_id)
    start = {"edition": str(view.edition), "action": view.action, "outcome": view.outcome}
    form = DoneForm(data=start)

    def do() -> str:
        with form.going_on() as edition:
            wish = Done(form.action.data or "", form.outcome.data or "", edition)
            alert_acts.record(desk.site, alert_id, wish, **desk.by)
        return "Action and outcome are on record."

    will = ["Whoever writes down what was done has acknowledged the alert.", "It stays open."]
    return perform(_act(view, "Action and outcome", "Save", will), form, do)


def close_alert(desk: Desk, alert_id: int) -> ResponseReturnValue:
    view = alert_views.alert_view(desk.site, alert_id)
    form = CloseForm(data={"edition": str(view.edition)})

    def do() -> str:
        with form.going_on() as edition:
            alert_acts.close(desk.site, alert_id, form.reason.data or "", edition, **desk.by)
        return "The alert is closed. It stays in the list and in the export."

    will = ["It leaves Today and the person's page."]
    if view.action:
        will.append(f"On record: {view.action}")
    return perform(_act(view, "Close the alert", "Close it", will), form, do)


def responders(desk: Desk, study_id: int) -> ResponseReturnValue:
    study = overview.study_view(desk.site, study_id)
    before = alert_views.responders(desk.site, study_id) or NewResponders("", "", 60, edition=0)
    form = RespondersForm(data=vars(before))

    def do() -> str:
        number = form.minutes.number if form.minutes.raw_data else float(before.minutes or 60)
        with form.going_on() as edition:
            wish = NewResponders(
                name=form.name.data or "",
                email=form.email.data or "",
                minutes=int(number) if number is not None and number.is_integer() else None,
                deputy_name=form.deputy_name.data or "",
                deputy_email=form.deputy_email.data or "",
                edition=edition,
            )
            alert_acts.set_responders(desk.site, study_id, wish, **desk.by)
        return "Saved. Alerts go to these people from now on."

    act = Act(
        heading="Who is told",
        button="Save",
        back=url_for("staff.study", study_id=study_id),
        back_words=study.title,
        will=[
            "The first is told at once, by an e-mail that says only that something needs a look.",
            "The deputy is told when nobody has acknowledged in time, or the first cannot be told.",
        ],
        practice=study.practice,
        more={"here": "studies"},
    )
    return perform(act, form, do)


def drill(desk: Desk, study_id: int) -> ResponseReturnValue:
    study = overview.study_view(desk.site, study_id)
    act = Act(
        heading="Try it: send a drill",
        button="Send a drill",
        back=url_for("staff.study", study_id=study_id),
        back_words=study.title,
        will=[
            "Raises an alert that is marked as a drill, with no answer behind it.",
            "The same people are told in the same way; the message says that it is a drill.",
        ],
        practice=study.practice,
        more={"here": "studies"},
    )

    def do() -> str:
        alert_acts.drill(desk.site, study_id, **desk.by)
        return "The drill is on its way. It stands on Today until it is closed."

    return perform(act, AcknowledgeForm(), do)


def _act(view: AlertView, heading: str, button: str, will: list[str]) -> Act:
    return Act(
        heading=f"{heading}: {view.code}",
        button=button,
        back=url_for("staff.alert", alert_id=view.id),
        back_words=f"{'Drill' if view.drill else 'Alert'} of {view.code}",
        will=will,
        practice=view.practice,
        more={"here": "today"},
    )
