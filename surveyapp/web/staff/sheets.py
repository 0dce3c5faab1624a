"""Sheets of paper and calls, typed in, and sent ones corrected: fill in, look, then do it.

What is done is exactly what was looked at: the form carries a digest of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from flask import url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, Field, HiddenField, RadioField, StringField

from ...services import corrections, second, sheets
from ...services.corrections import CorrectedMeanwhileError, Correcting, SentSheet
from ...services.errors import InputError, RefusedError
from ...services.sheets import Asked, NewSheet, Preview, SheetForm
from ..security import rights
from .desk import Act, Desk, perform, show
from .forms import DATE_HINT, ActForm, DayField, EditionForm, TimeField, options
from .people import act_of, found

NO_ANSWER = (("", "Left open"), ("declined", "Would rather not answer"))
PREFIX = "item-"
Result = TypeVar("Result")


class ItemsForm(ActForm):
    """A form with a field for each item; services name an item's problem by its id."""

    seen = HiddenField()

    @property
    def items(self) -> dict[str, Field]:
        fields: dict[str, Field] = {**self._fields}
        return {n.removeprefix(PREFIX): f for n, f in fields.items() if n.startswith(PREFIX)}

    @property
    def values(self) -> dict[str, Any]:
        return {**sheets.typed({item: str(f.data or "") for item, f in self.items.items()})}

    def take(self, problems: Mapping[str, str]) -> None:
        items = self.items
        super().take({f"{PREFIX}{n}" if n in items else n: s for n, s in problems.items()})


class EntryForm(ItemsForm):
    mode = RadioField(
        "Where the answers come from",
        choices=options(("paper", "A sheet of paper"), ("telephone", "A call")),
        validate_choice=False,
    )
    on = DayField("Filled in on", description=DATE_HINT)
    at = TimeField("At", description="Local time, if it is known. Empty: noon.")
    replace = BooleanField("Use this in place of what was begun on the phone")

    def typed(self) -> NewSheet:
        return NewSheet(
            values=self.values,
            mode=self.mode.data or "",
            on=self.on.day,
            at=self.at.time,
            replace=bool(self.replace.data),
        )


class CorrectionForm(ItemsForm, EditionForm):
    reason = StringField("Why is it corrected", description="For example: typed wrongly.")

    def typed(self) -> Correcting:
        return Correcting(self.values, self.reason.data or "", self.known)

    def follow(self, error: CorrectedMeanwhileError) -> None:
        """Go on from what stands now, with what was changed here."""
        self.edition.data = str(error.edition)
        for item, field in self.items.items():
            field.data = error.values.get(item, "")


def sheet(
    desk: Desk, code: str, number: int, timepoint: str, instrument: str
) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    where = (code, number, timepoint, instrument)
    asked = sheets.sheet_form(desk.site, *where, desk.now)
    form = _entry_form(asked)
    heading = f"{asked.instrument}, {asked.label}, from paper or a call"
    act = act_of(view, course, heading, "See what it comes to", [])
    more = {"asked": asked, "preview": None, "items": list(form.items.values())}
    act = replace(act, template="staff/sheet.html", more={**act.more, **more})
    if asked.sent and not form.is_submitted():
        raise RefusedError(asked.sent)

    def look() -> Preview:
        return sheets.preview_sheet(desk.site, *where, form.typed(), desk.now)

    def do() -> str:
        sheets.enter_sheet(desk.site, *where, form.typed(), **desk.by)
        return f"{asked.instrument} of {code}, {asked.label}, is entered."

    try:
        return _look_then_do(act, form, look, do)
    except RefusedError as error:  # it was sent while this was typed, which must not be lost
        form.take({"": str(error)})
        return show(act, form), 409


def correct(
    desk: Desk, code: str, number: int, timepoint: str, instrument: str
) -> ResponseReturnValue:
    """A sent sheet with its corrections, and the form that makes one."""
    view, course = found(desk, code, number)
    where = (code, number, timepoint, instrument)
    sent = corrections.sent_sheet(desk.site, *where)
    form = _correction_form(sent)
    act = act_of(view, course, f"{sent.instrument}, {sent.label}", "See what changes", [])
    more = {
        "sent": sent,
        "preview": None,
        "items": list(form.items.values()),
        "compared": second.comparison(desk.site, *where),
        "second": second.may_enter(desk.site, *where),
        "where": dict(zip(("code", "number", "timepoint", "instrument"), where, strict=True)),
    }
    act = replace(act, template="staff/sheet-sent.html", more={**act.more, **more})

    def look() -> Preview:
        return _following(form, lambda: corrections.preview(desk.site, *where, form.typed()))

    def do() -> str:
        new = form.typed()
        count = _following(form, lambda: corrections.correct(desk.site, *where, new, **desk.by))
        return f"{count} {'answer' if count == 1 else 'answers'} of {code} corrected."

    return _look_then_do(act, form, look, do)


def second_entry(
    desk: Desk, code: str, number: int, timepoint: str, instrument: str
) -> ResponseReturnValue:
    """The same sheet typed in by another person, without a look at what is on record."""
    view, course = found(desk, code, number)
    where = (code, number, timepoint, instrument)
    asked = second.second_form(desk.site, *where, desk.by["actor"])
    form: ItemsForm = type("SecondForm", (ItemsForm,), _fields(asked.items))()
    heading = f"{asked.instrument}, {asked.label}, second entry"
    act = act_of(view, course, heading, "Keep the second entry", [])
    more = {"asked": asked, "items": list(form.items.values())}
    back = url_for("staff.correct_sheet", code=code, number=number, timepoint=timepoint,
                   instrument=instrument)  # fmt: skip
    back = back if rights().may("scores") else act.back
    act = replace(act, back=back, template="staff/sheet-second.html", more={**act.more, **more})

    def do() -> str:
        differ = second.enter_second(desk.site, *where, form.values, **desk.by)
        if not differ:
            return "The second entry agrees in every item."
        return f"The second entry differs in {differ} {'item' if differ == 1 else 'items'}."

    return perform(act, form, do)


def _following(form: CorrectionForm, act: Callable[[], Result]) -> Result:
    try:
        return act()
    except CorrectedMeanwhileError as error:
        form.follow(error)
        form.seen.data = ""
        raise


def _look_then_do(
    act: Act, form: EntryForm | CorrectionForm, look: Callable[[], Preview], do: Callable[[], str]
) -> ResponseReturnValue:
    """Show what it comes to; done only when exactly that was looked at before."""
    if not form.is_submitted() or not form.validate():
        return perform(act, form, do)
    digest = hashlib.sha256(repr(form.typed()).encode()).hexdigest()[:24]
    if form.seen.data == digest:
        return perform(act, form, do)
    try:
        act.more["preview"] = look()
    except InputError as error:
        form.take(error.problems)
        return show(act, form), 400
    form.seen.data = digest
    return show(act, form)


def _entry_form(asked: SheetForm) -> EntryForm:
    made = type("EntryForm", (EntryForm,), _fields(asked.items))
    return made(data={"on": asked.day.isoformat() if asked.day else "", "mode": "paper"})


def _correction_form(sent: SentSheet) -> CorrectionForm:
    made = type("CorrectionForm", (CorrectionForm,), _fields(sent.items))
    given = {f"{PREFIX}{item}": value for item, value in sent.given.items()}
    return made(data={**given, "edition": str(sent.edition)})


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
