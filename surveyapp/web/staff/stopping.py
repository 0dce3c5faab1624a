"""Stopping, from the staff side: pause, end, undo, and a person's quiet hours."""

from __future__ import annotations

from dataclasses import replace

from flask.typing import ResponseReturnValue
from wtforms import BooleanField, RadioField, StringField

from ...services import personal, stopping
from ...services.errors import NotFoundError
from ...services.stopping import NewStop
from ...texts import day
from .desk import Desk, perform
from .forms import DATE_HINT, ActForm, DayField, StoodForm, TimeField, options
from .people import act_of, found

KINDS = {
    "paused": "Pause messages until a day",
    "messages stopped": "Stop messages. The person stays in the study and can still answer",
    "treatment stopped": "Stops treatment. Follow-up goes on, with its messages",
    "left the study": "Leaves the study. Nothing more is asked in this course",
    "lost to follow-up": "Lost to follow-up. Nothing more is sent; what is not answered is missed",
    "died": "Died. Nothing more is sent or expected, in any course",
}
NOT_CALLED_BACK = (
    "It holds at once, also for a message that the worker has already taken up. "
    "What the mail server already has cannot be called back."
)


class StopForm(ActForm):
    kind = RadioField("What happened", choices=options(*KINDS.items()))
    since = DayField("Since", description="Empty: today. " + DATE_HINT)
    until = DayField("Messages again from", description="For a pause. " + DATE_HINT)
    reason = StringField(
        "Why", description="Needed for the end of treatment, of the study, or of contact."
    )
    drop_contacts = BooleanField(
        "If they leave the study or died: remove the contact details and the PIN now"
    )


class UndoForm(ActForm):
    reason = StringField("Why is it undone")


class QuietForm(StoodForm):
    start = TimeField("From", description="Local time, for example 18:00. Both empty: none.")
    end = TimeField("Until", description="For example 10:00. May span midnight.")


def stop(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    form = StopForm(data={"drop_contacts": True})
    will = [
        NOT_CALLED_BACK,
        "Answers that were given stay. It can be undone, with a reason; contact details that were "
        "removed do not come back.",
    ]

    def do() -> str:
        wish = NewStop(form.kind.data or "", form.since.day, form.until.day, form.reason.data or "")
        wish = replace(wish, drop_contacts=bool(form.drop_contacts.data))
        in_hand = stopping.record_stop(desk.site, code, number, wish, **desk.by)
        until = f" until {day(wish.until)}" if wish.until else ""
        late = f" {in_hand} {'message was' if in_hand == 1 else 'messages were'} just being sent."
        return f"On record for {code}: {wish.kind}{until}.{late if in_hand else ''}"

    heading = "Stop or pause"
    act = act_of(view, course, heading, "Record this", will, "for")
    return perform(replace(act, grave=True), form, do)


def undo_stop(desk: Desk, code: str, number: int, stop_id: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    line = next((s for s in course.stops if s.id == stop_id), None)
    if line is None:
        raise NotFoundError("There is nothing to undo: it was undone already.")
    form = UndoForm()
    will = [
        f"“{line.kind.capitalize()}”, since {day(line.since)}, holds no more. The trail keeps it.",
        "Messages that are due go out again: of several that were missed, the newest only.",
    ]

    def do() -> str:
        stopping.undo_stop(desk.site, code, stop_id, form.reason.data or "", **desk.by)
        return f"Undone for {code}: {line.kind}."

    heading = f"Undo “{line.kind}”"
    return perform(act_of(view, course, heading, "Undo it", will, "for"), form, do)


def quiet_hours(desk: Desk, code: str) -> ResponseReturnValue:
    view = personal.person_view(desk.site, code, desk.now)
    start, _, end = view.quiet.partition(" to ")
    form = QuietForm({"start": start, "end": end})
    will = [
        "Nothing is sent at these hours, nor at night from 20:00 to 08:00.",
        "A message planned for them goes out afterwards, on the same day. If the day has no hour "
        "left after them, it goes out before them.",
        "Somebody who is answering is never cut off.",
    ]

    def do() -> str:
        stopping.set_quiet_hours(desk.site, code, form.start.time, form.end.time, **desk.by)
        return f"The quiet hours of {code} are {'saved' if form.start.time else 'removed'}."

    return perform(act_of(view, None, "Quiet hours", "Save the quiet hours", will), form, do)
