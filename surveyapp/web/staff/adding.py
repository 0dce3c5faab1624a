"""Adding people to a retreat: one by one, or a pasted list that is shown before it is saved."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import overview, people
from ...services.errors import InputError
from ...services.people import NewPerson, Planned
from ...services.readmodels import RetreatView
from .desk import Desk
from .desk import people as counted
from .forms import PasteForm, PersonForm


@dataclass
class _Page:
    """The two forms of the page, and the list as it would be added."""

    desk: Desk
    view: RetreatView
    one: PersonForm = field(default_factory=PersonForm)
    many: PasteForm = field(default_factory=PasteForm)
    preview: list[Planned] = field(default_factory=list[Planned])

    def show(self, code: int) -> ResponseReturnValue:
        page = render_template(
            "staff/add-people.html",
            here="retreats",
            retreat=self.view,
            one=self.one,
            many=self.many,
            preview=self.preview,
            practice=self.view.practice,
        )
        return page, code

    def done(self, sentence: str) -> ResponseReturnValue:
        flash(sentence)
        return redirect(url_for("staff.retreat", retreat_id=self.view.id), 303)


def add_people(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    page = _Page(desk, overview.retreat_view(desk.site, retreat_id, desk.now))
    if request.method != "POST":
        return page.show(200)
    wanted = {"one": _one, "check": _check, "add": _add, "edit": _edit}
    do = wanted.get(request.form.get("do", ""), _check)
    form = page.one if do is _one else page.many
    if form.validate():
        try:
            return do(page)
        except InputError as error:
            form.take(error.problems)
    return page.show(400)


def _one(page: _Page) -> ResponseReturnValue:
    form = page.one
    person = NewPerson(
        code=form.code.data or "",
        email=form.email.data or "",
        language=form.language.data or "",
        time_zone=form.time_zone.data or "",
    )
    planned = people.add_person(
        page.desk.site, page.view.id, person, page.desk.scope, **page.desk.by
    )
    again = f", course {planned.number}" if planned.number > 1 else ""
    note = f" Note: {planned.note}." if planned.note else ""
    return page.done(f"{planned.code} is in {page.view.name}{again}.{note}")


def _check(page: _Page) -> ResponseReturnValue:
    if uploaded := _uploaded():
        page.many.rows.data = uploaded
    listed = people.parse_people(page.many.rows.data or "")
    desk = page.desk
    page.preview = people.preview_people(desk.site, page.view.id, listed, desk.now, desk.scope)
    return page.show(200)


def _uploaded() -> str:
    """The text of a file that was chosen, else empty. Raises InputError."""
    chosen = request.files.get("file")
    if chosen is None or not chosen.filename:
        return ""
    try:
        text = chosen.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = "This is not a CSV file in UTF-8. In a spreadsheet, save as “CSV UTF-8”."
        raise InputError({"file": fault}) from error
    if "\0" in text:
        raise InputError({"file": "This is not a text file. Save the list as CSV first."})
    return text


def _add(page: _Page) -> ResponseReturnValue:
    listed = people.parse_people(page.many.rows.data or "")
    added = people.add_people(page.desk.site, page.view.id, listed, page.desk.scope, **page.desk.by)
    return page.done(f"{counted(len(added))} added to {page.view.name}.")


def _edit(page: _Page) -> ResponseReturnValue:
    return page.show(200)
