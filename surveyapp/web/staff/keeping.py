"""Erasing a person, their own copy, and for how long each kind of data is kept."""

from __future__ import annotations

import hashlib

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, HiddenField, RadioField, StringField

from ...services import erasing, owncopy, retention
from ...services.erasing import Preview, Wish
from ...services.errors import InputError, NotFoundError
from ..rules import lets
from ..security import rights
from .desk import Act, Desk, perform, show
from .forms import NUMERAL, ActForm, options

CONTACTS, EVERYTHING = "contacts", "everything"
ONE_MORE_LOOK = "Look at this first, then press the button once more. Removed with the next run: "


class EraseForm(ActForm):
    kind = RadioField(
        "What is erased",
        choices=options(
            (CONTACTS, "Contact details and PIN only; answers stay under the study code"),
            (EVERYTHING, "Everything: nothing of the person is left but what is said above"),
        ),
    )
    keep_safety = BooleanField(
        "With everything: keep doses and adverse events as counts of the study"
    )
    reason = StringField("Why", description="It is kept, so it must name nobody.")
    again = StringField("The study code once more", description="So that nobody is mistaken.")


class CopyForm(ActForm):
    pass


def _days(kind: str) -> StringField:
    about = retention.KINDS[kind]
    least = f" At least {about.least}." if about.least > 1 else ""
    return StringField(about.name, description=f"Days {about.since}.{least} Empty: kept.")


class RetentionForm(ActForm):
    """One field for each kind, with its days."""

    seen = HiddenField()
    contacts = _days("contacts")
    pins = _days("pins")
    attempts = _days("attempts")
    visits = _days("visits")
    digests = _days("digests")
    practice = _days("practice")
    notes = _days("notes")

    def wish(self) -> dict[str, int | None]:
        """Days by kind. Raises InputError for what is no number."""
        found: dict[str, int | None] = {}
        problems: dict[str, str] = {}
        for kind in retention.KINDS:
            typed = (self[kind].data or "").strip()
            if typed and not NUMERAL.fullmatch(typed):
                problems[kind] = "Write a whole number of days, or leave it empty."
            found[kind] = int(typed) if NUMERAL.fullmatch(typed) else None
        if problems:
            raise InputError(problems)
        return found


def erasures(desk: Desk) -> ResponseReturnValue:
    """What was erased, what is wrong with the ledger, and the way to erase somebody."""
    code = request.args.get("code", "").strip()
    sentence = ""
    if code:
        try:
            found = erasing.preview(desk.site, code, Wish(), desk.now)
            return redirect(url_for("staff.erase", code=found.code), 303)
        except NotFoundError as error:
            sentence = str(error)
    return render_template(
        "staff/erasures.html",
        here="system",
        code=code,
        sentence=sentence,
        faults=erasing.ledger_faults(desk.site),
        made=erasing.made(desk.site),
    )


def erase(desk: Desk, code: str) -> ResponseReturnValue:
    contacts, everything = (
        erasing.preview(desk.site, code, Wish(kind, keep_safety=True), desk.now)
        for kind in (CONTACTS, EVERYTHING)
    )
    keeps = erasing.keeps_data(desk.site, code)
    form = EraseForm(data={"kind": CONTACTS if keeps else EVERYTHING})
    act = Act(
        heading=f"Erase {everything.code}",
        button="Erase",
        back=url_for("staff.erasures"),
        back_words="Erasures",
        will=_will(everything),
        grave=True,
        template="staff/erase.html",
        more={"here": "system", "previews": (contacts, everything), "outside": erasing.OUTSIDE},
    )

    def do() -> str:
        if (form.again.data or "").strip().lower() != everything.code.lower():
            raise InputError({"again": f"Write {everything.code}, as it stands above."})
        wish = Wish(form.kind.data or "", form.reason.data or "", bool(form.keep_safety.data))
        late = erasing.erase(desk.site, everything.code, wish, **desk.by)
        handed = f" Messages just being sent, which cannot be called back: {late}." if late else ""
        return f"It is erased. The worker rewrites the files within minutes.{handed}"

    return perform(act, form, do)


def _will(found: Preview) -> list[str]:
    will = [
        "It cannot be undone. It is written to the ledger outside the backups first, so that a "
        "restored backup is erased too.",
        "The study code is not given again after everything was erased.",
    ]
    if found.in_hand:
        will.append(f"Being sent at this moment, and not called back: {found.in_hand}.")
    return will


def own_copy(desk: Desk, code: str) -> ResponseReturnValue:
    """A ZIP for the person; made by the button alone, because the trail notes it."""
    form, known = CopyForm(), lets(rights(), "staff.person")
    act = Act(
        heading=f"Own copy of {code}",
        button="Make the copy",
        back=url_for("staff.person", code=code) if known else url_for("staff.erasures"),
        back_words=code if known else "Erasures",
        will=[
            "Everything that is held about the person, contact details included, as a list (JSON), "
            "and their report as PDF in their language, in one ZIP.",
            "Look through the notes before you hand it over: they may name other people.",
            "The trail notes that it was made. Give it to the person only, and keep none.",
        ],
        more={"here": "people"},
    )
    erasing.preview(desk.site, code, Wish(), desk.now)  # there is such a person
    if not form.is_submitted():
        return show(act, form)
    if not form.validate():
        return show(act, form), 400
    body = owncopy.own_copy(desk.site, code, **desk.by)
    named = {"Content-Disposition": 'attachment; filename="own-copy.zip"'}
    return Response(body, mimetype="application/zip", headers=named)


def periods(desk: Desk) -> ResponseReturnValue:
    lines = retention.lines(desk.site, desk.now)
    form = RetentionForm(data={line.kind: str(line.days or "") for line in lines})
    older = [f"{line.about.name}: {line.older}" for line in lines if line.days]
    will = [
        "Once a day the worker removes what is older, for good; the trail says how many.",
        "Answers of live studies have no period: erase a person instead.",
        f"Removed with the next run: {', '.join(older)}." if older else "No period is set now.",
    ]

    def do() -> str:
        wish = form.wish()
        found = retention.would_remove(desk.site, wish, desk.now)
        mark = hashlib.sha256(repr(sorted(wish.items())).encode()).hexdigest()[:16]
        if form.seen.data != mark and any(found.values()):
            form.seen.data = mark
            named = (f"{retention.KINDS[kind].name}: {count}" for kind, count in found.items())
            raise InputError({"": f"{ONE_MORE_LOOK}{', '.join(named)}."})
        changed = retention.set_periods(desk.site, wish, **desk.by)
        return "The periods are saved." if changed else "Nothing was changed."

    act = Act(
        heading="Retention",
        button="Save the periods",
        back=url_for("staff.system"),
        back_words="System",
        will=will,
        grave=True,
        more={"here": "system"},
    )
    return perform(act, form, do)
