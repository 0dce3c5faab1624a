"""`surveyapp account link|unlock`: the operator's way back in for somebody who lost theirs."""

from __future__ import annotations

import argparse

from .opening import now, opened_site
from .parsing import Commands
from .saying import result, say

ACTOR = "operator"
SAID = {
    "link": "the second factor stays; open the link to choose a new password, it works once:",
    "unlock": "active, without second factor; open the link to choose a new password, once:",
}


def add(commands: Commands) -> None:
    account = commands.add_parser("account", help="a staff account whose way in was lost")
    ways = account.add_subparsers(title="commands", metavar="COMMAND", required=True)
    link = ways.add_parser("link", help="print a one-time link that sets a new password")
    unlock = ways.add_parser(
        "unlock", help="the same, take the second factor away and make the account active"
    )
    for parser, way in ((link, "link"), (unlock, "unlock")):
        parser.add_argument("email", metavar="EMAIL", help="the account's address")
        parser.set_defaults(run=_run, way=way)


def _run(arguments: argparse.Namespace) -> int:
    from ..services import accounts
    from ..services.stewardship import DEFAULT_URL

    with opened_site() as site:
        unlock = arguments.way == "unlock"
        email, token = accounts.fresh_link(
            site, arguments.email, unlock=unlock, actor=ACTOR, now=now()
        )
        base = (site.settings.public_url or DEFAULT_URL).rstrip("/")
    say(f"{email}: {SAID[arguments.way]}")
    result(f"{base}/staff/welcome/{token}")
    return 0
