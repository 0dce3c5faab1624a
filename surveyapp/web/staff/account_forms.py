"""Forms of signing in and of accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

from flask import request
from wtforms import (
    BooleanField,
    EmailField,
    HiddenField,
    PasswordField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput

from ...services.colleagues import Wish
from ...services.rights import ROLES
from .forms import ActForm, StoodForm, options

LONGEST_ADDRESS, LONGEST_PASSWORD, LONGEST_CODE = 254, 1000, 40
CODE_HINT = "Six digits from the app, or one of the recovery codes."


class NextForm(ActForm):
    """A step of signing in: `next` is the page that was wanted, `carried` a form that was sent."""

    next = HiddenField()
    carried = HiddenField()

    @classmethod
    def wanted(cls) -> Self:
        return cast(Any, cls)(data={"next": request.args.get("next", "")})


class SignInForm(NextForm):
    email = EmailField("E-mail", [DataRequired(), Length(max=LONGEST_ADDRESS)])
    password = PasswordField("Password", [DataRequired(), Length(max=LONGEST_PASSWORD)])


class CodeForm(NextForm):
    code = StringField("Code", [Length(max=LONGEST_CODE)], description=CODE_HINT)


class SetUpForm(ActForm):
    sealed = HiddenField()
    code = StringField(
        "Code", [Length(max=LONGEST_CODE)], description="The six digits that the app shows now."
    )
    password = PasswordField("Your password", [Length(max=LONGEST_PASSWORD)])


class OffForm(ActForm):
    password = PasswordField("Your password", [Length(max=LONGEST_PASSWORD)])
    code = StringField("Code", [Length(max=LONGEST_CODE)], description=CODE_HINT)


class RenewForm(ActForm):
    code = StringField("Code", [Length(max=LONGEST_CODE)], description=CODE_HINT)


class OwnPasswordForm(ActForm):
    old = PasswordField("Your password now", [Length(max=LONGEST_PASSWORD)])
    password = PasswordField("New password", description="At least 12 characters.")
    again = PasswordField("The same again")


class AddressFields:
    """Before RightsFields: a form shows its fields in the order in which they are made."""

    email = EmailField("E-mail", [Length(max=LONGEST_ADDRESS)])


class RightsFields:
    """What an account may do, and where."""

    roles = SelectMultipleField(
        "Roles",
        choices=options(*((role, role.capitalize()) for role in ROLES)),
        option_widget=CheckboxInput(),
        description="Coordinators see who is where and contacts, but no scores; clinicians answers "
        "and scores, but no contacts; analysts group reports and exports; admins accounts and the "
        "system's own pages.",
    )
    sees_scores = BooleanField(
        "Sees scores too", description="For a coordinator; clinicians see them anyway."
    )
    all_retreats = BooleanField("Every retreat, also later ones")
    retreats = SelectMultipleField("Or only these retreats", option_widget=CheckboxInput())

    def wish(self) -> Wish:
        chosen = self.retreats.data or []
        return Wish(
            frozenset(self.roles.data or []),
            bool(self.sees_scores.data),
            bool(self.all_retreats.data),
            frozenset(int(one) for one in chosen if one.isdigit()),
        )


class InviteForm(ActForm, AddressFields, RightsFields):
    """An address, then its rights."""


class RightsForm(StoodForm, RightsFields):
    """`seen` names the preview that was shown."""

    seen = HiddenField()

    def _told(self) -> str:
        return "; ".join(f"{name}: {words}" for name, words in self._also.items())


def rights_form(
    wish: Wish, words: Mapping[str, str], retreats: Sequence[tuple[int, str]]
) -> RightsForm:
    """`words` is what stands, for whoever opened the form before another saved."""
    form = RightsForm(_data(wish), words)
    form.retreats.choices = options(*((str(number), name) for number, name in retreats))
    return form


def invite_form(retreats: Sequence[tuple[int, str]]) -> InviteForm:
    form = InviteForm()
    form.retreats.choices = options(*((str(number), name) for number, name in retreats))
    return form


def _data(wish: Wish) -> Mapping[str, Any]:
    return {
        "roles": sorted(wish.roles),
        "sees_scores": wish.sees_scores,
        "all_retreats": wish.all_retreats,
        "retreats": [str(one) for one in sorted(wish.retreats)],
    }
