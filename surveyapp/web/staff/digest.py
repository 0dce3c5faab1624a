"""The daily digest by mail of whoever is signed in: the wish, how it reads now, and one at once."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, StringField, TextAreaField

from ...delivery.email import SmtpMailer
from ...services import digest_messages
from ...services.digest import DigestView, Wish, digest_view, save
from ...services.errors import InputError
from .desk import Desk, account_id
from .forms import ActForm, TimeField


class DigestForm(ActForm):
    wanted = BooleanField("Send it every day")
    at = TimeField("Time", description="Not before it, and not after that day. For example 08:00.")
    time_zone = StringField(
        "Time zone", description="Whose days and hours count, for example Europe/Amsterdam."
    )
    addresses = TextAreaField(
        "Addresses", description="One a line: yours, a colleague's, or a shared mailbox."
    )
    when_quiet = BooleanField("Also when nothing is to do")


def digest(desk: Desk) -> ResponseReturnValue:
    """Save, or send one now: each a button of one form, which the second leaves as it was typed."""
    view = digest_view(desk.site, account_id(), desk.now)
    form = DigestForm(data={**vars(view.wish), "at": f"{view.wish.at:%H:%M}"})
    if not form.is_submitted():
        return _page(view, form)
    if not form.validate():
        return _page(view, form), 400
    at_once = request.form.get("do") == "now"
    try:
        flash(_send(desk) if at_once else _save(desk, form))
    except InputError as error:
        form.take(error.problems)
        return _page(view, form), 400
    return _page(view, form) if at_once else redirect(url_for("staff.digest"), 303)


def _send(desk: Desk) -> str:
    mailer = SmtpMailer(desk.site.settings.smtp_url)
    return digest_messages.send_now(desk.site, mailer, account_id(), **desk.by)


def _save(desk: Desk, form: DigestForm) -> str:
    """The sentence that says what was done. Raises InputError."""
    wish = Wish(
        wanted=bool(form.wanted.data),
        at=form.at.time,
        time_zone=form.time_zone.data or "",
        addresses=form.addresses.data or "",
        when_quiet=bool(form.when_quiet.data),
    )
    save(desk.site, account_id(), wish, **desk.by)
    return "Saved. It goes out every day." if wish.wanted else "Saved. It is off."


def _page(view: DigestView, form: DigestForm) -> str:
    return render_template(
        "staff/digest.html", here="today", practice=view.practice, form=form, view=view
    )
