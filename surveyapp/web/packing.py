"""Compression of what phones load: participants' pages and static files.

Staff pages stay as they are: they hold form secrets beside text that somebody else may have
chosen, and compression would let the length of an answer tell of the secret.
"""

from __future__ import annotations

import gzip
from collections.abc import Collection

from flask import Flask, Response, request

LEAST = 500
TYPES = ("text/", "application/json", "image/svg+xml")


def pack_answers(app: Flask, blueprints: Collection[str]) -> None:
    """Answers of these blueprints and static files are gzipped for whoever takes that."""

    @app.after_request
    def _pack(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        if request.endpoint != "static" and request.blueprint not in blueprints:
            return response
        response.vary.add("Accept-Encoding")
        if _wanted(response):
            response.direct_passthrough = False
            packed = gzip.compress(response.get_data(), 9, mtime=0)
            response.set_data(packed)
            response.headers["Content-Encoding"] = "gzip"
            response.headers.pop("ETag", None)
        return response


def _wanted(response: Response) -> bool:
    return (
        request.accept_encodings["gzip"] > 0
        and response.status_code == 200
        and not response.headers.get("Content-Encoding")
        and (response.content_type or "").startswith(TYPES)
        and (response.content_length or LEAST) >= LEAST
    )
