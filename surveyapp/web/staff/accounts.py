"""Accounts: who signs in and what they may do; for admins alone."""

from __future__ import annotations

from dataclasses import replace

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from ...delivery.email import SmtpMailer
from ...services import colleagues, second_factor
from ...services.colleagues import ColleagueView, Invited
from ...services.errors import InputError
from .. import security
from .account_forms import RightsForm, invite_form, rights_form
from .desk import Act, Desk, perform, show
from .forms import ActForm

SHOW = "Show what would change"


def accounts(desk: Desk) -> ResponseReturnValue:
    """Every account, and the ways to change it."""
    _admins_only()
    found = colleagues.listed(desk.site, desk.now)
    return render_template("staff/accounts.html", here="system", accounts=found, me=_me())


def invite(desk: Desk) -> ResponseReturnValue:
    _admins_only()
    form = invite_form(colleagues.retreats(desk.site))
    if form.is_submitted() and form.validate():
        mailer = SmtpMailer(desk.site.settings.smtp_url)
        try:
            email, wish = form.email.data or "", form.wish()
            return _invited(colleagues.invite(desk.site, email, wish, mailer, **desk.by))
        except InputError as error:
            form.take(error.problems)
    will = [
        "Makes the account and a link that sets its password, once, within seven days.",
        "The link is mailed if the mail server takes it, and shown to you once.",
    ]
    page = show(_act("Invite a colleague", "Invite", will), form)
    return (page, 400) if form.is_submitted() else page


def invite_again(desk: Desk, account_id: int) -> ResponseReturnValue:
    view, form = _view(desk, account_id), ActForm()
    if form.is_submitted() and form.validate():
        mailer = SmtpMailer(desk.site.settings.smtp_url)
        try:
            return _invited(colleagues.invite_again(desk.site, account_id, mailer, **desk.by))
        except InputError as error:
            form.take(error.problems)
    will = ["Makes a new link; the one from before ends.", "It is mailed, and shown to you once."]
    if view.has_password:
        will.append("The password stays as it is until the link is used.")
    page = show(_act(f"Send {view.email} a new link", "Send it", will), form)
    return (page, 400) if form.is_submitted() else page


def _invited(found: Invited) -> str:
    return render_template("staff/invited.html", here="system", invited=found)


def colleague(desk: Desk, account_id: int) -> ResponseReturnValue:
    """Roles and retreats: first what would change, then the change."""
    view = _view(desk, account_id)
    form = rights_form(view.wish, _words(view), colleagues.retreats(desk.site))
    will = ["First you are shown what would change."]
    act = _act(f"What {view.email} may do", SHOW, will)
    if not form.is_submitted():
        return show(act, form)
    if not form.validate():
        form.seen.data = ""
        return show(act, form), 400
    try:
        return _in_two_steps(desk, view, act, form)
    except InputError as error:
        form.seen.data = ""
        form.take(error.problems)
        return show(act, form), 400


def _in_two_steps(
    desk: Desk, view: ColleagueView, act: Act, form: RightsForm
) -> ResponseReturnValue:
    """Raises InputError."""
    wish, by = form.wish(), desk.by
    told = colleagues.preview(desk.site, view.id, wish, actor=by["actor"])
    if form.seen.data == told.digest:
        colleagues.change(desk.site, view.id, wish, told.digest, **by)
        flash(f"Changed: {view.email}.")
        return redirect(act.back, 303)
    form.seen.data = told.digest
    sentences = [*(told.sentences or ["Nothing changes."]), "Nothing was changed yet."]
    return show(replace(act, button="Change it", will=sentences), form)


def _words(view: ColleagueView) -> dict[str, str]:
    names = "every retreat" if view.wish.all_retreats else ", ".join(view.retreats) or "none"
    return {"Roles": view.roles or "none", "Retreats": names}


def colleague_active(desk: Desk, account_id: int) -> ResponseReturnValue:
    view = _view(desk, account_id)

    def do() -> str:
        colleagues.set_active(desk.site, account_id, active=not view.active, **desk.by)
        return f"{view.email} {'is deactivated' if view.active else 'may sign in again'}."

    if view.active:
        will = ["Ends every sign-in of this account and its links; nobody can sign in with it."]
        act = _act(f"Deactivate {view.email}", "Deactivate", [*will, "It can be undone."])
        return perform(replace(act, grave=True), ActForm(), do)
    will = ["The password and the roles are as they were."]
    return perform(_act(f"Reactivate {view.email}", "Reactivate", will), ActForm(), do)


def remove_factor(desk: Desk, account_id: int) -> ResponseReturnValue:
    view = _view(desk, account_id)

    def do() -> str:
        second_factor.remove(desk.site, account_id, **desk.by)
        return f"{view.email} has no second factor now, and is told so by mail."

    if not view.has_factor:
        return redirect(url_for("staff.accounts"), 303)
    will = [
        "From now on the password alone signs in, until a second factor is set up again.",
        "They are told by mail. Be sure that it is they who asked you.",
    ]
    act = _act(f"Take the second factor of {view.email} away", "Take it away", will)
    return perform(replace(act, grave=True), ActForm(), do)


def _view(desk: Desk, account_id: int) -> ColleagueView:
    _admins_only()
    return colleagues.colleague(desk.site, account_id, desk.now)


def _admins_only() -> None:
    if not security.rights().may("admin"):
        abort(403)


def _me() -> int:
    user = security.signed_in()
    return user.id if user else 0


def _act(heading: str, button: str, will: list[str]) -> Act:
    back = url_for("staff.accounts")
    return Act(heading, button, back, "Accounts", will, more={"here": "system"})
