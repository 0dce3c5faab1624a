"""The page behind a message's last link: pause messages, stop them, have them again.

Mail scanners open links, so showing the page changes nothing. A mail program's own button
(RFC 8058) is a POST to an address of its own, and it only stops messages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, redirect, render_template, request, url_for

from .. import texts
from ..services import calendar, stopping
from ..services.errors import InputError, NotFoundError
from ..services.phonepages import Lines
from ..services.site import Site
from .participant import UNKNOWN, Kind, Page, in_the_readers_language, readers_language

_ = texts.gettext
ONE_CLICK = "One-Click"


def make_blueprint(site: Site, clock: Callable[[], datetime]) -> Blueprint:
    """`/s/TOKEN/messages` for people, `/s/TOKEN/unsubscribe` for their mail programs, and
    `/s/TOKEN/calendar.ics`."""
    blueprint = Blueprint("messages", __name__)

    def show(token: str) -> Page:
        view = stopping.at_message(site, token)
        with texts.speaking(view.language):
            return render_template(
                "participant/messages.html",
                view=view,
                token=token,
                lines=view.lines,
                notice="",
                language=texts.spoken(),
            )

    def choose(token: str) -> Page:
        stopping.from_message(site, token, request.form.get("do", ""), clock())
        return redirect(url_for(".show", token=token), 303)

    def one_click(token: str) -> Page:
        """What a mail program sends; a form without the agreed field is refused."""
        if request.form.get("List-Unsubscribe") != ONE_CLICK:
            raise InputError({"do": stopping.NOT_UNDERSTOOD})
        stopping.from_message(site, token, "stop", clock())
        return "", 200

    def dates(token: str) -> Page:
        """The person's windows for their own calendar."""
        file = calendar.calendar_of(site, token, clock())
        shown = Response(file, mimetype="text/calendar")
        shown.headers["Content-Disposition"] = 'attachment; filename="check-in.ics"'
        return shown

    for rule, name, view, method in (
        ("/s/<token>/calendar.ics", "dates", dates, "GET"),
        ("/s/<token>/messages", "show", show, "GET"),
        ("/s/<token>/messages", "choose", choose, "POST"),
        ("/s/<token>/unsubscribe", "page", show, "GET"),
        ("/s/<token>/unsubscribe", "one_click", one_click, "POST"),
    ):
        blueprint.add_url_rule(rule, name, in_the_readers_language(view), methods=[method])
    blueprint.register_error_handler(InputError, _refuse)
    blueprint.register_error_handler(NotFoundError, _unknown)
    return blueprint


def _refuse(error: InputError) -> Page:
    with texts.speaking(readers_language()):
        sentences = [_(sentence) for sentence in error.problems.values()]
        return _kind(Kind(_("That was not understood"), sentences)), 400


def _unknown(error: NotFoundError) -> Page:
    with texts.speaking(readers_language()):
        return _kind(Kind(_(UNKNOWN), [_(str(error))])), 404


def _kind(kind: Kind) -> str:
    return render_template(
        "participant/kind.html", kind=kind, lines=Lines(), language=texts.spoken(), notice=""
    )
