"""Sending: hold all messages, and let them go again once it is known what happened."""

from __future__ import annotations

from dataclasses import replace

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, RadioField, StringField

from ...services import instance
from ...services.instance import Held
from ...texts import moment
from .desk import Act, Desk, perform
from .forms import ActForm, options

HOLD = (
    "Nothing is sent to anybody until somebody lets messages go again here.",
    "It holds at once, also for messages that the worker has taken up. People can go on answering.",
)


# Both forms stand at one address; a page that somebody kept open must not do the other's act.
HOLDING, RESUMING = "hold", "resume"
DONE_ALREADY = {
    HOLDING: "Messages go out already, so nothing was changed.",
    RESUMING: "All messages are held already, so nothing was changed.",
}


class HoldForm(ActForm):
    meant = HiddenField(default=HOLDING)
    reason = StringField("Why")


class ResumeForm(ActForm):
    meant = HiddenField(default=RESUMING)
    what = RadioField(
        "What is due by now",
        choices=options(
            ("send", "Send it: of several missed messages each person gets the newest only"),
            ("skip", "Do not send it: it went out already, or comes too late"),
        ),
        default="send",
    )
    reason = StringField(
        "What happened", description="For example: restored Monday's backup, 14 hours were lost."
    )


def sending(desk: Desk) -> ResponseReturnValue:
    held = instance.held(desk.site, desk.now)
    possible = HOLDING if held is None else RESUMING
    if request.method == "POST" and request.form.get("meant") != possible:
        flash(DONE_ALREADY[possible])
        return redirect(url_for("staff.sending"), 303)
    return _hold(desk) if held is None else _resume(desk, held)


def _act(heading: str, button: str, will: list[str]) -> Act:
    back = url_for("staff.today")
    return Act(heading, button, back, "Today", will, more={"here": "today"})


def _hold(desk: Desk) -> ResponseReturnValue:
    form = HoldForm()

    def do() -> str:
        instance.hold(desk.site, instance.BY_HAND, form.reason.data or "", **desk.by)
        return "All messages are held."

    act = _act("Hold all messages", "Hold all messages", [*HOLD])
    return perform(replace(act, grave=True), form, do)


def _resume(desk: Desk, held: Held) -> ResponseReturnValue:
    form = ResumeForm()
    since = f", since {moment(held.since)} UTC" if held.since else ""
    will = [f"Messages are held{since}: {held.why}.", *_advice(held)]
    people = "1 course has" if held.due == 1 else f"{held.due} courses have"
    will.append(f"{people} something that is due by now. Later messages go when they are due.")

    def do() -> str:
        skip = form.what.data == "skip"
        instance.resume(desk.site, form.reason.data or "", skip_due=skip, **desk.by)
        return "Messages go out again." + (" What was due by now was left out." if skip else "")

    return perform(_act("Let messages go again", "Let messages go again", will), form, do)


def _advice(held: Held) -> list[str]:
    if held.kind == instance.RESTORED:
        return [
            "A restored backup does not know what was sent, answered, stopped or moved after it "
            "was made. Ask first: did anybody die, leave or stop messages since? Put that in, then "
            "come back here."
        ]
    if held.kind == instance.CLOCK:
        return [
            "If the clock is wrong, have it set: messages then go out again by themselves. "
            "Confirm here only if the clock is right now."
        ]
    return []
