"""The demo's bar and inbox: its clock, moved from any staff page, and the messages it sent.

Registered by the demo alone; nothing here exists in production. The stage that moves the clock is
given, because web knows neither the worker nor the mail server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from .security import guard, next_page, signed_in

MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""A message brings its own styles, as it would in a mail program, and nothing else."""


@dataclass(frozen=True)
class Leap:
    """A button of the bar."""

    target: str
    label: str


@dataclass(frozen=True)
class Waiting:
    """Why messages are held back, and the address of the page that ends it."""

    sentence: str
    page: str


@dataclass(frozen=True)
class Bar:
    """`clock` is in words, in `zone`; `mails` counts the inbox."""

    clock: str
    zone: str
    leaps: tuple[Leap, ...]
    waiting: tuple[Waiting, ...]
    mails: int


@dataclass(frozen=True)
class Mail:
    """One message as it arrived; `links` are the addresses in its text."""

    number: int
    at: datetime
    to: str
    sender: str
    subject: str
    text: str
    html: str
    links: tuple[str, ...]


class Stage(Protocol):
    """What the demo gives these pages."""

    def bar(self) -> Bar: ...

    def mails(self) -> Sequence[Mail]: ...

    def leap(self, target: str) -> str:
        """Move the clock; a sentence about what happened. Raises KeyError."""
        ...


def make_blueprint(stage: Stage) -> Blueprint:
    """/staff/demo/…, and the bar for every page that staff see signed in."""
    blueprint = Blueprint("demo", __name__, url_prefix="/staff/demo")
    blueprint.before_request(guard)

    @blueprint.app_context_processor
    def _bar() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return {"demo_bar": lambda: stage.bar() if signed_in() else None}

    @blueprint.post("/leap")
    def leap() -> Response:  # pyright: ignore[reportUnusedFunction]
        try:
            flash(stage.leap(request.form.get("target", "")))
        except KeyError:
            abort(400)
        return redirect(next_page(request.form.get("next")), 303)

    @blueprint.get("/inbox")
    def inbox() -> str:  # pyright: ignore[reportUnusedFunction]
        mails = list(reversed(stage.mails()))
        return render_template("demo/inbox.html", mails=mails, here="inbox", practice=True)

    @blueprint.get("/inbox/<int:number>")
    def mail(number: int) -> str:  # pyright: ignore[reportUnusedFunction]
        mail = _mail(stage, number)
        return render_template("demo/mail.html", mail=mail, here="inbox", practice=True)

    @blueprint.get("/inbox/<int:number>/html")
    def mail_html(number: int) -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response(
            _mail(stage, number).html,
            mimetype="text/html",
            headers={"Content-Security-Policy": MAIL_POLICY},
        )

    @blueprint.get("/")
    def front() -> Response:  # pyright: ignore[reportUnusedFunction]
        return redirect(url_for("demo.inbox"))

    return blueprint


def _mail(stage: Stage, number: int) -> Mail:
    found = next((m for m in stage.mails() if m.number == number), None)
    return found or abort(404)
