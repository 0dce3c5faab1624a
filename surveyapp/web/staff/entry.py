"""PINs of people, and the tablet that is handed over at a retreat."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import overview, personal, pins
from .. import security, tablet
from .desk import Act, Desk, perform, show
from .desk import people as counted
from .forms import ActForm, PinForm, options

GIVE = (
    ("asked", "Give a PIN, also asked when a link is opened"),
    ("tablet", "Give a PIN for shared tablets only"),
)
CHANGE = (
    ("new", "Make a new PIN; the old one ends, and so do its wrong tries"),
    ("asked", "Ask for it when a link is opened"),
    ("tablet", "Stop asking when a link is opened; keep it for shared tablets"),
)


def pin(desk: Desk, code: str) -> ResponseReturnValue:
    """Give a PIN, make a new one, ask for it or stop asking."""
    view = personal.person_view(desk.site, code, desk.now)
    form = PinForm()
    form.what.choices = options(*(CHANGE if view.pin else GIVE))
    will = ["Tell the person their PIN yourself; nothing is sent.", "The trail notes it."]

    def do() -> str:
        if form.what.data == "new":
            pins.renew_pin(desk.site, code, **desk.by)
            return f"{code} has a new PIN."
        asked = form.what.data == "asked"
        pins.give_pin(desk.site, code, asked=asked, **desk.by)
        return f"{code} is asked for a PIN{'' if asked else ' on shared tablets only'}."

    act = Act(
        heading=f"PIN of {code}",
        button="Save",
        back=url_for("staff.person", code=code),
        back_words=code,
        will=will,
        practice=view.practice,
        more={"here": "people"},
    )
    return perform(act, form, do)


def show_pin(desk: Desk, code: str) -> ResponseReturnValue:
    """The PIN itself, once, on the answer to a POST; the look is on record."""
    view = personal.person_view(desk.site, code, desk.now)
    form = ActForm()
    act = Act(
        heading=f"Show the PIN of {code}",
        button="Show PIN",
        back=url_for("staff.person", code=code),
        back_words=code,
        will=["The trail notes that you looked."],
        practice=view.practice,
        more={"here": "people"},
    )
    if not form.is_submitted() or not form.validate():
        return show(act, form), 400 if form.is_submitted() else 200
    digits = pins.show_pin(desk.site, code, **desk.by)
    return render_template(
        "staff/notice.html",
        heading=f"The PIN of {code} is {digits[:3]} {digits[3:]}",
        sentence="This look is on record. Leave the page when you have told the person.",
        signed_in=True,
    )


def give_pins(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    count = pins.without_pin(desk.site, retreat_id)
    will = [
        f"Gives a PIN to {counted(count)} who have none. Those who have one keep it.",
        "It is asked on a shared tablet, not when a link is opened.",
    ]

    def do() -> str:
        return f"{counted(pins.give_everybody(desk.site, retreat_id, **desk.by))} got a PIN."

    heading = "Give everybody a PIN"
    act = _retreat_act(heading, heading, view.name, retreat_id, will, view.practice)
    return perform(act, ActForm(), do)


def hand_over(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """Make this device the retreat's tablet; whoever is signed in here is not any more."""
    view = overview.retreat_view(desk.site, retreat_id, desk.now)
    form = ActForm()
    without = pins.without_pin(desk.site, retreat_id)
    will = [
        "Signs you out on this device and shows a screen that asks for study code and PIN.",
        "Whoever is done hands it back; it asks the next person. Nobody sees what was answered.",
        "It ends by itself after twelve hours.",
    ]
    if without:
        will.append(f"{counted(without).capitalize()} here have no PIN and cannot use it yet.")
    if request.method == "POST" and form.validate():
        security.leave()
        response = redirect(url_for("handover.home"), 303)
        tablet.give_turn(desk.site, response, retreat_id, desk.now)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response
    button = "Use this tablet for answering here"
    act = _retreat_act("Use this tablet", button, view.name, retreat_id, will, view.practice)
    return show(act, form), 400 if form.is_submitted() else 200


def _retreat_act(
    heading: str, button: str, name: str, retreat_id: int, will: list[str], practice: bool
) -> Act:
    return Act(
        heading=f"{heading} · {name}",
        button=button,
        back=url_for("staff.retreat", retreat_id=retreat_id),
        back_words=name,
        will=will,
        practice=practice,
        more={"here": "retreats"},
    )
