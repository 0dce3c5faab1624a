"""The hand-over screen of a shared tablet: study code and PIN, answer, hand it back.

No address here holds a link. Whoever comes back to the screen ends the time of the person before:
their cookies go, and so every page that Back could reach leads here again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from .. import texts
from ..services import handover, languages
from ..services.errors import GoneError, InputError, NotFoundError, RefusedError
from ..services.phonepages import Lines
from ..services.pins import PinError
from ..services.site import Site
from . import tablet
from .participant import Desk, Page, in_the_readers_language

Clock = Callable[[], datetime]
RETURN_SECONDS = 20


def make_blueprint(site: Site, clock: Clock) -> Blueprint:
    """Every page below /h."""
    blueprint = Blueprint("handover", __name__)
    screen = _Screen(site, clock)
    rules: Mapping[str, tuple[str, Callable[..., Page], str]] = {
        "home": ("/h", screen.home, "GET"),
        "admit": ("/h", screen.admit, "POST"),
        "start": ("/h/start", screen.start, "GET"),
        "begin": ("/h/start", screen.begin, "POST"),
        "speak": ("/h/language", screen.speak, "POST"),
        "done": ("/h/done", screen.done, "POST"),
    }
    for name, (rule, view, method) in rules.items():
        blueprint.add_url_rule(rule, name, in_the_readers_language(view), methods=[method])
    for kind in (InputError, NotFoundError, GoneError, RefusedError):
        blueprint.register_error_handler(kind, screen.desk.refuse)
    blueprint.app_context_processor(screen.around)
    return blueprint


class _Screen:
    """The views, over one site."""

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site, self.clock = site, clock
        self.desk = Desk(site, clock)

    def around(self) -> dict[str, Any]:
        """For every template: where a handed-over tablet goes back to, else empty."""
        return {"handover": tablet.HOME if tablet.turn(self.site, self.clock()) else ""}

    def home(self) -> Page:
        return self._forgetting(self._home())

    def admit(self) -> Page:
        turn = tablet.turn(self.site, self.clock())
        if turn is None:
            return self._home()
        now, form = self.clock(), request.form
        try:
            token = handover.admit(
                self.site, turn.retreat_id, form.get("code", ""), form.get("pin", ""), now
            )
        except PinError as error:
            said = error.sentence() if error.minutes else wrong()
            return self._home(said, form.get("code", ""), 429 if error.minutes else 403)
        if token is None:
            return self._forgetting(self._nothing_open(turn))
        response = redirect(url_for(".start"), 303)
        tablet.let_in(self.site, response, token, now)
        return response

    def start(self) -> Page:
        token = self._token()
        return self.desk.start(token, passed=True) if token else redirect(url_for(".home"), 303)

    def begin(self) -> Page:
        token = self._token()
        return self.desk.begin(token, passed=True) if token else redirect(url_for(".home"), 303)

    def speak(self) -> Page:
        token = self._token()
        if token:
            chosen = request.form.get("language", "")
            languages.choose_at_door(self.site, token, chosen, self.clock())
        return redirect(url_for(".start"), 303)

    def done(self) -> Page:
        return self._forgetting(redirect(url_for(".home"), 303))

    def _token(self) -> str:
        now = self.clock()
        return tablet.token_let_in(self.site, now) if tablet.turn(self.site, now) else ""

    def _forgetting(self, page: Any) -> Response:
        response = make_response(page)
        tablet.forget(self.site, response)
        return response

    def _home(self, said: str = "", code: str = "", status: int = 200) -> Page:
        turn = tablet.turn(self.site, self.clock())
        if turn is None:
            return self._page("participant/handover-over.html", Lines()), 403
        found = handover.screen(self.site, turn.retreat_id)
        until = turn.until.astimezone(ZoneInfo(found.zone))
        page = self._page(
            "participant/handover.html", found.lines, said=said, code=code, until=until
        )
        return page, status

    def _nothing_open(self, turn: tablet.Turn) -> str:
        found = handover.screen(self.site, turn.retreat_id)
        return self._page("participant/handover-none.html", found.lines, seconds=RETURN_SECONDS)

    def _page(self, template: str, lines: Lines, **more: Any) -> str:
        return render_template(template, lines=lines, language=texts.spoken(), notice="", **more)


def wrong() -> str:
    """One sentence, whichever of the two was wrong."""
    return texts.gettext(
        "That study code and PIN do not go together. Please try again, or ask the study team."
    )
