"""What messages say: the list of texts, and the page that changes one, previews and tests it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField

from ...delivery.email import SmtpMailer
from ...delivery.message import PLACEHOLDERS
from ...services import messagetexts
from ...services.errors import InputError
from ...services.messagetexts import Shown
from ...store.messagetexts import Key
from ...texts import LANGUAGES
from ..security import signed_in
from .desk import Desk
from .forms import ActForm

CHANNELS = {"email": "E-mail", "sms": "SMS"}
KINDS = {"invitation": "Invitation", "reminder": "Reminder"}


class TextForm(ActForm):
    subject = StringField("Subject", description="Of an e-mail. Neutral: others may see it.")
    body = TextAreaField(
        "Text",
        description="Plain words. Placeholders: "
        + ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        + ". In an e-mail {link} stands on a line of its own and becomes the button.",
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
    user = signed_in()
    if what == "test" and key[0] == "email" and user is not None:
        message = messagetexts.test_message(desk.site, key, own, user.email, desk.now)
        outcome = SmtpMailer(desk.site.settings.smtp_url).send(message, user.email)
        flash(f"Test to {user.email}: {outcome.detail}. The text was not saved yet.")
    return ""


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
        language=language,
    )
