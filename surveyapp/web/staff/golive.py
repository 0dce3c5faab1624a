"""From practice to live: starting a study, its languages, its checklist, and going live."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput

from ...services import enrolment, golive, overview
from ...texts import LANGUAGES
from .desk import Act, Desk, perform
from .forms import ActForm, options


class StartForm(ActForm):
    protocol = SelectField("Protocol")


class LanguagesForm(ActForm):
    languages = SelectMultipleField(
        "Languages", choices=options(*LANGUAGES), option_widget=CheckboxInput()
    )


class LiveForm(ActForm):
    title = StringField("Name of the live study", description="As staff and lists will call it.")
    again = StringField("The same name once more", description="So that nobody does it by a slip.")


def start(desk: Desk) -> ResponseReturnValue:
    """A practice study, before there is any retreat."""
    form = StartForm(data={"protocol": enrolment.DEFAULT_PROTOCOL})
    protocols = desk.site.library.protocols.values()
    form.protocol.choices = options(*((p.id, p.label) for p in protocols))
    made: list[int] = []

    def do() -> str:
        made.append(golive.start_study(desk.site, form.protocol.data or "", **desk.by))
        return "The practice study is there. Say next what participants are told."

    act = Act(
        heading="Start a study",
        button="Start it",
        back=url_for("staff.studies"),
        back_words="Study",
        will=["Makes the protocol's practice study. Going live comes later, from its checklist."],
        practice=True,
        more={"here": "studies"},
    )
    response = perform(act, form, do)
    return redirect(url_for("staff.study", study_id=made[0]), 303) if made else response


def languages(desk: Desk, study_id: int) -> ResponseReturnValue:
    view = overview.study_view(desk.site, study_id)
    found = golive.checklist(desk.site, study_id, desk.health(), desk.now)
    form = LanguagesForm(data={"languages": list(found.languages)})

    def do() -> str:
        golive.limit_languages(desk.site, study_id, form.languages.data or [], **desk.by)
        return "The languages are saved."

    act = Act(
        heading=f"Languages of {view.title}",
        button="Save the languages",
        back=url_for("staff.go_live", study_id=study_id),
        back_words="Going live",
        will=["Participants may choose among these on their pages.", "Messages follow them."],
        practice=view.practice,
        more={"here": "studies"},
    )
    return perform(act, form, do)


def go_live(desk: Desk, study_id: int) -> ResponseReturnValue:
    """The checklist; where nothing is missing, the act."""
    found = golive.checklist(desk.site, study_id, desk.health(), desk.now)
    form = LiveForm()
    made: list[int] = []

    def do() -> str:
        title, again = form.title.data or "", form.again.data or ""
        health = desk.health()
        made.append(golive.go_live(desk.site, study_id, title, again, health, **desk.by))
        return f"{' '.join(title.split())} is live. Add its first retreat, and choose it there."

    act = Act(
        heading="Going live" if not found.live else "Still in order",
        button="Go live",
        back=url_for("staff.study", study_id=study_id),
        back_words=found.title,
        practice=not found.live,
        template="staff/go-live.html",
        more={"here": "studies", "found": found},
    )
    response = perform(act, form, do)
    return redirect(url_for("staff.study", study_id=made[0]), 303) if made else response
