"""People: the list, a person's page, and the acts on a person or one of their courses."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import alert_views, dosing, enrolment, overview, personal, wishes
from ...services.blind import person_for
from ...services.dosing import NewDose
from ...services.errors import NotFoundError
from ...services.readmodels import CourseView, PersonView
from ...texts import day, ordinal
from ..security import rights
from .alerts import shown
from .desk import Act, Desk, chosen, perform
from .forms import ActForm, DoseForm


def people(desk: Desk) -> ResponseReturnValue:
    """The list; an exact study code leads straight to the person."""
    sought = request.args.get("q", "").strip()
    listed = overview.people(desk.site, sought, desk.now, desk.scope)
    exact = [p.code for p in listed if p.code.lower() == sought.lower()]
    if exact:
        return redirect(url_for("staff.person", code=exact[0]), 303)
    practice = all(study.practice for study in overview.studies(desk.site, desk.scope))
    return render_template(
        "staff/people.html", here="people", people=listed, sought=sought, practice=practice
    )


def person(desk: Desk, code: str) -> ResponseReturnValue:
    view = person_for(personal.person_view(desk.site, code, desk.now), rights())
    return render_template(
        "staff/person.html",
        here="people",
        person=view,
        practice=view.practice,
        notices=view.notices,
        alerts=shown(alert_views.open_of_person(desk.site, code, desk.scope)),
    )


def found(desk: Desk, code: str, number: int) -> tuple[PersonView, CourseView]:
    """A person and one of their courses. Raises NotFoundError."""
    view = personal.person_view(desk.site, code, desk.now)
    course = next((c for c in view.courses if c.number == number), None)
    if course is None:
        raise NotFoundError(f"There is no course {number} of {enrolment.shown(code)}.")
    return view, course


def act_of(
    view: PersonView,
    course: CourseView | None,
    heading: str,
    button: str,
    will: list[str],
    joined: str = "of",
) -> Act:
    """The page of an act on a person, or on one of their courses: "Consent of P-01"."""
    which = f", {ordinal(course.number).lower()} course" if course else ""
    return Act(
        heading=f"{heading} {joined} {view.code}",
        button=button,
        back=url_for("staff.person", code=view.code),
        back_words=f"{view.code}{which}",
        will=will,
        practice=view.practice,
        more={"here": "people"},
    )


def confirm_day(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    anchor = chosen(course.anchors)
    on = day(anchor.on) if anchor.on else "not set yet"
    will = [
        f"Confirms that the {anchor.named} ({on}) took place for {code}.",
        f"Releases {anchor.held} {'message' if anchor.held == 1 else 'messages'} to go out when "
        "they are due. Messages that were sent cannot be called back.",
    ]

    def do() -> str:
        dosing.confirm_anchor(desk.site, code, number, anchor=anchor.id, **desk.by)
        return f"The {anchor.named} of {code} is confirmed."

    words = f"Confirm the {anchor.named}"
    return perform(act_of(view, course, words, words, will), ActForm(), do)


def dose(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    anchor = chosen(course.anchors)
    start = {
        "kind": request.args.get("kind", "first"),
        "status": "given",
        "on": anchor.on.isoformat() if anchor.on else "",
    }
    on_record = "; ".join(f"{dose.kind}: {dose.words}" for dose in anchor.doses)
    form = DoseForm(start, {"Doses": on_record} if on_record else {})
    will = [
        f"A first dose that was given confirms the {anchor.named}, so that the messages after it "
        "go out when they are due. It never moves the day.",
    ]
    if anchor.doses:
        will.append("Recorded again, a dose is corrected; what stood there stays in the trail.")

    def do() -> str:
        new = NewDose(
            kind=form.kind.data or "",
            status=form.status.data or "",
            mg=form.mg.number,
            on=form.on.day,
            at=form.at.time,
            reason=form.reason.data or "",
            anchor=anchor.id,
        )
        dosing.record_dose(desk.site, code, number, new, **desk.by)
        apart = new.on is not None and new.on != anchor.on
        note = f" Its date is not the {anchor.named}; the day was not moved." if apart else ""
        return f"The dose of {code} is recorded.{note if new.status == 'given' else ''}"

    words = "Record a dose"
    if len(course.anchors) > 1:
        words = f"Record a dose on the {anchor.named}"
    return perform(act_of(view, course, words, "Record the dose", will), form, do)


def clear(desk: Desk, code: str, number: int, timepoint: str) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    cell = next((c for c in course.cells if c.timepoint == timepoint), None)
    if cell is None:
        raise NotFoundError("There is no such timepoint.")
    will = [
        f"You confirm that this person is well enough to be asked for {cell.label}.",
        f"Their {cell.label} messages go out when they are due. "
        "Messages that were sent cannot be called back.",
    ]

    def do() -> str:
        dosing.clear_timepoint(desk.site, code, number, timepoint, **desk.by)
        return f"{code} is confirmed for {cell.label}."

    heading = f"Confirm {cell.label}"
    return perform(act_of(view, course, heading, f"Confirm for {cell.label}", will), ActForm(), do)


def send_again(desk: Desk, code: str, number: int, timepoint: str) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    cell = next((c for c in course.cells if c.timepoint == timepoint), None)
    if cell is None:
        raise NotFoundError("There is no such timepoint.")
    will = [
        f"Sends {code} the link to {cell.label} once more, by the same way as other messages.",
        "It goes out within a minute, or in the morning if it is night there.",
        "Planned reminders stay as they are. What was sent cannot be called back.",
    ]

    def do() -> str:
        wishes.send_again(desk.site, code, number, timepoint, **desk.by)
        return f"{cell.label} goes to {code} again."

    act = act_of(view, course, f"Send {cell.label} again", "Send it again", will, "to")
    return perform(act, ActForm(), do)
