"""The participant's pages: start, questions, review, thanks, and the phone's deliveries.

The link's token or the capability in a request's body is what gives the right to act, so these
pages need neither a session nor a CSRF token. GET and HEAD change nothing, because mail scanners
open links. Titles and addresses say nothing of the study.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from .. import texts
from ..services import answering, languages, visits, wishes
from ..services.errors import GoneError, InputError, NotFoundError, RefusedError
from ..services.phonepages import Door, Lines, Questionnaire
from ..services.pins import PinError
from ..services.site import Site
from . import tablet
from .deliveries import SPEAK, Delivery, read_delivery, read_form, read_send

Clock = Callable[[], datetime]
Page = BaseResponse | str | tuple[str, int]

COOKIE_LIFE = timedelta(days=180)
RETURN_SECONDS = 20
UNKNOWN = texts.marked("We do not know this link")
TITLES = {
    400: texts.marked("That was not understood"),
    403: texts.marked("This is not allowed"),
    404: texts.marked("We cannot show this page"),
    410: texts.marked("This check-in is closed"),
}
NO_REMINDER = texts.marked("No reminder was set")
ASK_TEAM = texts.marked("If that does not help, please contact the study team.")
_ = texts.gettext


@dataclass(frozen=True)
class Kind:
    """A page that only says something, with a way on if there is one."""

    title: str
    sentences: Sequence[str]
    contacts: Sequence[tuple[str, str]] = ()
    onward: str = ""
    onward_label: str = ""


def make_blueprint(site: Site, clock: Clock) -> Blueprint:
    """Every page below /s/ and /q/."""
    blueprint = Blueprint("participant", __name__)
    desk = Desk(site, clock)
    rules: Mapping[str, tuple[str, Callable[..., Page], str]] = {
        "start": ("/s/<token>", desk.start, "GET"),
        "begin": ("/s/<token>", desk.begin, "POST"),
        "speak": ("/s/<token>/language", desk.speak, "POST"),
        "remind": ("/s/<token>/remind", desk.remind, "POST"),
        "visit": ("/q/<visit>", desk.visit, "GET"),
        "thanks": ("/q/<visit>/thanks", desk.thanks, "GET"),
        "later": ("/q/<visit>/later", desk.later, "GET"),
        "arrived": ("/q/<visit>/arrived", desk.arrived, "GET"),
        "answers": ("/q/<visit>/answers", desk.answers, "POST"),
        "questions": ("/q/<visit>/<instrument>", desk.questions, "GET"),
        "save": ("/q/<visit>/<instrument>", desk.save, "POST"),
        "review": ("/q/<visit>/<instrument>/review", desk.review, "GET"),
        "send": ("/q/<visit>/<instrument>/send", desk.send, "POST"),
    }
    for name, (rule, view, method) in rules.items():
        blueprint.add_url_rule(rule, name, in_the_readers_language(view), methods=[method])
    for kind in (InputError, NotFoundError, GoneError, RefusedError):
        blueprint.register_error_handler(kind, desk.refuse)
    return blueprint


class Desk:
    """The views, over one site.

    `passed`: the person was let in at a hand-over screen, so the PIN was right, and no address
    may hold the link's token.
    """

    def __init__(self, site: Site, clock: Clock) -> None:
        self.site = site
        self.clock = clock

    def start(self, token: str, passed: bool = False) -> Page:
        door = visits.knock(self.site, token, self.clock())
        if door.state in visits.DONE_STATES:
            return self._already_sent(token, door)
        if door.state in visits.OPEN_STATES and not door.lacks_consent:
            return self._start(token, door, passed=passed)
        return self._shut(door)

    def _start(
        self,
        token: str,
        door: Door,
        *,
        ask_to_read: bool = False,
        passed: bool = False,
        said: str = "",
    ) -> str:
        return _render(
            "participant/start.html",
            door,
            start=door,
            token=token,
            wishes=() if passed else wishes.at_door(self.site, token, self.clock()),
            ask_to_read=ask_to_read,
            passed=passed,
            said=said,
        )

    def begin(self, token: str, passed: bool = False) -> Page:
        now = self.clock()
        door = visits.knock(self.site, token, now)
        if door.state not in visits.OPEN_STATES or door.lacks_consent:
            return redirect(url_for("handover.home") if passed else _start_of(token), 303)
        seen = request.form.get("notice", type=int)
        if door.notice_due and seen != door.data_notice.version:
            return self._start(token, door, ask_to_read=True, passed=passed), 409
        notice = seen if door.notice_due else None
        pin = request.form.get("pin", "")
        try:
            opened = answering.begin(
                self.site, token, now, notice=notice, pin=pin, pin_checked=passed
            )
        except PinError as error:
            with texts.speaking(door.language):
                said = error.sentence()
            return self._start(token, door, said=said), 429 if error.minutes else 403
        return self._into(opened, now)

    def _into(self, opened: answering.Opened, now: datetime) -> BaseResponse:
        """On to the visit, with the cookie that shows it; a shared tablet forgets it soon."""
        handed = tablet.turn(self.site, now) is not None
        address = url_for("participant.visit", visit=opened.visit)
        response = redirect(address, 303)
        response.set_cookie(
            cookie_of(opened.visit),
            opened.read_secret,
            max_age=None if handed else COOKIE_LIFE,
            path=address,
            secure=self.site.settings.is_https,
            httponly=True,
            samesite="Lax",
        )
        if handed:
            tablet.note_visit(self.site, response, opened.visit)
        return response

    def _handed(self) -> bool:
        return tablet.turn(self.site, self.clock()) is not None

    def speak(self, token: str) -> Page:
        """The person's own choice of language."""
        chosen = request.form.get("language", "")
        languages.choose_at_door(self.site, token, chosen, self.clock())
        return redirect(url_for(".start", token=token), 303)

    def remind(self, token: str) -> Page:
        """This evening, tomorrow, or not after all."""
        when = request.form.get("when", "")
        if when == "never":
            wishes.take_back(self.site, token, self.clock())
        else:
            wishes.wish(self.site, token, when, self.clock())
        return redirect(url_for(".start", token=token), 303)

    def visit(self, visit: str) -> Page:
        return redirect(self._onward(visit), 303)

    def questions(self, visit: str, instrument: str) -> Page:
        return self._draft("participant/questions.html", visit, instrument)

    def review(self, visit: str, instrument: str) -> Page:
        return self._draft("participant/review.html", visit, instrument)

    def save(self, visit: str, instrument: str) -> Page:
        """The whole form at once, for a browser without script."""
        delivery = read_form(instrument, request.form)
        if delivery.taps:
            answering.save(self.site, visit, delivery.write, delivery.taps, self.clock())
        do = request.form["do"]
        if do.startswith(SPEAK):
            chosen = do.removeprefix(SPEAK)
            languages.choose_in_visit(self.site, visit, delivery.write, chosen, self.clock())
            return redirect(url_for(".questions", visit=visit, instrument=instrument), 303)
        if do == "review":
            return redirect(url_for(".review", visit=visit, instrument=instrument), 303)
        if self._handed():
            return self._hand_back()
        return redirect(url_for(".later", visit=visit), 303)

    def _hand_back(self) -> Page:
        response = make_response(redirect(url_for("handover.home"), 303))
        tablet.forget(self.site, response)
        return response

    def later(self, visit: str) -> Page:
        onward = self._onward(visit)
        sentences = (
            _("You can close this page."),
            _("To go on, open your link again, or tap below."),
        )
        kind = Kind(_("Your answers are saved"), sentences, (), onward, _("Go on now"))
        return self._kind(kind, Lines())

    def answers(self, visit: str) -> Page:
        """What the script delivers: some answers as JSON."""
        try:
            delivery: Delivery = read_delivery(request.get_data())
            saved = answering.save(self.site, visit, delivery.write, delivery.taps, self.clock())
        except (InputError, NotFoundError, GoneError) as error:
            return _refusal(error)
        return jsonify(saved=saved)

    def send(self, visit: str, instrument: str) -> Page:
        """The script asks for JSON: where to go on, and whether the phone may forget the visit."""
        wants_json = request.accept_mimetypes.best == "application/json"
        try:
            write = read_send(request.form)
            done = answering.send(self.site, visit, write, instrument, self.clock())
        except (InputError, NotFoundError, GoneError) as error:
            if wants_json:
                return _refusal(error)
            raise
        if wants_json:
            return jsonify(sent=True, done=done, next=self._after_send(visit))
        return redirect(url_for(".visit", visit=visit), 303)

    def arrived(self, visit: str) -> Page:
        """For a phone that lost its cookie: its answers arrived all the same."""
        del visit
        sentences = (_("To see what comes next, open your link again."),)
        return self._kind(Kind(_("Your answers have been sent"), sentences), Lines())

    def _after_send(self, visit: str) -> str:
        try:
            return self._onward(visit)
        except (NotFoundError, GoneError):
            return url_for(".arrived", visit=visit)

    def thanks(self, visit: str) -> Page:
        secret = request.cookies.get(cookie_of(visit), "")
        thanks = visits.thanks(self.site, visit, secret, self.clock())
        if thanks is None:
            return redirect(self._onward(visit), 303)
        name = "handover-thanks" if self._handed() else "thanks"
        return _render(
            f"participant/{name}.html", thanks, thanks=thanks, visit=visit, seconds=RETURN_SECONDS
        )

    def refuse(self, error: Exception) -> Page:
        """A kind page for whatever was refused; it reveals nothing.

        On a shared tablet a visit that is over leads back to the hand-over screen.
        """
        status = _status(error)
        if status == 404 and "visit" in (request.view_args or {}) and self._handed():
            return redirect(url_for("handover.home"), 303)
        sentence = next(iter(error.problems.values()), "") if isinstance(error, InputError) else ""
        contacts = visits.contacts(self.site)
        unknown = status == 404 and "token" in (request.view_args or {})
        title = UNKNOWN if unknown else TITLES[status]
        if request.endpoint == "participant.remind" and not unknown:
            title = NO_REMINDER
        with texts.speaking(readers_language()):
            kind = Kind(_(title), (_(sentence or str(error)), _(ASK_TEAM)), contacts)
            return self._kind(kind, Lines()), status

    def _draft(self, template: str, visit: str, instrument: str) -> Page:
        secret = request.cookies.get(cookie_of(visit), "")
        page = visits.questionnaire(self.site, visit, secret, instrument, self.clock())
        if page is None:
            return redirect(self._onward(visit), 303)
        with texts.speaking(page.language):
            note = _note(page)
        return _render(template, page, page=page, note=note)

    def _onward(self, visit: str) -> str:
        """Where this visit goes on: its first instrument that is not sent, else thanks."""
        secret = request.cookies.get(cookie_of(visit), "")
        instrument = visits.current_instrument(self.site, visit, secret, self.clock())
        if instrument is None:
            return url_for(".thanks", visit=visit)
        return url_for(".questions", visit=visit, instrument=instrument)

    def _already_sent(self, token: str, door: Door) -> Page:
        thanks = visits.thanks_at_door(self.site, token, self.clock())
        return _render("participant/sent.html", door, thanks=thanks)

    def _shut(self, door: Door) -> Page:
        with texts.speaking(door.language):
            return self._not_now(door)

    def _not_now(self, door: Door) -> Page:
        contacts = [(door.lines.phone, door.lines.hours)] if door.lines.phone else []
        over = door.state == "not expected" and door.opens is not None
        if door.state == "missed" or over:
            sentences = (_("It takes no more answers. You do not need to do anything."),)
            kind = Kind(_("This check-in is closed"), sentences, contacts)
            return self._kind(kind, door.lines), 410
        if door.lacks_consent and door.state in visits.OPEN_STATES:
            kind = Kind(_("This check-in cannot begin yet"), (_(visits.CONSENT_FIRST),), contacts)
            return self._kind(kind, door.lines), 403
        opens = texts.full_day(door.opens) if door.opens else ""
        when = _("It opens on %(day)s.") % {"day": opens} if opens else ""
        sentences = tuple(filter(None, (when, _("You will get a message when it is time."))))
        return self._kind(Kind(_("It is not time yet"), sentences, contacts), door.lines)

    def _kind(self, kind: Kind, lines: Lines) -> str:
        return render_template(
            "participant/kind.html", kind=kind, lines=lines, language=texts.spoken(), notice=""
        )


def in_the_readers_language(view: Callable[..., Page]) -> Callable[..., Page]:
    """Until the page knows its person, it speaks what the browser asks for."""

    @functools.wraps(view)
    def speaking(**values: str) -> Page:
        with texts.speaking(readers_language()):
            return view(**values)

    return speaking


def readers_language() -> str:
    """The language among ours that the browser likes best, else English."""
    ours = [code for code, _name in texts.LANGUAGES]
    return request.accept_languages.best_match(ours) or texts.ENGLISH


def _render(template: str, shown: Any, /, **more: Any) -> str:
    """A page that knows its person, in the person's language."""
    with texts.speaking(shown.language):
        around = {"lines": shown.lines, "notice": shown.notice, "language": texts.spoken()}
        around["languages"] = languages.offered(shown.lines.languages)
        return render_template(template, **around, **more)


def _note(page: Questionnaire) -> str:
    """The first words of the status line: that the part before this one has arrived."""
    fresh = page.part > 1 and page.still_open == len(page.questions)
    return _("Part %(n)s is sent.") % {"n": page.part - 1} if fresh else ""


def _start_of(token: str) -> str:
    return url_for("participant.start", token=token)


def cookie_of(visit: str) -> str:
    """The name of the cookie that shows a visit's draft."""
    return f"visit-{visit}"


def _refusal(error: Exception) -> BaseResponse:
    """What the script is told of a refusal: never a page."""
    response = jsonify(error=str(error))
    response.status_code = _status(error)
    return response


def _status(error: Exception) -> int:
    for kind, code in ((InputError, 400), (NotFoundError, 404), (GoneError, 410)):
        if isinstance(error, kind):
            return code
    return 403
