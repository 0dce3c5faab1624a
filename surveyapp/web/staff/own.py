"""Your account: where you are signed in, your password, your second factor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import segno
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import accounts, second_factor, sessions, tries
from ...services.errors import InputError, NotFoundError
from ...services.second_factor import Offer
from ...services.tries import TooManyTriesError
from .. import security
from ..security import User
from .account_forms import OffForm, OwnPasswordForm, RenewForm, SetUpForm
from .desk import Act, Desk, perform, show
from .forms import ActForm


def _me() -> User:
    user = security.signed_in()
    assert user is not None
    return user


def account(desk: Desk) -> ResponseReturnValue:
    """One's own sessions; each may be ended, or all but this one."""
    user, form = _me(), ActForm()
    if form.is_submitted():
        if not form.validate():
            return _account_page(desk, user, form), 400
        _end(desk, user, request.form.get("end", ""))
        return redirect(url_for("staff.account"), 303)
    return _account_page(desk, user, form)


def _end(desk: Desk, user: User, which: str) -> None:
    now = security.gate().wall()
    if which == "others":
        count = sessions.end_others(desk.site, user.by, now)
        flash(f"{count} other {'sign-in' if count == 1 else 'sign-ins'} ended.")
        return
    try:
        sessions.end_one(desk.site, user.by, which, now)
        flash("That sign-in has ended.")
    except NotFoundError as error:
        flash(str(error))


def _account_page(desk: Desk, user: User, form: ActForm) -> str:
    return render_template(
        "staff/account.html",
        here="account",
        form=form,
        user=user,
        sessions=sessions.listed(desk.site, user.by, security.gate().wall()),
        factor=second_factor.state(desk.site, user.id),
    )


def own_password(desk: Desk) -> ResponseReturnValue:
    user, form = _me(), OwnPasswordForm()

    def do() -> str:
        if form.password.data != form.again.data:
            raise InputError({"again": "The two are not the same."})
        now = security.gate().wall()
        counts = tries.of_own_password(desk.site, user.id, security.here())
        _taking(lambda: tries.take(desk.site, counts, now))
        accounts.change_password(
            desk.site,
            user.by.account,
            form.old.data or "",
            form.password.data or "",
            keep=user.by.session,
            now=now,
        )
        tries.was_right(desk.site, counts)
        return "Your password is changed. Every other sign-in of yours has ended."

    will = ["Ends every other sign-in of yours.", "Ends a one-time link that was not used yet."]
    return perform(_act("Change your password", "Change it", will), form, do)


def own_factor(desk: Desk) -> ResponseReturnValue:
    """Set it up with a right code; on already, what stands."""
    user = _me()
    if user.by.has_factor:
        return _factor_page(desk, user)
    form = SetUpForm()
    offer = second_factor.offer(desk.site, user.by.account, form.sealed.data or "")
    if not form.is_submitted():
        return _set_up_page(user, form, offer)
    if form.validate():
        try:
            codes = _turned_on(desk, user, form, offer)
        except InputError as error:
            form.take(error.problems)
        else:
            security.sign_in(user.by.account)
            return _codes_page("Your second factor is on", codes)
    return _set_up_page(user, form, offer), 400


def _turned_on(desk: Desk, user: User, form: SetUpForm, offer: Offer) -> Sequence[str]:
    """The recovery codes. Raises InputError, also for a wrong password."""
    account, now, here = user.by.account, security.gate().wall(), security.here()
    password, code = form.password.data or "", form.code.data or ""
    _taking(lambda: second_factor.ask_password(desk.site, account, password, here, now))
    return second_factor.turn_on(
        desk.site, account, offer.sealed, code, keep=user.by.session, now=now
    )


def _factor_page(desk: Desk, user: User) -> str:
    state = second_factor.state(desk.site, user.id)
    return render_template("staff/factor-on.html", here="account", factor=state)


def _set_up_page(user: User, form: SetUpForm, offer: Offer) -> str:
    form.sealed.data = offer.sealed
    picture = segno.make(offer.uri, error="m", micro=False)
    groups = [offer.secret[i : i + 4] for i in range(0, len(offer.secret), 4)]
    return render_template(
        "staff/factor-set-up.html",
        here="account",
        form=form,
        picture=picture.svg_data_uri(scale=4, border=4, dark="#000", light="#fff"),
        secret=" ".join(groups),
        must=user.by.must_set_up,
        email=user.email,
    )


def _codes_page(heading: str, codes: Sequence[str]) -> str:
    return render_template("staff/recovery-codes.html", heading=heading, codes=codes)


def recovery_codes(desk: Desk) -> ResponseReturnValue:
    """Ten others for a code; they are shown in the answer and nowhere else."""
    user, form = _me(), RenewForm()
    if not user.by.has_factor:
        return redirect(url_for("staff.second_factor"), 303)
    if form.is_submitted() and form.validate():
        now, here = security.gate().wall(), security.here()
        try:
            codes = second_factor.renew_codes(
                desk.site, user.by.account, form.code.data or "", here, now
            )
            return _codes_page("Your new recovery codes", codes)
        except InputError as error:
            form.take(error.problems)
        except TooManyTriesError as error:
            form.take({"": str(error)})
    will = ["Makes ten new codes, which are shown once.", "The codes from before work no more."]
    page = show(_act("New recovery codes", "Make them", will), form)
    return (page, 400) if form.is_submitted() else page


def factor_off(desk: Desk) -> ResponseReturnValue:
    user, form = _me(), OffForm()
    if not user.by.has_factor:
        return redirect(url_for("staff.second_factor"), 303)

    def do() -> str:
        now, here = security.gate().wall(), security.here()
        password, code = form.password.data or "", form.code.data or ""
        _taking(
            lambda: second_factor.turn_off(desk.site, user.by.account, password, code, here, now)
        )
        return "Your second factor is off."

    will = [
        "From now on your password alone signs you in.",
        "In a live study all but coordinators without scores must set it up again before "
        "anything opens.",
    ]
    return perform(_act("Turn the second factor off", "Turn it off", will), form, do)


def _taking(do: Callable[[], object]) -> None:
    """Raises InputError where there were too many wrong tries."""
    try:
        do()
    except TooManyTriesError as error:
        raise InputError({"": str(error)}) from error


def _act(heading: str, button: str, will: Sequence[str]) -> Act:
    back = url_for("staff.account")
    return Act(heading, button, back, "Your account", will, more={"here": "account"})
