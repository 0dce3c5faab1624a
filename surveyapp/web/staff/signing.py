"""Signing in and out, and the one-time link that sets a password."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import accounts
from ...services.errors import InputError
from .. import security
from .desk import Desk
from .forms import ActForm, WelcomeForm


def sign_in(desk: Desk) -> ResponseReturnValue:
    del desk
    if security.signed_in() is not None:
        return redirect(url_for("staff.today"), 303)
    form = security.SignInForm()
    if not form.is_submitted():
        return render_template("staff/sign-in.html", form=form, wrong="")
    if form.validate() and form.user is not None:
        security.sign_in(form.user)
        return redirect(security.next_page(form.next.data), 303)
    stale = security.refused() or "csrf_token" in form.errors
    wrong = security.STALE if stale else security.WRONG
    return render_template("staff/sign-in.html", form=form, wrong=wrong), 400


def sign_out(desk: Desk) -> ResponseReturnValue:
    if ActForm().validate():
        security.sign_out(desk.site, desk.now)
        flash("You are signed out.")
    return redirect(url_for("staff.sign_in"), 303)


def welcome(desk: Desk, token: str) -> ResponseReturnValue:
    """GET shows whose account it is and changes nothing; POST sets the password."""
    email = accounts.invited_email(desk.site, token, desk.now)
    form = WelcomeForm()
    if form.is_submitted() and form.validate():
        if form.password.data != form.again.data:
            form.take({"again": "The two are not the same."})
        else:
            try:
                account = accounts.accept_invite(
                    desk.site, token, form.password.data or "", desk.now
                )
                user = security.as_user(account)
                assert user is not None
                security.sign_in(user)
                flash("Your password is set.")
                return redirect(url_for("staff.today"), 303)
            except InputError as error:
                form.take(error.problems)
    code = 400 if request.method == "POST" else 200
    return render_template("staff/welcome.html", form=form, email=email), code
