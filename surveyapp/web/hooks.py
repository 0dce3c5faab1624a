"""Webhooks: what other programs tell us. The address holds a secret; nothing else opens it."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from ..services import bounces
from ..services.errors import InputError
from ..services.site import Site


def make_blueprint(site: Site, clock: Callable[[], datetime]) -> Blueprint:
    """`POST /hooks/bounces/SECRET`."""
    blueprint = Blueprint("hooks", __name__)

    @blueprint.post("/hooks/bounces/<secret>")
    def take_bounces(secret: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        if not hmac.compare_digest(secret.encode(), bounces.secret(site).encode()):
            raise NotFound
        found = bounces.read(request.get_data(), request.content_type or "")
        return jsonify(taken=bounces.take(site, found, clock()))

    def refuse(error: InputError) -> tuple[Response, int]:
        return jsonify(error=next(iter(error.problems.values()))), 400

    blueprint.register_error_handler(InputError, refuse)
    return blueprint
