"""Bodies that no page sends, refused before anything else reads them.

The libraries that read forms take JSON for one and break on a part without a name. PostgreSQL
takes no text with a NUL, which nobody types.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, request

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "")
MULTIPART = "multipart/form-data"
NUL = "\x00"
OURS, ELSEWHERE = "staff", "hooks"


def refuse_odd_bodies(app: Flask) -> None:
    """To be called before whatever else looks at a request's form."""

    @app.before_request
    def _refuse() -> None:  # pyright: ignore[reportUnusedFunction]
        if NUL in request.path:
            abort(404)
        if any(NUL in text for pair in request.args.items(multi=True) for text in pair):
            abort(400)
        if request.method != "POST" or request.blueprint == ELSEWHERE:
            return
        if request.blueprint == OURS and request.mimetype not in FORMS:
            abort(400)
        if request.mimetype == MULTIPART:
            names: set[object] = {*request.form, *request.files}
            if None in names:
                abort(400)
        if request.mimetype in FORMS:
            sent: Any = request.form.items(multi=True)
            if any(NUL in text for pair in sent for text in pair):
                abort(400)
