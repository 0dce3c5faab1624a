"""How a person is reached: contacts, language and time zone."""

from __future__ import annotations

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, RadioField, SelectField, StringField

from ...services import personal, reaching, scope
from ...services.reaching import CHANNELS, Contacts
from ...texts import LANGUAGES
from .desk import Desk, perform, show
from .forms import ActForm, StoodForm, options
from .people import act_of

SHOWN = ("E-mail", "Phone")


class ContactForm(StoodForm):
    """What is on record is not shown here: a field is for another contact."""

    email = StringField("E-mail")
    no_email = BooleanField("Remove the e-mail address")
    phone = StringField("Phone")
    no_phone = BooleanField("Remove the phone number")
    channels = RadioField("Messages by", choices=options(*CHANNELS.items()))


class LanguageForm(StoodForm):
    language = SelectField("Language", choices=options(*LANGUAGES))
    time_zone = StringField("Time zone", description="For example Europe/Amsterdam.")


def contact(desk: Desk, code: str) -> ResponseReturnValue:
    view = personal.person_view(desk.site, code, desk.now)
    form = _contact_form(desk, code)
    will = [
        "Later messages go here. Those that were held are looked at again at once.",
        "A contact that was refused is used again once it is saved.",
        "If somebody else has the same one, both are asked for a PIN from then on.",
    ]
    if view.practice:
        will.append("Practice: messages go to staff addresses and test contacts only.")

    def do() -> str:
        email = _wished(form.email.data, removed="no_email" in form and form.no_email.data)
        phone = _wished(form.phone.data, removed="no_phone" in form and form.no_phone.data)
        wish = Contacts(email, phone, form.channels.data or "")
        asked = reaching.set_contacts(desk.site, code, wish, **desk.by)
        shared = f" It is shared, so {who(desk, asked)} are asked for a PIN." if asked else ""
        return f"The contact of {code} is saved.{shared}"

    return perform(act_of(view, None, "Change the contact", "Save the contact", will), form, do)


def who(desk: Desk, codes: list[str]) -> str:
    """People by their codes, but those of other retreats unnamed."""
    own = scope.within(desk.site, codes, desk.scope)
    return " and ".join(own if len(own) == len(codes) else [*own, "others"])


def _contact_form(desk: Desk, code: str) -> ContactForm:
    """Nothing of the contacts themselves goes into the page, and still the form knows whether
    somebody else changed them meanwhile."""
    known, shown = reaching.contacts_of(desk.site, code), reaching.masked_contacts(desk.site, code)
    form = ContactForm(
        {"channels": known.channels},
        {"On record": ", ".join(filter(None, (shown.email, shown.phone))) or "no contact"},
        {"email": known.email, "phone": known.phone},
    )
    kept = "On record: {}. Empty: it stays."
    form.email.description = "Two people may share an address. " + kept.format(
        shown.email or "none"
    )
    form.phone.description = "For texts, with its country: +31 6 12345678. " + kept.format(
        shown.phone or "none"
    )
    if not known.email:
        del form.no_email
    if not known.phone:
        del form.no_phone
    return form


def _wished(typed: str | None, *, removed: bool) -> str | None:
    """None where the contact stays as it is."""
    return (typed or "").strip() or ("" if removed else None)


def show_contact(desk: Desk, code: str) -> ResponseReturnValue:
    """The contacts themselves, once, on the answer to a POST; the look is on record."""
    view = personal.person_view(desk.site, code, desk.now)
    form = ActForm()
    act = act_of(view, None, "Show the contact", "Show it", ["The trail notes that you looked."])
    if not form.is_submitted() or not form.validate():
        return show(act, form), 400 if form.is_submitted() else 200
    known = reaching.show_contacts(desk.site, code, **desk.by)
    told = "; ".join(
        f"{n}: {v}" for n, v in zip(SHOWN, (known.email, known.phone), strict=True) if v
    )
    return render_template(
        "staff/notice.html",
        heading=f"Contact of {code}",
        sentence=f"{told or 'There is none on record, or none that can be read'}. "
        "This look is on record. Leave the page when you are done.",
        signed_in=True,
        here="people",
        back=url_for("staff.person", code=view.code),
        back_words=f"Back to {view.code}",
    )


def language_and_zone(desk: Desk, code: str) -> ResponseReturnValue:
    view = personal.person_view(desk.site, code, desk.now)
    form = LanguageForm({"language": view.language, "time_zone": view.zone})
    will = [
        "Pages and messages are in this language from now on.",
        "Windows and messages follow this zone from the next message on; none goes twice.",
    ]

    def do() -> str:
        language, zone = form.language.data or "", form.time_zone.data or ""
        reaching.set_language_and_zone(desk.site, code, language, zone, **desk.by)
        return f"Language and time zone of {code} are saved."

    return perform(act_of(view, None, "Language and time zone", "Save", will), form, do)
