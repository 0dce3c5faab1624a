"""Wordings: what is installed, installing another after a look at each screen, and permissions."""

from __future__ import annotations

import base64
import binascii
import dataclasses
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import FileField, HiddenField, RadioField, SelectField, StringField

from ...services import wording_views, wordings
from ...services.errors import InputError
from ...services.wording_views import WordingView
from ...services.wordings import TypedPermission
from ...study import wording as files
from ...study.instrument import Wording
from .desk import Act, Desk, perform
from .forms import DATE_HINT, ActForm, DayField, options

MOST_POSTED = 3 * wordings.MOST_BYTES
"""A file of the largest size, once more as it is kept in the form, and the fields beside it."""
PERMISSION = tuple(field.name for field in dataclasses.fields(TypedPermission))
NO_FILE = "Choose the file that you filled in."
YES_NO = options(("yes", "Yes"), ("no", "No"))


class PermissionForm(ActForm):
    """The fields of a permission, as `TypedPermission` names them."""

    basis = RadioField(
        "Basis",
        choices=options(
            ("licence", "Licence"),
            ("written permission", "Written permission"),
            ("published for free use", "Published for free use"),
        ),
        validate_choice=False,
    )
    holder = StringField(
        "Holder", description="Who gave it, or who published it. Pages and reports name them."
    )
    reference = StringField(
        "Reference",
        description="The licence's number, the letter's date, or the publication. Wordings with the"
        " same holder and reference are counted together.",
    )
    electronic = RadioField("May it be shown on phones?", choices=YES_NO, validate_choice=False)
    languages = StringField("Languages it covers", description="Codes, such as en nl.")
    reproduction = RadioField(
        "May its text be printed in exports and reports?", choices=YES_NO, validate_choice=False
    )
    expires = StringField("Last day", description=f"{DATE_HINT} Or never.")
    maximum = StringField("Most uses", description="A number, or unlimited. A use is one start.")

    def typed(self) -> TypedPermission:
        fields: Any = self
        return TypedPermission(**{name: fields[name].data or "" for name in PERMISSION})


class InstallForm(PermissionForm):
    instrument = SelectField("Questionnaire")
    language = StringField("Language of the text", description="A code, such as en.")
    file = FileField("The filled CSV file", description="At most 512 KB, in UTF-8.")
    kept = HiddenField()
    kept_name = HiddenField()


class ChangeForm(PermissionForm):
    why = StringField("Why it changes", description="It stays in the history and the trail.")


class OverrideForm(ActForm):
    until = DayField("Goes on until", description=f"{DATE_HINT} At most a year ahead.")
    reason = StringField("Why", description="For example: renewal is signed and on its way.")


class RetireForm(ActForm):
    reason = StringField("Why", description="It stays in the history and the trail.")


def list_of(desk: Desk) -> ResponseReturnValue:
    return render_template(
        "staff/wordings.html", here="system", lines=wording_views.listed(desk.site, desk.now)
    )


def wording(desk: Desk, wording_id: int) -> ResponseReturnValue:
    view = wording_views.view(desk.site, wording_id, desk.now)
    return render_template("staff/wording.html", here="system", view=view, name=name_of(view))


def screens(desk: Desk, wording_id: int) -> ResponseReturnValue:
    """Every screen of an installed text, as a phone shows it."""
    view = wording_views.view(desk.site, wording_id, desk.now)
    back = url_for("staff.wording", wording_id=wording_id)
    return render_template(
        "staff/wording-screens.html", shown=view.screens, name=name_of(view), back=back
    )


def name_of(view: WordingView) -> str:
    return f"{view.line.name}, {view.line.language}"


def template(desk: Desk, instrument: str, language: str) -> ResponseReturnValue:
    """The CSV to fill in."""
    found = wordings.the_instrument(desk.site, instrument)
    response = Response(files.template(found, language), mimetype="text/csv")
    name = f"{found.id}.{language}.csv" if files.LANGUAGE.fullmatch(language) else "wording.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def install(desk: Desk) -> ResponseReturnValue:
    """Judge the file and its permission, show every screen, and install what was confirmed."""
    known = desk.site.library.instruments
    form = InstallForm(data={"language": "en", "languages": "en"})
    form.instrument.choices = options(*((i.id, i.name) for i in known.values()))
    if not form.is_submitted():
        return _install_page(form)
    if not form.validate():
        return _install_page(form), 400
    raw = _chosen(form)
    if request.form.get("do") == "edit":
        return _install_page(form)
    try:
        return _judged(desk, form, raw)
    except InputError as error:
        form.take(error.problems if raw else {**error.problems, "file": NO_FILE})
        return _install_page(form), 400


def _judged(desk: Desk, form: InstallForm, raw: bytes) -> ResponseReturnValue:
    """The screens, or the list once it is installed. Raises InputError."""
    confirmed = request.form.get("do") == "install"
    done = wordings.install(
        desk.site,
        form.instrument.data or "",
        raw,
        (form.language.data or "").strip(),
        form.typed(),
        **desk.by,
        dry_run=not confirmed,
    )
    if confirmed:
        flash("The wording is installed. People who are added from now on are asked in it.")
        return redirect(url_for("staff.wording", wording_id=done.id), 303)
    return _preview(desk, form, done.wording)


def _preview(desk: Desk, form: InstallForm, wording: Wording) -> str:
    instrument = wordings.the_instrument(desk.site, wording.instrument)
    shown = wording_views.screens_of(instrument, wording, form.typed().holder)
    name = f"{instrument.name}, {wording.language}"
    return render_template("staff/wording-screens.html", shown=shown, name=name, form=form)


def _chosen(form: InstallForm) -> bytes:
    """The file that was chosen, else the one that the form kept; it is kept from then on."""
    chosen = request.files.get("file")
    if chosen is not None and chosen.filename:
        raw = chosen.read()
        chosen.close()
        form.kept.data = base64.b64encode(raw[: wordings.MOST_BYTES + 1]).decode()
        form.kept_name.data = chosen.filename
        return raw
    try:
        return base64.b64decode(form.kept.data or "", validate=True)
    except (binascii.Error, ValueError):
        form.kept.data = form.kept_name.data = ""
        return b""


def _install_page(form: InstallForm) -> str:
    return render_template("staff/wording-install.html", here="system", form=form)


def permission(desk: Desk, wording_id: int) -> ResponseReturnValue:
    view = wording_views.view(desk.site, wording_id, desk.now)
    form = ChangeForm(data=dataclasses.asdict(view.permission))

    def do() -> str:
        why = form.why.data or ""
        wordings.change_permission(desk.site, wording_id, form.typed(), why, **desk.by)
        return "The permission is recorded. Messages that waited for it are looked at again."

    will = ["What stood before stays as history.", "The text itself does not change."]
    return perform(_act(view, "Change the permission", "Save the permission", will), form, do)


def override(desk: Desk, wording_id: int) -> ResponseReturnValue:
    view = wording_views.view(desk.site, wording_id, desk.now)
    form = OverrideForm()
    will = [
        "Messages of people who are enrolled go on until that day, although the permission has"
        " ended or is used up.",
        "Nobody is enrolled meanwhile. Answers that this saves may have to be accounted for to"
        " whoever holds the rights.",
    ]
    if not view.electronic:
        will.append("The permission does not cover phones; this does not change that.")

    def do() -> str:
        wordings.override(desk.site, wording_id, form.until.day, form.reason.data or "", **desk.by)
        return "It goes on. Today and this page say until when."

    act = _act(view, "Go on without the permission", "Go on", will)
    return perform(dataclasses.replace(act, grave=True), form, do)


def retire(desk: Desk, wording_id: int) -> ResponseReturnValue:
    view = wording_views.view(desk.site, wording_id, desk.now)
    form = RetireForm()
    will = [
        "Courses to come no longer begin with it. Nothing is deleted.",
        f"The courses that began with it ({view.courses}) keep it, and so do their answers.",
    ]

    def do() -> str:
        wordings.retire(desk.site, wording_id, form.reason.data or "", **desk.by)
        return "It is retired."

    return perform(_act(view, "Retire the wording", "Retire it", will), form, do)


def _act(view: WordingView, heading: str, button: str, will: list[str]) -> Act:
    assert view.line.id is not None
    return Act(
        heading=f"{heading}: {name_of(view)}",
        button=button,
        back=url_for("staff.wording", wording_id=view.line.id),
        back_words=name_of(view),
        will=will,
        more={"here": "system"},
    )
