"""Sheets of paper and calls, typed in: fill in, see what it comes to, enter it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, Field, HiddenField, RadioField, StringField

from ...services import corrections, sheets
from ...services.corrections import SentSheet
from ...services.errors import InputError
from ...services.sheets import Asked, NewSheet, SheetForm
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
        more={**act.more, "asked": asked, "preview": None, "items": _items(form, asked.items)},
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


class CorrectionForm(ActForm):
    reason = StringField("Why is it corrected", description="For example: typed wrongly.")
    seen = HiddenField()

    def typed(self) -> dict[str, Any]:
        fields: dict[str, Field] = {**self._fields}
        answers = {
            name.removeprefix(PREFIX): str(field.data or "")
            for name, field in fields.items()
            if name.startswith(PREFIX)
        }
        return {**sheets.typed(answers)}


def correct(
    desk: Desk, code: str, number: int, timepoint: str, instrument: str
) -> ResponseReturnValue:
    """A sent sheet with its corrections, and the form that makes one."""
    view, course = found(desk, code, number)
    where = (code, number, timepoint, instrument)
    sent = corrections.sent_sheet(desk.site, *where)
    form = _correction_form(sent)
    act = act_of(view, course, f"{sent.instrument}, {sent.label}", "See what changes", [])
    more = {**act.more, "sent": sent, "preview": None, "items": _items(form, sent.items)}
    act = replace(act, template="staff/sheet-sent.html", more=more)
    if form.is_submitted() and form.validate():
        new, reason = form.typed(), form.reason.data or ""
        digest = hashlib.sha256(json.dumps([sorted(new.items()), reason]).encode()).hexdigest()[:24]
        if form.seen.data != digest:
            try:
                act.more["preview"] = corrections.preview(desk.site, *where, new, reason)
            except InputError as error:
                form.take(_named(error.problems))
                return show(act, form), 400
            form.seen.data = digest
            return show(act, form)

    def do() -> str:
        reason = form.reason.data or ""
        count = corrections.correct(desk.site, *where, form.typed(), reason, **desk.by)
        return f"{count} {'answer' if count == 1 else 'answers'} of {code} corrected."

    return perform(act, form, _by_field(do))


def _correction_form(sent: SentSheet) -> CorrectionForm:
    fields = _fields(sent.items)
    made = type("CorrectionForm", (CorrectionForm,), fields)
    return made(data={f"{PREFIX}{item}": value for item, value in sent.given.items()})


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
    own = {"", "mode", "on", "at", "replace", "reason"}
    return {name if name in own else f"{PREFIX}{name}": text for name, text in problems.items()}


def _form(asked: SheetForm) -> EntryForm:
    made = type("EntryForm", (EntryForm,), _fields(asked.items))
    return made(data={"on": asked.day.isoformat() if asked.day else "", "mode": "paper"})


def _fields(items: Sequence[Asked]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for item in items:
        answers = [(str(option.value), option.text) for option in item.options]
        fields[f"{PREFIX}{item.item}"] = RadioField(
            f"{item.number}. {item.text}",
            choices=options(*answers, *NO_ANSWER),
            default="",
            validate_choice=False,
        )
    return fields


def _items(form: ActForm, items: Sequence[Asked]) -> list[Field]:
    return [form[f"{PREFIX}{item.item}"] for item in items]


def _digest(new: NewSheet) -> str:
    """What was previewed, so that nothing else is entered."""
    told = [sorted(new.values.items()), new.mode, str(new.on), str(new.at), new.replace]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:24]
