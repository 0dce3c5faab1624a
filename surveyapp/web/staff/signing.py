"""Signing in and out, the code after the password, and the one-time link that sets a password."""

from __future__ import annotations

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import accounts, second_factor, signing_in
from ...services.accounts import Account
from ...services.errors import GoneError, InputError
from ...services.second_factor import WRONG_CODE
from ...services.signing_in import Passed
from ...services.tries import TooManyTriesError
from .. import carrying, security
from ..gently import Gently
from .account_forms import CodeForm, NextForm, SignInForm
from .desk import Desk
from .forms import ActForm, WelcomeForm

TOO_LONG = "That took too long. Please begin again."
CARRIED = "You were signed out. Sign in again: what you typed is kept, and shown to you afterwards."
_links = Gently()


def sign_in(desk: Desk) -> ResponseReturnValue:
    if security.signed_in() is not None:
        return redirect(url_for("staff.today"), 303)
    form = SignInForm.wanted()
    if carried := g.get("carried"):
        form = SignInForm(formdata=None)
        form.carried.data = carried
        return _sign_in_page(form, CARRIED)
    if not form.is_submitted():
        return _sign_in_page(form)
    if not form.validate():
        stale = security.refused() or "csrf_token" in form.errors
        return _sign_in_page(form, security.STALE if stale else security.WRONG), 400
    email, password = form.email.data or "", form.password.data or ""
    try:
        now = security.gate().wall()
        found = signing_in.check(desk.site, email, password, security.here(), now)
    except TooManyTriesError as error:
        return _wait(_sign_in_page(form, str(error)), error)
    if found is None:
        return _sign_in_page(form, security.WRONG), 400
    return _go_on(desk, found, form)


def _go_on(desk: Desk, found: Passed, form: NextForm) -> ResponseReturnValue:
    """To what was wanted, or to the code first."""
    if not found.needs_code:
        return _opened(desk, found.account, form)
    wanted = form.next.data or None
    security.begin_half(found.account)
    if not form.carried.data:
        return redirect(url_for("staff.code", next=wanted), 303)
    step = CodeForm(formdata=None)
    step.carried.data = form.carried.data
    return _code_page(step)


def _opened(desk: Desk, account: Account, form: NextForm) -> ResponseReturnValue:
    wanted = form.next.data
    security.sign_in(account)
    carried = carrying.unseal(desk.site, form.carried.data or "", account.id)
    if carried is None:
        return redirect(security.next_page(wanted), 303)
    return render_template("staff/go-on.html", carried=carried)


def _sign_in_page(form: SignInForm, wrong: str = "") -> str:
    return render_template("staff/sign-in.html", form=form, wrong=wrong)


def code(desk: Desk) -> ResponseReturnValue:
    """The second step; it opens nothing before the code was right."""
    account = security.half_way()
    if account is None:
        flash(TOO_LONG)
        return redirect(url_for("staff.sign_in", next=request.args.get("next")), 303)
    form = CodeForm.wanted()
    if not form.is_submitted():
        return _code_page(form)
    if not form.validate():
        return _code_page(form, security.STALE), 400
    try:
        now = security.gate().wall()
        right = second_factor.check(desk.site, account, form.code.data or "", security.here(), now)
    except TooManyTriesError as error:
        return _wait(_code_page(form, str(error)), error)
    if not right:
        return _code_page(form, WRONG_CODE), 400
    return _opened(desk, account, form)


def _code_page(form: CodeForm, wrong: str = "") -> str:
    return render_template("staff/code.html", form=form, wrong=wrong)


def _wait(page: str, error: TooManyTriesError) -> ResponseReturnValue:
    return page, 429, {"Retry-After": str(error.seconds)}


def sign_out(desk: Desk) -> ResponseReturnValue:
    del desk
    if ActForm().validate():
        security.leave()
        flash("You are signed out.")
    return redirect(url_for("staff.sign_in"), 303)


def welcome(desk: Desk, token: str) -> ResponseReturnValue:
    """GET shows whose account it is and changes nothing; POST sets the password."""
    email = _invited(desk, token)
    form = WelcomeForm()
    if form.is_submitted() and form.validate():
        if form.password.data != form.again.data:
            form.take({"again": "The two are not the same."})
        else:
            try:
                account = accounts.accept_invite(
                    desk.site, token, form.password.data or "", desk.now
                )
            except InputError as error:
                form.take(error.problems)
            else:
                answer = _go_on(desk, signing_in.passed(desk.site, account), NextForm())
                flash("Your password is set.")
                return answer
    code = 400 if request.method == "POST" else 200
    return render_template("staff/welcome.html", form=form, email=email), code


def _invited(desk: Desk, token: str) -> str:
    """Whose link it is. Raises GoneError, TooManyTriesError for a network that guesses."""
    network, now = security.here().network, security.gate().wall()
    _links.look(network, now)
    try:
        return accounts.invited_email(desk.site, token, desk.now)
    except GoneError:
        _links.was_wrong(network, now)
        raise
