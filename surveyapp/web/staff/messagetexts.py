"""What messages say: the list of texts, and the page that changes one, previews and tests it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField

from ...delivery.email import SmtpMailer
from ...delivery.message import PLACEHOLDERS, Own
from ...delivery.outcome import Outcome
from ...delivery.texting import Texter
from ...services import messagetexts
from ...services.addresses import masked_phone, normal_phone, phone_fault
from ...services.errors import InputError
from ...services.messagetexts import Shown
from ...store.messagetexts import Key
from ...texts import LANGUAGES
from ..security import signed_in
from .desk import Desk
from .forms import ActForm

CHANNELS = {"email": "E-mail", "sms": "SMS"}
KINDS = {"invitation": "Invitation", "reminder": "Reminder"}
NO_SMS = "Texts to phones are not set up here (SURVEYAPP_SMS_URL is empty), so none can be tested."
PLAIN = "Plain words. Placeholders: " + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS) + "."


class TextForm(ActForm):
    subject = StringField("Subject", description="Of an e-mail. Neutral: others may see it.")
    body = TextAreaField(
        "Text", description=PLAIN + " {link} stands on a line of its own and becomes the button."
    )
    phone = StringField(
        "Phone number for a test", description="With its country: +31 6 12345678. It is not kept."
    )


def message_texts(desk: Desk) -> ResponseReturnValue:
    return render_template(
        "staff/message-texts.html",
        here="studies",
        listed=messagetexts.listed(desk.site),
        channels=CHANNELS,
        kinds=KINDS,
        names=dict(LANGUAGES),
    )


def message_text(desk: Desk, channel: str, kind: str, language: str) -> ResponseReturnValue:
    """Preview, test, save, or go back to the built-in text: each a button of one form."""
    key = channel, kind, language
    own = messagetexts.stands(desk.site, key)
    begun = own or messagetexts.draft(key)
    form = TextForm(data={"subject": begun.subject, "body": begun.body})
    if channel == "sms":
        form.body.description = PLAIN
    shown = messagetexts.preview(desk.site, key, own)
    if not form.is_submitted():
        return _page(desk, key, form, shown)
    if not form.validate():
        return _page(desk, key, form, shown), 400
    subject, body = form.subject.data or "", form.body.data or ""
    try:
        done = _do(desk, key, request.form.get("do", "preview"), subject, body)
    except InputError as error:
        form.take(error.problems)
        return _page(desk, key, form, shown), 400
    if done:
        flash(done)
        return redirect(url_for("staff.message_texts"), 303)
    typed = messagetexts.checked(key, subject, body)
    return _page(desk, key, form, messagetexts.preview(desk.site, key, typed), previewed=True)


def _do(desk: Desk, key: Key, what: str, subject: str, body: str) -> str:
    """The sentence that says what was done; empty for a preview. Raises InputError."""
    if what == "built-in":
        messagetexts.use_built_in(desk.site, key, **desk.by)
        return "The built-in text stands again."
    own = messagetexts.checked(key, subject, body)
    if what == "save":
        messagetexts.save(desk.site, key, subject, body, **desk.by)
        return "Saved. Messages say it from now on."
    if what == "test":
        to, outcome = (_text_test if key[0] == "sms" else _mail_test)(desk, key, own)
        flash(f"Test to {to}: {outcome.detail}. The text was not saved yet.")
    return ""


def _mail_test(desk: Desk, key: Key, own: Own) -> tuple[str, Outcome]:
    """To whoever asks for it."""
    user = signed_in()
    assert user is not None
    message = messagetexts.test_message(desk.site, key, own, user.email, desk.now)
    return user.email, SmtpMailer(desk.site.settings.smtp_url).send(message, user.email)


def _text_test(desk: Desk, key: Key, own: Own) -> tuple[str, Outcome]:
    """To the number that was typed. Raises InputError."""
    typed, url = request.form.get("phone", "").strip(), desk.site.settings.sms_url
    if not url:
        raise InputError({"": NO_SMS})
    if fault := phone_fault(typed) if typed else "Write the number that the test goes to.":
        raise InputError({"phone": fault})
    number = normal_phone(typed)
    ready = Texter(url).offer(messagetexts.preview(desk.site, key, own).text, number)
    return masked_phone(number), ready if isinstance(ready, Outcome) else ready.finish()


def _page(desk: Desk, key: Key, form: TextForm, shown: Shown, *, previewed: bool = False) -> str:
    channel, kind, language = key
    return render_template(
        "staff/message-text.html",
        here="studies",
        heading=f"{CHANNELS[channel]}: {KINDS[kind].lower()}, {dict(LANGUAGES)[language]}",
        form=form,
        shown=shown,
        previewed=previewed,
        own=messagetexts.stands(desk.site, key) is not None,
        is_email=channel == "email",
        no_sms="" if desk.site.settings.sms_url else NO_SMS,
        language=language,
    )
