"""Signing in and out, the code after the password, and the one-time link that sets a password."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import accounts, second_factor, signing_in
from ...services.errors import GoneError, InputError
from ...services.second_factor import WRONG_CODE
from ...services.tries import TooManyTriesError
from .. import security
from ..gently import Gently
from .account_forms import CodeForm, SignInForm
from .desk import Desk
from .forms import ActForm, WelcomeForm

TOO_LONG = "That took too long. Please begin again."
_links = Gently()


def sign_in(desk: Desk) -> ResponseReturnValue:
    if security.signed_in() is not None:
        return redirect(url_for("staff.today"), 303)
    form = SignInForm.wanted()
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
    return security.go_on(found, form.next.data)


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
    wanted = form.next.data
    security.sign_in(account)
    return redirect(security.next_page(wanted), 303)


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
                answer = security.go_on(signing_in.passed(desk.site, account), None)
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
