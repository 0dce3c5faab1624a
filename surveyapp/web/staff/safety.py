"""The safety log, from the staff side: events, the checklist, blood pressure, a retreat's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField

from ...services import overview, pressure, safety, safetylog
from ...services.errors import InputError, NotFoundError
from ...services.pressure import NewReading
from ...services.readmodels import CourseAnchor, CourseView, PersonView
from ...services.safety import NewEvent
from ...study.safety import ACTIONS, EXPECTED, GRADES, OUTCOMES, RELATEDNESS, SOURCES
from ...texts import moment
from .desk import Act, Desk, chosen, perform, show
from .forms import DATE_HINT, ActForm, DayField, EditionForm, NumberField, TimeField, options
from .people import act_of, found

NOT_KNOWN = ("", "Not known yet")
VERY_HIGH = "That is very high. Tell whoever is in charge of the room now, and measure again."
CHECKLIST = tuple((f"e{place}", term) for place, term in enumerate(EXPECTED))


def _grades(*first: tuple[str, str]) -> list[tuple[str, str]]:
    return options(*first, *((str(n), f"{n} · {meaning}") for n, meaning in GRADES.items()))


def _words(words: tuple[str, ...], *first: tuple[str, str]) -> list[tuple[str, str]]:
    return options(*first, *((word, word.capitalize()) for word in words))


class EventForm(EditionForm):
    term = StringField("What happened", description="In a few words, for example Nausea.")
    grade = RadioField("Grade", choices=_grades())
    on = DayField("Began on", description=DATE_HINT)
    at = TimeField("Began at", description="Local time, as near as it is known.")
    ended_on = DayField("Ended on", description="Empty while it lasts.")
    ended_at = TimeField("Ended at", description="Empty while it lasts.")
    before = BooleanField("It began before the first dose of this course")
    serious = BooleanField(
        "Serious", description="Death, danger to life, hospital, lasting harm. Grades 4 and 5 are."
    )
    relatedness = SelectField(
        "Related to the dose, as you judge it",
        choices=_words(RELATEDNESS, ("", "Choose")),
        validate_choice=False,
    )
    action = SelectField("What was done", choices=_words(ACTIONS, NOT_KNOWN), validate_choice=False)
    outcome = SelectField(
        "How it went on", choices=_words(OUTCOMES, NOT_KNOWN), validate_choice=False
    )
    source = SelectField(
        "How you learnt of it",
        choices=options(
            NOT_KNOWN, ("asked", "You asked for it"), ("volunteered", "The person told you")
        ),
        validate_choice=False,
    )
    note = TextAreaField("Note", description="What the words above do not say. No names.")

    def typed(self) -> NewEvent:
        return NewEvent(
            term=self.term.data or "",
            grade=int(self.grade.data) if (self.grade.data or "").isdecimal() else None,
            on=self.on.day,
            at=self.at.time,
            ended_on=self.ended_on.day,
            ended_at=self.ended_at.time,
            serious=bool(self.serious.data),
            relatedness=self.relatedness.data or "",
            action=self.action.data or "",
            outcome=self.outcome.data or "",
            source=self.source.data or "",
            note=self.note.data or "",
            before=bool(self.before.data),
        )


class ChecklistForm(ActForm):
    on = DayField("Day", description=DATE_HINT)


class ReadingForm(ActForm):
    systolic = NumberField("Upper", render_kw={"inputmode": "numeric"})
    diastolic = NumberField("Lower", render_kw={"inputmode": "numeric"})
    pulse = NumberField("Pulse", render_kw={"inputmode": "numeric"})
    on = DayField("Day")
    at = TimeField("Time")


class WithdrawForm(ActForm):
    reason = StringField("Why is it withdrawn", description="For example: typed wrongly.")


def _page(view: PersonView, course: CourseView, heading: str, button: str, will: list[str]) -> Act:
    return act_of(view, course, heading, button, will)


def event(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    form = EventForm()
    will = ["Enters the log of this course. It can be changed; what stood before stays on record."]

    def do() -> str:
        new = form.typed()
        safety.record_event(desk.site, code, number, new, **desk.by)
        return f"On record for {code}: {' '.join(new.term.split())}, grade {new.grade}."

    return perform(_page(view, course, "Record an event", "Record the event", will), form, do)


def change_event(desk: Desk, code: str, number: int, event_id: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    kept, edition = safety.event_of(desk.site, code, number, event_id)
    form = EventForm(data=_as_typed(kept, edition))
    will = ["What stood before stays in the trail, with who changed it and when."]

    def do() -> str:
        new = form.typed()
        with form.going_on() as edition:
            safety.change_event(desk.site, code, number, event_id, new, edition, **desk.by)
        return f"The event of {code} is changed."

    return perform(_page(view, course, "Change an event", "Save the event", will), form, do)


def _as_typed(kept: NewEvent, edition: int) -> dict[str, Any]:
    values = safety.as_dict(kept)
    for name in ("on", "ended_on"):
        values[name] = values[name].isoformat() if values[name] else ""
    for name in ("at", "ended_at"):
        values[name] = f"{values[name]:%H:%M}" if values[name] else ""
    return {**values, "grade": str(kept.grade), "edition": str(edition)}


def checklist(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    """The expected events of a dosing day, one by one, in one form."""
    view, course = found(desk, code, number)
    form = _checklist_form(course.anchors[0].on)
    will = [
        "You asked for each of these. What happened enters the log as asked for; the rest is kept "
        "as asked for and not found.",
        "An end that comes before the start on the clock is taken for the next day's.",
    ]

    def do() -> str:
        events = {term: _asked(form, name, term) for name, term in CHECKLIST if _grade(form, name)}
        try:
            count = safety.record_checklist(desk.site, code, number, events, **desk.by)
        except InputError as error:
            raise InputError(_by_field(error.problems)) from error
        return f"The checklist of {code} is recorded: {count or 'nothing'} found."

    act = _page(view, course, "Checklist of expected events", "Record the checklist", will)
    rows = [
        (term, *(form[f"{name}_{part}"] for part in ("grade", "at", "ended", "related")))
        for name, term in CHECKLIST
    ]
    more = {**act.more, "rows": rows}
    act = replace(act, template="staff/safety-checklist.html", more=more)
    return perform(act, form, do)


def _checklist_form(on: date | None) -> ChecklistForm:
    fields: dict[str, Any] = {}
    for name, _ in CHECKLIST:
        grades = _grades(("0", "Did not happen"))
        fields[f"{name}_grade"] = SelectField("Grade", choices=grades, default="0")
        fields[f"{name}_at"] = TimeField("Began at")
        fields[f"{name}_ended"] = TimeField("Ended at")
        fields[f"{name}_related"] = SelectField(
            "Related to the dose", choices=_words(RELATEDNESS, ("", "Choose")), default=""
        )
    made = type("ChecklistForm", (ChecklistForm,), fields)
    return made(data={"on": on.isoformat() if on else ""})


def _grade(form: ChecklistForm, name: str) -> int:
    return int(form[f"{name}_grade"].data or 0)


def _asked(form: ChecklistForm, name: str, term: str) -> NewEvent:
    began = cast(TimeField, form[f"{name}_at"]).time
    ended = cast(TimeField, form[f"{name}_ended"]).time
    return NewEvent(
        term=term,
        grade=_grade(form, name),
        on=form.on.day,
        at=began,
        ended_on=_end_day(form.on.day, began, ended),
        ended_at=ended,
        relatedness=form[f"{name}_related"].data or "",
        source=SOURCES[0],
    )


def _end_day(on: date | None, began: time | None, ended: time | None) -> date | None:
    """An end that comes before the start on the clock is the next day's."""
    if on is None or ended is None:
        return None
    over = began is not None and ended < began
    return on + timedelta(days=1) if over else on


def _by_field(problems: Mapping[str, str]) -> dict[str, str]:
    """Problems of the checklist's events beside the fields of this form."""
    names = {term: name for name, term in CHECKLIST}
    parts = {"ended_at": "ended", "ended_on": "ended", "relatedness": "related"}
    parts |= dict.fromkeys(("at", "before", "term"), "at")
    told: dict[str, str] = {}
    for where, sentence in problems.items():
        term, _, field = where.partition(": ")
        own = f"{names[term]}_{parts[field]}" if field in parts else "on"
        told[own] = sentence
    return told


def blood_pressure(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    """Readings of a dosing day: what was entered is listed, and the form is ready for the next."""
    view, course = found(desk, code, number)
    anchor = chosen(course.anchors)
    form = _reading_form(desk, view, anchor)
    # The next reading is most likely of the same day.
    typed: dict[str, Any] = {"on": form.on.data} if form.on.day else {}
    here = url_for("staff.blood_pressure", code=code, number=number, anchor=anchor.id, **typed)
    act = Act(
        heading=f"Blood pressure of {code}",
        button="Save the reading",
        back=here,
        back_words=code,
        practice=view.practice,
        template="staff/safety-pressure.html",
        more={
            "here": "people",
            "person": url_for("staff.person", code=code),
            "code": code,
            "number": number,
            "anchor": anchor,
            "readings": [r for r in course.log.readings if r.anchor == anchor.id],
        },
    )
    if not form.is_submitted():
        return show(act, form)

    def do() -> str:
        values = form.systolic.number, form.diastolic.number, form.pulse.number
        new = NewReading(*values, form.on.day, form.at.time, anchor.id)
        high = pressure.add_reading(desk.site, code, number, new, **desk.by)
        told = f"Saved: {form.systolic.data} over {form.diastolic.data}."
        return f"{told} {VERY_HIGH}" if high else told

    return perform(act, form, do)


def _reading_form(desk: Desk, view: PersonView, anchor: CourseAnchor) -> ReadingForm:
    """For now, while it is the dosing day or soon after; else for the day that was typed last."""
    local = desk.now.astimezone(ZoneInfo(view.zone))
    days = (local.date() - anchor.on).days if anchor.on else None
    live = days is not None and 0 <= days <= pressure.DAYS_AFTER
    usual = local.date() if live else anchor.on
    on = request.args.get("on", "") or (usual.isoformat() if usual else "")
    at = f"{local:%H:%M}" if on == local.date().isoformat() else ""
    return ReadingForm(data={"on": on, "at": at})


def withdraw_reading(desk: Desk, code: str, number: int, reading_id: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    reading = next((r for r in course.log.readings if r.id == reading_id), None)
    if reading is None:
        raise NotFoundError("There is no such reading: it may have been withdrawn already.")
    form = WithdrawForm()
    will = [
        f"{reading.systolic} over {reading.diastolic}, {moment(reading.at)}, leaves the list.",
        "The store keeps it, with who withdrew it and why.",
    ]

    def do() -> str:
        why = form.reason.data or ""
        pressure.withdraw_reading(desk.site, code, number, reading_id, why, **desk.by)
        return f"A reading of {code} is withdrawn."

    act = _page(view, course, "Withdraw a reading", "Withdraw it", will)
    return perform(replace(act, grave=True), form, do)


def retreat_events(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    log = safetylog.retreat_log(desk.site, retreat_id)
    return render_template(
        "staff/safety-retreat.html", here="retreats", log=log, practice=log.practice
    )


def retreat_events_csv(desk: Desk, retreat_id: int) -> Response:
    body = safetylog.export_log(desk.site, retreat_id, **desk.by)
    shown = {"Content-Disposition": f'attachment; filename="events-retreat-{retreat_id}.csv"'}
    return Response(body, mimetype="text/csv", headers=shown)


def dosing_day(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """Everybody of a retreat with the two forms of the dosing day, for a tablet."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    return render_template(
        "staff/safety-day.html", here="retreats", retreat=view, practice=view.practice
    )
