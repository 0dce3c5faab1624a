"""How a person is reached: contacts, language and time zone."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from wtforms import RadioField, SelectField, StringField

from ...services import personal, reaching, scope
from ...services.reaching import CHANNELS, Contacts
from ...texts import LANGUAGES
from .desk import Desk, perform
from .forms import StoodForm, options
from .people import act_of


class ContactForm(StoodForm):
    email = StringField(
        "E-mail", description="Two people may share an address. Empty: it is removed."
    )
    phone = StringField(
        "Phone", description="For texts, with its country: +31 6 12345678. Empty: it is removed."
    )
    channels = RadioField("Messages by", choices=options(*CHANNELS.items()))


class LanguageForm(StoodForm):
    language = SelectField("Language", choices=options(*LANGUAGES))
    time_zone = StringField("Time zone", description="For example Europe/Amsterdam.")


def contact(desk: Desk, code: str) -> ResponseReturnValue:
    view = personal.person_view(desk.site, code, desk.now)
    known = reaching.contacts_of(desk.site, code)
    form = ContactForm(vars(known))
    will = [
        "Later messages go here. Those that were held are looked at again at once.",
        "A contact that was refused is used again once it is saved.",
        "If somebody else has the same one, both are asked for a PIN from then on.",
    ]
    if view.practice:
        will.append("Practice: messages go to staff addresses and test contacts only.")

    def do() -> str:
        wish = Contacts(form.email.data or "", form.phone.data or "", form.channels.data or "")
        asked = reaching.set_contacts(desk.site, code, wish, **desk.by)
        shared = f" It is shared, so {who(desk, asked)} are asked for a PIN." if asked else ""
        return f"The contact of {code} is saved.{shared}"

    return perform(act_of(view, None, "Change the contact", "Save the contact", will), form, do)


def who(desk: Desk, codes: list[str]) -> str:
    """People by their codes, but those of other retreats unnamed."""
    own = scope.within(desk.site, codes, desk.scope)
    return " and ".join(own if len(own) == len(codes) else [*own, "others"])


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
