"""Notes and intentions of a course, and why a form of it is missing."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from wtforms import RadioField, StringField, TextAreaField

from ...services import missing, notes
from ...services.missing import Reason
from ...study.record import MISSING
from .desk import Desk, perform
from .forms import DATE_HINT, ActForm, DayField, EditionForm, options
from .people import act_of, found


class NoteForm(ActForm):
    on = DayField("About which day", description=DATE_HINT)
    text = TextAreaField("Note", description="Read by everybody who sees this page. No names.")


class WithdrawNoteForm(ActForm):
    reason = StringField("Why is it withdrawn", description="For example: about somebody else.")


class IntentionForm(EditionForm):
    text = TextAreaField(
        "Intention", description="In the person's own words. It stands on page one of their PDF."
    )


class ReasonForm(EditionForm):
    reason = RadioField("Why", choices=options(*((r, r.capitalize()) for r in MISSING)))
    note = StringField("Note", description="If the word does not say it all. No names.")


def note(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    form = NoteForm(data={"on": desk.now.date().isoformat()})
    will = ["Stands in the timeline of this course. It can be withdrawn, never changed."]

    def do() -> str:
        notes.add_note(desk.site, code, number, form.text.data or "", form.on.day, **desk.by)
        return f"The note on {code} is kept."

    return perform(act_of(view, course, "Write a note", "Keep the note", will, "on"), form, do)


def withdraw_note(desk: Desk, code: str, number: int, note_id: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    text = notes.note_text(desk.site, code, number, note_id)
    will = [
        f"Takes this note off the page: “{text}”",
        "The trail keeps it, with who withdrew it and why.",
    ]
    form = WithdrawNoteForm()

    def do() -> str:
        why = form.reason.data or ""
        notes.withdraw_note(desk.site, code, number, note_id, why, **desk.by)
        return f"The note on {code} is withdrawn."

    act = act_of(view, course, "Withdraw a note", "Withdraw the note", will, "on")
    return perform(act, form, do)


def intention(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    known = notes.intention(desk.site, code, number)
    form = IntentionForm(data={"text": known.text, "edition": str(known.edition)})
    will = ["What stood before stays in the trail. Empty it to take it off the record."]

    def do() -> str:
        text = form.text.data or ""
        with form.going_on() as edition:
            changed = notes.set_intention(desk.site, code, number, text, edition, **desk.by)
        return f"The intention of {code} is kept." if changed else "Nothing was changed."

    return perform(act_of(view, course, "Intention", "Keep the intention", will), form, do)


def missing_reason(desk: Desk, code: str, number: int, timepoint: str) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    known = missing.missing_reason(desk.site, code, number, timepoint, desk.now)
    form = ReasonForm(
        data={"reason": known.reason, "note": known.note, "edition": str(known.edition)}
    )
    will = [
        f"Says why “{known.label}” was not answered, for the retreat's report and the export.",
        "It changes nothing in what is asked: to end messages, use “Stop or pause”.",
    ]

    def do() -> str:
        reason, note = form.reason.data or "", form.note.data or ""
        with form.going_on() as edition:
            new = Reason(known.label, reason, note, edition)
            missing.record_reason(desk.site, code, number, timepoint, new, **desk.by)
        return f"{known.label} of {code}: {reason}."

    heading = "Missing form"
    return perform(act_of(view, course, heading, "Save the reason", will), form, do)
