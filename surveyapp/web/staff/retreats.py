"""Today, the retreats, and the acts on a whole retreat."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ...services import dosing, enrolment, overview
from ...services.dosing import NewDose
from ...services.enrolment import NewRetreat
from ...services.readmodels import RetreatView
from ...services.today import today as today_view
from ...texts import day
from .desk import Act, Desk, perform
from .desk import people as counted
from .forms import ActForm, DayForm, DosesForm, RetreatForm, options


def today(desk: Desk) -> ResponseReturnValue:
    now = desk.now
    return render_template(
        "staff/today.html",
        here="today",
        today=now.date(),
        needs=today_view(desk.site, now),
        retreats=overview.retreats(desk.site),
        practice=is_practice(desk),
    )


def is_practice(desk: Desk) -> bool:
    """Whether every study is a practice study."""
    return all(study.practice for study in overview.studies(desk.site))


def retreats(desk: Desk) -> ResponseReturnValue:
    found = overview.retreats(desk.site)
    return render_template(
        "staff/retreats.html", here="retreats", retreats=found, practice=is_practice(desk)
    )


def add_retreat(desk: Desk) -> ResponseReturnValue:
    form = RetreatForm()
    protocols = desk.site.library.protocols.values()
    form.protocol.choices = options(*((p.id, f"{p.label}, version {p.version}") for p in protocols))
    made: list[int] = []

    def do() -> str:
        wish = NewRetreat(
            name=form.name.data or "",
            protocol=form.protocol.data or "",
            time_zone=form.time_zone.data or "",
            dosing_date=form.dosing_date.day,
        )
        made.append(enrolment.add_retreat(desk.site, wish, **desk.by))
        return f"{' '.join(wish.name.split())} is there. Add its people next."

    act = Act(
        heading="Add a retreat",
        button="Add the retreat",
        back=url_for("staff.retreats"),
        back_words="Retreats",
        practice=True,
        template="staff/retreat-new.html",
        more={"here": "retreats", "zones": enrolment.zones()},
    )
    response = perform(act, form, do)
    return redirect(url_for("staff.retreat", retreat_id=made[0]), 303) if made else response


def retreat(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    return render_template(
        "staff/retreat.html", here="retreats", retreat=view, practice=view.practice
    )


def _act(view: RetreatView, heading: str, button: str, will: list[str]) -> Act:
    return Act(
        heading=heading,
        button=button,
        back=url_for("staff.retreat", retreat_id=view.id),
        back_words=view.name,
        will=will,
        practice=view.practice,
        more={"here": "retreats"},
    )


def retreat_day(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    form = DayForm(data={"dosing_date": view.dosing_date.isoformat() if view.dosing_date else ""})
    will = [
        f"Sets the day for the retreat and for {counted(len(view.rows))} in it, "
        "but not for anybody whose dose is recorded.",
        "Every window and every message that was not sent yet moves with it.",
        "The day is planned: messages after it are held until it is confirmed.",
    ]

    def do() -> str:
        count = dosing.set_retreat_day(desk.site, view.id, form.dosing_date.day, **desk.by)
        assert form.dosing_date.day is not None
        return f"The dosing day is {day(form.dosing_date.day)}. It changed for {counted(count)}."

    moved = "Move the dosing day" if view.dosing_date else "Set the dosing day"
    return perform(_act(view, f"{moved} of {view.name}", moved, will), form, do)


def confirm_retreat(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    waiting = [row for row in view.rows if row.dosing_date and not row.confirmed]
    days = sorted({row.dosing_date for row in waiting if row.dosing_date})
    will = [
        f"Confirms that the dosing day took place for {counted(len(waiting))}: "
        f"{', '.join(map(day, days))}.",
        f"Releases {view.held} {'message' if view.held == 1 else 'messages'} "
        "to go out when they are due. Messages that were sent cannot be called back.",
        "If somebody did not take part, confirm the others one by one on their own pages.",
    ]
    if any(on > desk.now.date() for on in days):
        will.append("The day has not come yet. Confirm it now only if it stands.")

    def do() -> str:
        count = dosing.confirm_retreat(desk.site, view.id, **desk.by)
        return f"The dosing day is confirmed for {counted(count)}."

    act = _act(view, f"Confirm the dosing day of {view.name}", "Confirm the dosing day", will)
    return perform(act, ActForm(), do)


def retreat_doses(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    open_rows = [row for row in view.rows if row.dosing_date and not row.dose]
    on = view.dosing_date.isoformat() if view.dosing_date else ""
    form = DosesForm(data={"codes": [row.code for row in open_rows], "on": on})
    form.codes.choices = options(*((row.code, row.code) for row in open_rows))
    will = [
        "Records the same first dose for everybody who is ticked.",
        "Confirms their dosing day, so that the messages after it go out when they are due.",
    ]

    def do() -> str:
        dose = NewDose("first", "given", form.mg.number, form.on.day, form.at.time)
        codes = form.codes.data or []
        count = dosing.record_doses(desk.site, view.id, codes, dose, **desk.by)
        return f"The dose is recorded for {counted(count)}."

    return perform(_act(view, f"Record doses of {view.name}", "Record the doses", will), form, do)
