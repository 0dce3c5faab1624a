"""Sheets of paper and calls, typed in: fill in, see what it comes to, enter it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, Field, HiddenField, RadioField

from ...services import sheets
from ...services.errors import InputError
from ...services.sheets import NewSheet, SheetForm
from .desk import Act, Desk, perform, show
from .forms import DATE_HINT, ActForm, DayField, TimeField, options
from .people import act_of, found

NO_ANSWER = (("", "Left open"), ("declined", "Would rather not answer"))
PREFIX = "item-"


class EntryForm(ActForm):
    mode = RadioField(
        "Where the answers come from",
        choices=options(("paper", "A sheet of paper"), ("telephone", "A call")),
        validate_choice=False,
    )
    on = DayField("Filled in on", description=DATE_HINT)
    at = TimeField("At", description="Local time, if it is known. Empty: noon.")
    replace = BooleanField("Use this in place of what was begun on the phone")
    seen = HiddenField()

    def typed(self) -> NewSheet:
        fields: dict[str, Field] = {**self._fields}
        answers = {
            name.removeprefix(PREFIX): str(field.data or "")
            for name, field in fields.items()
            if name.startswith(PREFIX)
        }
        return NewSheet(
            values=sheets.typed(answers),
            mode=self.mode.data or "",
            on=self.on.day,
            at=self.at.time,
            replace=bool(self.replace.data),
        )


def sheet(
    desk: Desk, code: str, number: int, timepoint: str, instrument: str
) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    asked = sheets.sheet_form(desk.site, code, number, timepoint, instrument, desk.now)
    form = _form(asked)
    where = (code, number, timepoint, instrument)
    heading = f"{asked.instrument}, {asked.label}, from paper or a call"
    act = act_of(view, course, heading, "See what it comes to", [])
    act = Act(
        heading=act.heading,
        button=act.button,
        back=url_for("staff.person", code=code),
        back_words=act.back_words,
        practice=view.practice,
        template="staff/sheet.html",
        more={**act.more, "asked": asked, "preview": None, "items": _items(form, asked)},
    )
    if form.is_submitted() and form.validate():
        new = form.typed()
        digest = _digest(new)
        if form.seen.data != digest:
            return _previewed(desk, where, act, form, new, digest)

    def do() -> str:
        sheets.enter_sheet(desk.site, *where, form.typed(), **desk.by)
        return f"{asked.instrument} of {code}, {asked.label}, is entered."

    return perform(act, form, _by_field(do))


def _previewed(
    desk: Desk,
    where: tuple[str, int, str, str],
    act: Act,
    form: EntryForm,
    new: NewSheet,
    digest: str,
) -> ResponseReturnValue:
    try:
        act.more["preview"] = sheets.preview_sheet(desk.site, *where, new, desk.now)
    except InputError as error:
        form.take(_named(error.problems))
        return show(act, form), 400
    form.seen.data = digest
    return show(act, form)


def _by_field(do: Any) -> Any:
    def again() -> str:
        try:
            return do()
        except InputError as error:
            raise InputError(_named(error.problems)) from error

    return again


def _named(problems: Any) -> dict[str, str]:
    """Problems of items beside their fields."""
    own = {"", "mode", "on", "at", "replace"}
    return {name if name in own else f"{PREFIX}{name}": text for name, text in problems.items()}


def _form(asked: SheetForm) -> EntryForm:
    fields: dict[str, Any] = {}
    for item in asked.items:
        answers = [(str(option.value), option.text) for option in item.options]
        fields[f"{PREFIX}{item.item}"] = RadioField(
            f"{item.number}. {item.text}",
            choices=options(*answers, *NO_ANSWER),
            default="",
            validate_choice=False,
        )
    made = type("EntryForm", (EntryForm,), fields)
    return made(data={"on": asked.day.isoformat() if asked.day else "", "mode": "paper"})


def _items(form: EntryForm, asked: SheetForm) -> list[Field]:
    return [form[f"{PREFIX}{item.item}"] for item in asked.items]


def _digest(new: NewSheet) -> str:
    """What was previewed, so that nothing else is entered."""
    told = [sorted(new.values.items()), new.mode, str(new.on), str(new.at), new.replace]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]
