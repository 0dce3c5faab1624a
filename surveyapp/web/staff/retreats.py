"""Today, the retreats, and the acts on a whole retreat."""

from __future__ import annotations

from datetime import date

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ...services import dosing, enrolment, memberships, overview
from ...services.dosing import NewDose
from ...services.enrolment import NewRetreat
from ...services.readmodels import RetreatView
from ...services.today import today as today_view
from ...study.protocol import Protocol
from ...texts import day
from ..security import rights
from .desk import Act, Desk, account_id, chosen, perform
from .desk import people as counted
from .forms import ActForm, DosesForm, RetreatForm, options, retreat_form
from .gate import refuse, start_page


def today(desk: Desk) -> ResponseReturnValue:
    """Where an account begins; one that sees no states begins on a page of its own."""
    held, now = rights(), desk.now
    if not held.may("states"):
        start = start_page(held)
        return refuse(held) if start == url_for("staff.today") else redirect(start, 303)
    view = today_view(desk.site, now, desk.health(), held)
    return render_template(
        "staff/today.html",
        here="today",
        today=now.date(),
        needs=view.needs,
        begun=view.begun,
        practice=view.practice,
    )


def is_practice(desk: Desk) -> bool:
    """Whether every study that whoever is signed in may see is a practice study."""
    return all(study.practice for study in overview.studies(desk.site, desk.scope))


def retreats(desk: Desk) -> ResponseReturnValue:
    found = overview.retreats(desk.site, desk.scope)
    return render_template(
        "staff/retreats.html", here="retreats", retreats=found, practice=is_practice(desk)
    )


def add_retreat(desk: Desk) -> ResponseReturnValue:
    protocols = desk.site.library.protocols
    live = [s for s in overview.studies(desk.site, desk.scope) if not s.practice]
    first = live[0].protocol if live else enrolment.DEFAULT_PROTOCOL
    form = retreat_form(protocols.values(), first, ((s.id, s.title) for s in live))
    several = [(p, form.later(p)) for p in protocols.values() if len(p.anchors) > 1]
    offered = {None, *(s.id for s in live)}
    made: list[int] = []

    def do() -> str:
        wish = NewRetreat(
            name=form.name.data or "",
            protocol=form.protocol.data or "",
            time_zone=form.time_zone.data or "",
            dosing_date=form.dosing_date.day,
            study_id=form.study_id if form.study_id in offered else 0,
            later=_later(form, protocols.get(form.protocol.data or "")),
        )
        made.append(enrolment.add_retreat(desk.site, wish, **desk.by))
        if desk.scope is not None:
            memberships.join(desk.site, account_id(), made[0], **desk.by)
        return f"{' '.join(wish.name.split())} is there. Add its people next."

    act = Act(
        heading="Add a retreat",
        button="Add the retreat",
        back=url_for("staff.retreats"),
        back_words="Retreats",
        practice=not live,
        template="staff/retreat-new.html",
        more={
            "here": "retreats",
            "zones": enrolment.zones(),
            "several": several,
            "choose_study": bool(live),
        },
    )
    response = perform(act, form, do)
    return redirect(url_for("staff.retreat", retreat_id=made[0]), 303) if made else response


def _later(form: RetreatForm, protocol: Protocol | None) -> dict[str, date]:
    """The dates of the protocol's anchors after the first that were filled in."""
    if protocol is None:
        return {}
    pairs = zip(protocol.anchors[1:], form.later(protocol), strict=True)
    return {anchor.id: field.day for anchor, field in pairs if field.day}


def retreat(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    return render_template(
        "staff/retreat.html",
        here="retreats",
        retreat=view,
        today=desk.now.date(),
        practice=view.practice,
        outdated=view.outdated,
    )


def act_on(view: RetreatView, heading: str, button: str, will: list[str]) -> Act:
    return Act(
        heading=heading,
        button=button,
        back=url_for("staff.retreat", retreat_id=view.id),
        back_words=view.name,
        will=will,
        practice=view.practice,
        more={"here": "retreats"},
    )


def confirm_retreat(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    anchor = chosen(view.anchors)
    own = (d for row in view.rows for d in row.days if d.id == anchor.id)
    days = sorted({d.on for d in own if d.on and not d.confirmed})
    will = [
        f"Confirms that the {anchor.named} took place for {counted(anchor.unconfirmed)}: "
        f"{', '.join(map(day, days))}.",
        f"Releases {anchor.held} {'message' if anchor.held == 1 else 'messages'} "
        "to go out when they are due. Messages that were sent cannot be called back.",
        "If somebody did not take part, confirm the others one by one on their own pages.",
    ]
    if any(on > desk.now.date() for on in days):
        will.append("The day has not come yet. Confirm it now only if it stands.")

    def do() -> str:
        count = dosing.confirm_retreat(desk.site, view.id, anchor=anchor.id, **desk.by)
        return f"The {anchor.named} is confirmed for {counted(count)}."

    words = f"Confirm the {anchor.named}"
    return perform(act_on(view, f"{words} of {view.name}", words, will), ActForm(), do)


def retreat_doses(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    anchor = chosen(view.anchors)
    own = ((row.code, d) for row in view.rows for d in row.days if d.id == anchor.id)
    codes = [code for code, d in own if d.on and not d.dose]
    form = DosesForm(data={"codes": codes, "on": anchor.on.isoformat() if anchor.on else ""})
    form.codes.choices = options(*((code, code) for code in codes))
    will = [
        "Records the same first dose for everybody who is ticked.",
        f"Confirms their {anchor.named}, so that the messages after it go out when they are due.",
    ]

    def do() -> str:
        new = NewDose("first", "given", form.mg.number, form.on.day, form.at.time, anchor=anchor.id)
        count = dosing.record_doses(desk.site, view.id, form.codes.data or [], new, **desk.by)
        return f"The dose is recorded for {counted(count)}."

    of_several = f", {anchor.named}" if len(view.anchors) > 1 else ""
    heading = f"Record doses of {view.name}{of_several}"
    return perform(act_on(view, heading, "Record the doses", will), form, do)
