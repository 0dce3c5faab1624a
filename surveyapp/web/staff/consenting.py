"""Consent: recording and withdrawing it, a study's versions of the form, and who signed what."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import (
    BooleanField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput

from ...services import consent as consents
from ...services import consentforms, enrolment, overview
from ...services.consent import NewWithdrawal
from ...services.consentforms import FormLine, FormPreview, NewForm
from ...services.enrolment import ConsentDetails
from ...services.errors import InputError
from ...texts import plain_day
from .desk import Desk, perform
from .forms import DATE_HINT, ActForm, DayField, options
from .people import act_of, found

SCOPES = {
    "answers and messages": "Answers and messages: the person is asked, and reminded by e-mail",
    "answers only": "Answers only: nothing is sent",
}
ASKED = {"": None, "yes": True, "no": False}
WHAT = {
    "messages": "Messages: nothing is sent any more; answers may still be given",
    "participation": "All of taking part: nothing is sent or asked any more, and the person has "
    "left the study",
}
KEEPS = {
    "yes": "They stay, and the contacts go",
    "no": "They are removed with the contacts",
    "ask": "Each person says",
}


def _yes_or_no(label: str) -> RadioField:
    return RadioField(
        label, choices=options(("yes", "Yes"), ("no", "No"), ("", "Not asked")), default=""
    )


class ScopesField(SelectMultipleField):
    """Ticks whose words need a line each."""


class ConsentForm(ActForm):
    version = SelectField("Version that was signed", validate_choice=False)
    given_on = DayField("Consent given on", description=DATE_HINT)
    taken_by = StringField(
        "Taken by", description="Name or role of who talked about it with the person."
    )
    scope = RadioField("What it covers")
    keep_for_research = _yes_or_no("May the data be kept for further research?")
    contact_after = _yes_or_no("May the person be contacted after the study?")
    own = ScopesField(
        "Agreed to besides",
        description="Tick what was agreed to; the rest counts as no.",
        option_widget=CheckboxInput(),
        validate_choice=False,
    )

    def details(self, offered: Sequence[FormLine]) -> ConsentDetails:
        version = self.version.data or "" if offered else ""
        form = next((f for f in offered if f.version == version), None)
        ticked = {key.partition("/")[2] for key in self.own.data or ()} if offered else set[str]()
        own = {name: name in ticked for name, _ in form.own_scopes} if form else {}
        return ConsentDetails(
            version=version,
            taken_by=self.taken_by.data or "",
            keep_for_research=ASKED.get(self.keep_for_research.data or ""),
            contact_after=ASKED.get(self.contact_after.data or ""),
            own=own,
        )


class WithdrawalForm(ActForm):
    what = RadioField("What is withdrawn", choices=options(*WHAT.items()))
    on = DayField("Withdrawn on", description="Empty: today. " + DATE_HINT)
    told_by = StringField(
        "Told by", description="For example the person, by phone; or a relative. Not a name."
    )
    note = StringField("Note", description="If there is more to know.")


class PublishForm(ActForm):
    version = StringField("Version", description="As it stands on the form, for example 2.1.")
    dated = DayField("Date of the form", description=DATE_HINT)
    reference = StringField("Approval", description="The ethics board's reference, if any.")
    keeps_data = RadioField(
        "What it says about data of people who leave or are erased",
        choices=options(*KEEPS.items()),
        default="yes",
    )
    own_scopes = TextAreaField(
        "Scopes of its own",
        description="One a line: an id, a colon and the words. For example “quotes: may be quoted "
        "without a name”. Further research and contact after the study are always offered.",
    )
    anew = BooleanField("Whoever signed an earlier version must sign this one")
    anew_from = DayField("From when", description="If it must be signed anew. " + DATE_HINT)

    @property
    def new(self) -> NewForm:
        return NewForm(
            version=self.version.data or "",
            dated=self.dated.day,
            reference=self.reference.data or "",
            keeps_data=self.keeps_data.data or "",
            own_scopes=self.own_scopes.data or "",
            anew=bool(self.anew.data),
            anew_from=self.anew_from.day,
        )


def consent(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    offered = consentforms.forms_of_course(desk.site, code, number)
    form = ConsentForm(data={"scope": course.consent_scope or "answers and messages"})
    form.scope.choices = options(*((s, SCOPES[s]) for s in enrolment.CONSENT_SCOPES))
    _offer(form, offered)
    will = ["With consent to messages, prompts go out when they are due; without it none does."]
    if course.consent_on:
        will.append(f"What was recorded before ({course.consent_scope}) stays in the trail.")

    def do() -> str:
        given_on, scope, more = form.given_on.day, form.scope.data or "", form.details(offered)
        enrolment.record_consent(desk.site, code, number, given_on, scope, more, **desk.by)
        version = f", version {more.version}" if more.version else ""
        return f"Consent of {code} is recorded: {scope}{version}."

    return perform(act_of(view, course, "Record consent", "Record consent", will), form, do)


def _offer(form: ConsentForm, offered: Sequence[FormLine]) -> None:
    """The study's versions, the newest first and chosen, and the scopes of each."""
    if not offered:
        del form.version
    else:
        form.version.choices = options(
            *((f.version, f"{f.version}, of {plain_day(f.dated)}") for f in offered)
        )
    own = [
        (f"{f.version}/{name}", f"{words} (version {f.version})" if len(offered) > 1 else words)
        for f in offered
        for name, words in f.own_scopes
    ]
    if own:
        form.own.choices = options(*own)
    else:
        del form.own


def withdraw_consent(desk: Desk, code: str, number: int) -> ResponseReturnValue:
    view, course = found(desk, code, number)
    form = WithdrawalForm()
    will = [
        "In force at once: nothing is sent to this person for this course from then on.",
        "What was answered stays. Erasing it is another act, and goes by what the form says.",
        "Taking part no more also records that the person left the study. Both stand until new "
        "consent is recorded.",
    ]

    def do() -> str:
        new = NewWithdrawal(
            form.what.data or "", form.on.day, form.told_by.data or "", form.note.data or ""
        )
        in_hand = consents.withdraw(desk.site, code, number, new, **desk.by)
        note = " One message was being handed over just then." if in_hand else ""
        return f"It is recorded that {code} withdrew consent.{note}"

    act = act_of(view, course, "Withdraw consent", "Record the withdrawal", will)
    return perform(dataclasses.replace(act, grave=True), form, do)


def consent_forms(desk: Desk, study_id: int) -> ResponseReturnValue:
    """The versions, and publishing the next after a preview."""
    form = PublishForm()
    if not form.is_submitted():
        return _forms_page(desk, study_id, form)
    step = request.form.get("sure")
    if not form.validate():
        return _forms_page(desk, study_id, form), 400
    try:
        if step == "yes":
            version = consentforms.publish(desk.site, study_id, form.new, **desk.by)
            flash(f"Version {version} of the consent form is published.")
            return redirect(url_for("staff.consent_forms", study_id=study_id), 303)
        told = consentforms.look(desk.site, study_id, form.new, desk.now)
    except InputError as error:
        form.take(error.problems)
        return _forms_page(desk, study_id, form), 400
    return _forms_page(desk, study_id, form, told if step == "look" else None)


def _forms_page(
    desk: Desk, study_id: int, form: PublishForm, told: FormPreview | None = None
) -> str:
    view = overview.study_view(desk.site, study_id)
    keeps: Mapping[str, str] = KEEPS
    return render_template(
        "staff/consent-forms.html",
        here="studies",
        study=view,
        practice=view.practice,
        form=form,
        told=told,
        keeps=keeps,
        versions=consentforms.forms(desk.site, study_id),
    )


def signed_list(desk: Desk, retreat_id: int) -> ResponseReturnValue:
    """Who of a retreat signed what; it prints."""
    view = consents.signed_list(desk.site, retreat_id, desk.now)
    return render_template(
        "staff/signed-list.html",
        here="retreats",
        retreat_id=retreat_id,
        signed=view,
        practice=view.practice,
        as_of=desk.now,
    )
