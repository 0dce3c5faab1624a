"""The cookies of a tablet that is handed from one person to the next.

`handover` says whose retreat's tablet this is and until when; `pass` holds, for a short while, the
link of somebody whose PIN was right, and then which visit is theirs, so that it can be forgotten.
Both are signed, and neither can be read by a script.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as BaseResponse

from ..services.site import Site

HANDOVER, PASS = "handover", "pass"
TURN, PASS_LIFE = timedelta(hours=12), timedelta(minutes=15)
HOME = "/h"


@dataclass(frozen=True)
class Turn:
    """A tablet's turn: for which retreat, and until when."""

    retreat_id: int
    until: datetime


def give_turn(site: Site, response: BaseResponse, retreat_id: int, now: datetime) -> None:
    """Make this device the retreat's tablet."""
    body = {"retreat": retreat_id, "until": (now + TURN).isoformat()}
    _set(site, response, HANDOVER, body, TURN)


def turn(site: Site, now: datetime) -> Turn | None:
    """The turn of the device that asks, None when it has none or it is over."""
    body = _read(site, HANDOVER)
    if body is None:
        return None
    found = Turn(int(body["retreat"]), datetime.fromisoformat(body["until"]))
    return found if now < found.until else None


def let_in(site: Site, response: BaseResponse, token: str, now: datetime) -> None:
    """Keep somebody's link for a short while, out of every address."""
    body = {"token": token, "until": (now + PASS_LIFE).isoformat()}
    _set(site, response, PASS, body, PASS_LIFE)


def token_let_in(site: Site, now: datetime) -> str:
    """The link of whoever was let in, else empty."""
    body = _read(site, PASS)
    if body is None or "token" not in body:
        return ""
    return str(body["token"]) if now < datetime.fromisoformat(body["until"]) else ""


def note_visit(site: Site, response: BaseResponse, visit: str) -> None:
    """From now on the pass only says whose visit is to be forgotten."""
    _set(site, response, PASS, {"visit": visit}, None)


def forget(site: Site, response: Response) -> None:
    """End a person's time at the tablet; nothing of it can be opened again from here."""
    body = _read(site, PASS)
    if body and "visit" in body:
        name = f"visit-{body['visit']}"
        _drop(site, response, name, f"/q/{body['visit']}")
    if PASS in request.cookies:
        _drop(site, response, PASS, "/")
        response.headers["Clear-Site-Data"] = '"cache"'


def _serializer(site: Site, name: str) -> URLSafeSerializer:
    return URLSafeSerializer(site.keys.derive("hand-over"), salt=name)


def _read(site: Site, name: str) -> dict[str, Any] | None:
    try:
        return _serializer(site, name).loads(request.cookies.get(name, ""))
    except BadSignature:
        return None


def _set(
    site: Site, response: BaseResponse, name: str, body: dict[str, Any], life: timedelta | None
) -> None:
    response.set_cookie(
        name,
        str(_serializer(site, name).dumps(body)),
        max_age=life,
        secure=site.settings.is_https,
        httponly=True,
        samesite="Lax",
    )


def _drop(site: Site, response: BaseResponse, name: str, path: str) -> None:
    response.delete_cookie(
        name, path=path, secure=site.settings.is_https, httponly=True, samesite="Lax"
    )
