"""Moving a day: first what would change, then the move, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, StringField

from ...services import dosing, moving, overview
from ...services.errors import InputError
from ...services.moving import Preview
from ...services.readmodels import CourseAnchor, CourseView, PersonView, RetreatAnchor, RetreatView
from ...texts import day
from .desk import Act, Desk, chosen, perform, show
from .desk import people as counted
from .forms import ActForm, DayForm
from .people import act_of, found
from .retreats import act_on

SHOW = "Show what would change"


class MoveForm(DayForm):
    reason = StringField("Why does it move", description="It is kept in the trail.")
    seen = HiddenField()


def _form(anchor: CourseAnchor | RetreatAnchor, kind: type[DayForm]) -> DayForm:
    form = kind(data={"dosing_date": anchor.on.isoformat() if anchor.on else ""})
    form.dosing_date.label.text = anchor.label
    return form


def dosing_day(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    """One course's day: set at once, moved after a preview."""
    view, course = found(desk, code, number)
    anchor = chosen(course.anchors)
    if anchor.on is None:
        return _set_for_one(desk, view, course, anchor)
    windows = "Every window of this course"
    if len(course.anchors) > 1:
        windows = f"Every window that counts from the {anchor.named}"
    unless = ", unless the dose is recorded" if anchor.dosing else ""
    will = [
        f"{windows}, and every message that was not sent yet, moves with the day.",
        f"A new day is planned until it is confirmed{unless}.",
        "First you are shown what would change. Moving it back is the same act.",
    ]
    form = _form(anchor, MoveForm)
    act = act_of(view, course, f"Move the {anchor.named}", SHOW, will)

    def preview(on: date | None, reason: str) -> Preview:
        return moving.course_preview(desk.site, code, number, on, reason, anchor.id, desk.now)

    def move(told: Preview, reason: str) -> str:
        named = anchor.id
        dosing.set_dosing_day(
            desk.site, code, number, told.on, anchor=named, reason=reason, **desk.by
        )
        return f"The {anchor.named} of {code} is {day(told.on)}.{_just_sent(told)}"

    return _in_two_steps(act, form, preview, move)


def _set_for_one(
    desk: Desk, view: PersonView, course: CourseView, anchor: CourseAnchor
) -> ResponseReturnValue:
    form = _form(anchor, DayForm)
    will = [f"Every window that counts from the {anchor.named} gets its dates."]

    def do() -> str:
        on, number = form.dosing_date.day, course.number
        dosing.set_dosing_day(desk.site, view.code, number, on, anchor=anchor.id, **desk.by)
        assert on is not None
        return f"The {anchor.named} of {view.code} is {day(on)}."

    words = f"Set the {anchor.named}"
    return perform(act_of(view, course, words, words, will), form, do)


def retreat_day(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """A retreat's day: set at once, moved after a preview."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    anchor = chosen(view.anchors)
    dated = any(d.id == anchor.id and d.on for row in view.rows for d in row.days)
    if anchor.on is None and not dated:
        return _set_for_all(desk, view, anchor)
    doses = ", but not for anybody whose dose is recorded" if anchor.dosing else ""
    will = [
        f"Moves the day of the retreat and of {counted(len(view.rows))} in it{doses}.",
        "Every window that counts from it, and every message that was not sent yet, moves with it.",
        "The day is planned: messages after it are held until it is confirmed.",
        "First you are shown what would change. Moving it back is the same act.",
    ]
    form = _form(anchor, MoveForm)
    act = act_on(view, f"Move the {anchor.named} of {view.name}", SHOW, will)

    def preview(on: date | None, reason: str) -> Preview:
        return moving.retreat_preview(desk.site, retreat_id, on, reason, anchor.id, desk.now)

    def move(told: Preview, reason: str) -> str:
        named = anchor.id
        count = dosing.set_retreat_day(
            desk.site, retreat_id, told.on, anchor=named, reason=reason, **desk.by
        )
        changed = f"It changed for {counted(count)}."
        return f"The {anchor.named} is {day(told.on)}. {changed}{_just_sent(told)}"

    return _in_two_steps(act, form, preview, move)


def _set_for_all(desk: Desk, view: RetreatView, anchor: RetreatAnchor) -> ResponseReturnValue:
    form = _form(anchor, DayForm)
    will = [
        f"Sets the day for the retreat and for {counted(len(view.rows))} in it.",
        "The day is planned: messages after it are held until it is confirmed.",
    ]

    def do() -> str:
        on = form.dosing_date.day
        count = dosing.set_retreat_day(desk.site, view.id, on, anchor=anchor.id, **desk.by)
        assert on is not None
        return f"The {anchor.named} is {day(on)}. It changed for {counted(count)}."

    words = f"Set the {anchor.named}"
    return perform(act_on(view, f"{words} of {view.name}", words, will), form, do)


def _just_sent(told: Preview) -> str:
    """What cannot be called back any more."""
    if not told.in_hand:
        return ""
    were = "message was" if told.in_hand == 1 else "messages were"
    return f" {told.in_hand} {were} just being sent."


def _in_two_steps(
    act: Act,
    form: ActForm,
    preview: Callable[[date | None, str], Preview],
    move: Callable[[Preview, str], str],
) -> ResponseReturnValue:
    """Show the preview; done only when the preview that was seen is still what would happen."""
    assert isinstance(form, MoveForm)
    if not form.is_submitted():
        return show(act, form)
    if form.validate():
        reason = form.reason.data or ""
        try:
            told = preview(form.dosing_date.day, reason)
            if form.seen.data == told.digest:
                flash(move(told, reason))
                return redirect(act.back, 303)
        except InputError as error:
            form.take(error.problems)
        else:
            stale = bool(form.seen.data)
            form.seen.data = told.digest
            more = {**act.more, "told": told, "stale": stale}
            return show(replace(act, template="staff/moving.html", more=more), form)
    return show(act, form), 400
