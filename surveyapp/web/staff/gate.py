"""The gate: what stands between a request and a staff page, once it is known who asks.

Without the right the answer is a page that says who can help (403). What lies outside the account's
retreats is answered like what does not exist (404), the same words for both.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ...services import scope
from ...services.errors import NotFoundError
from ...services.rights import Right, Rights, bringers
from ...services.site import Site
from ..rules import Rule, lets, rule_of
from ..security import rights, signed_in

STARTS: tuple[tuple[Right, str], ...] = (
    ("states", "staff.today"),
    ("data", "staff.analysis"),
    ("admin", "staff.system"),
    ("study", "staff.studies"),
)
NOBODY = "This account may open nothing yet."
ASK = "Whoever looks after the accounts here can change what yours may open."
EVERY_RETREAT = "This concerns every retreat, and your account has some of them."


def enforce(site: Site) -> ResponseReturnValue | None:
    """None where whoever is signed in may go on. Raises NotFoundError for what is not theirs."""
    if signed_in() is None:
        return None
    held = rights()
    if not lets(held, request.endpoint):
        return refuse(held)
    if not scope.sees(site, held, request.view_args or {}):
        raise NotFoundError(scope.NOTHING_THERE)
    return None


def refuse(held: Rights) -> ResponseReturnValue:
    """The page that says for whom this is, and who can help."""
    page = render_template(
        "staff/notice.html",
        heading="Not for this account",
        sentence=f"{_why(rule_of(request.endpoint), held)} {ASK}",
        signed_in=True,
        back=start_page(held),
        back_words="Back",
    )
    return page, 403


def _why(rule: Rule | None, held: Rights) -> str:
    if rule is None or not rule.rights:
        return NOBODY
    if rule.rights & held.held:
        return EVERY_RETREAT
    roles = bringers(rule.rights)
    return f"This page is for {' or '.join(f'the role {role}' for role in roles)}."


def start_page(held: Rights) -> str:
    """The first page that an account may open; where there is none, the way out."""
    endpoint = next((page for right, page in STARTS if held.may(right)), "staff.today")
    return url_for(endpoint)


def dress(blueprint: Blueprint) -> None:
    """What templates ask, so that nothing is offered that would be refused."""
    blueprint.add_app_template_global(_opens, "opens")
    blueprint.add_app_template_global(_may, "may")
    blueprint.add_app_template_global(_mine, "mine")


def _opens(page: str) -> bool:
    """Whether a staff page, by its name, is for whoever is signed in."""
    return lets(rights(), f"staff.{page}")


def _may(right: Right) -> bool:
    return rights().may(right)


def _mine(retreat_id: int) -> bool:
    return rights().sees(retreat_id)
