"""A retreat's programme of sessions, and who took part in each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from flask import request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectField, StringField

from ...services import attendance as attending
from ...services import programme as programmes
from ...services.attendance import AttendanceSheet, Attended
from ...services.errors import InputError
from ...services.programme import Programme, TypedSession
from ...study.programme import KINDS
from ...texts import day
from .desk import Act, Desk, perform
from .desk import people as counted
from .forms import DATE_HINT, DayField, EditionForm, TimeField, options

STATUSES = options(
    ("", "Not recorded"),
    *((status, word.capitalize()) for status, word in attending.WORDS.items()),
)
EVERYBODY = "everybody"


class ProgrammeForm(EditionForm):
    label = StringField("Name", description="For example Integration 5.")
    kind = SelectField(
        "Kind", choices=options(("", "Choose"), *((k, k.capitalize()) for k in KINDS)), default=""
    )
    on = DayField("Day", description=DATE_HINT)
    at = TimeField("Time", description="For example 10:00.")


class AttendanceForm(EditionForm):
    """The fields come from who is in the retreat."""


def programme(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """Set the days and times of a retreat's sessions."""
    found = programmes.programme(desk.site, retreat_id)
    form = _programme_form(found)

    def do() -> str:
        typed = {line.id: _typed(form, f"s{n}") for n, line in enumerate(found.sessions)}
        added = _added(form)
        count = _saved(desk, found, form, typed, added)
        told = "1 session" if count == 1 else f"{count} sessions"
        return f"The programme is saved: {told} changed." if count else "Nothing was changed."

    rows = [
        (line, *(form[f"s{n}_{part}"] for part in ("on", "at", "dropped")))
        for n, line in enumerate(found.sessions)
    ]
    act = Act(
        heading=f"Programme of {found.retreat}",
        button="Save the programme",
        back=url_for("staff.retreat", retreat_id=retreat_id),
        back_words=found.retreat,
        practice=found.practice,
        template="staff/programme.html",
        more={"here": "retreats", "rows": rows, "zone": found.zone},
    )
    return perform(act, form, do)


def _programme_form(found: Programme) -> ProgrammeForm:
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {"edition": str(found.edition)}
    for n, line in enumerate(found.sessions):
        fields[f"s{n}_on"] = DayField(f"Day of {line.label}")
        fields[f"s{n}_at"] = TimeField(f"Time of {line.label}")
        fields[f"s{n}_dropped"] = BooleanField("Not held")
        values[f"s{n}_on"] = line.on.isoformat() if line.on else ""
        values[f"s{n}_at"] = f"{line.at:%H:%M}" if line.at else ""
        values[f"s{n}_dropped"] = line.dropped
    return type("ProgrammeForm", (ProgrammeForm,), fields)(data=values)


def _typed(form: ProgrammeForm, name: str) -> TypedSession:
    on, at = cast(DayField, form[f"{name}_on"]), cast(TimeField, form[f"{name}_at"])
    return TypedSession(on.day, at.time, bool(form[f"{name}_dropped"].data))


def _added(form: ProgrammeForm) -> TypedSession | None:
    """The session that was added, if anything of it was filled in."""
    label, kind = (form.label.data or "").strip(), form.kind.data or ""
    on, at = form.on.day, form.at.time
    if not (label or kind or on or at):
        return None
    return TypedSession(on, at, label=label, kind=kind)


def _saved(
    desk: Desk,
    found: Programme,
    form: ProgrammeForm,
    typed: dict[str, TypedSession],
    added: TypedSession | None,
) -> int:
    try:
        with form.going_on() as edition:
            return programmes.save_programme(
                desk.site, found.retreat_id, typed, added, edition, **desk.by
            )
    except InputError as error:
        places = {f"{line.id}: on": f"s{n}_on" for n, line in enumerate(found.sessions)}
        places |= {f"new: {name}": name for name in ("label", "kind", "on", "at")}
        raise InputError({places.get(k, k): why for k, why in error.problems.items()}) from error


def attendance(desk: Desk, retreat_id: int, session: str) -> ResponseReturnValue:
    """Who took part in one session."""
    sheet = attending.attendance_sheet(desk.site, retreat_id, session)
    line, held = sheet.session, sheet.programme
    form = _attendance_form(sheet)

    def do() -> str:
        typed = {who: _attended(form, n) for n, who in enumerate(sheet.people)}
        if request.form.get("do") == EVERYBODY:
            typed = {who: new if new.status else _there(new) for who, new in typed.items()}
        count = _recorded(desk, sheet, form, typed)
        return f"{line.label}: attendance is recorded, changed for {counted(count)}."

    rows = [
        (code, number, form[f"p{n}_status"], form[f"p{n}_note"])
        for n, (code, number) in enumerate(sheet.people)
    ]
    when = day(line.on) if line.on else "no day yet"
    act = Act(
        heading=f"Attendance of {line.label}",
        button="Save the attendance",
        back=url_for("staff.retreat", retreat_id=retreat_id),
        back_words=held.retreat,
        practice=held.practice,
        template="staff/attendance.html",
        more={"here": "retreats", "rows": rows, "when": when, "at": line.at},
    )
    return perform(act, form, do)


def _attendance_form(sheet: AttendanceSheet) -> AttendanceForm:
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {"edition": str(sheet.edition)}
    for n, ((code, _), known) in enumerate(sheet.people.items()):
        fields[f"p{n}_status"] = SelectField(f"Attendance of {code}", choices=STATUSES)
        fields[f"p{n}_note"] = StringField(f"Note on {code}")
        values[f"p{n}_status"], values[f"p{n}_note"] = known.status, known.note
    return type("AttendanceForm", (AttendanceForm,), fields)(data=values)


def _attended(form: AttendanceForm, n: int) -> Attended:
    return Attended(form[f"p{n}_status"].data or "", (form[f"p{n}_note"].data or "").strip())


def _there(new: Attended) -> Attended:
    return replace(new, status="attended")


def _recorded(
    desk: Desk, sheet: AttendanceSheet, form: AttendanceForm, typed: dict[Any, Attended]
) -> int:
    retreat_id, name = sheet.programme.retreat_id, sheet.session.id
    try:
        with form.going_on() as edition:
            return attending.record_attendance(
                desk.site, retreat_id, name, typed, edition, **desk.by
            )
    except InputError as error:
        places = {code: f"p{n}_status" for n, (code, _) in enumerate(sheet.people)}
        raise InputError({places.get(k, k): why for k, why in error.problems.items()}) from error
