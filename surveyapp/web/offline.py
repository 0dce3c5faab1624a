"""What a phone keeps for a time without connection: the service worker and the help page.

The page puts the copies into the phone's caches itself, once it has been shown; nothing here
delays the first question. There is no install manifest: Safari keeps installed pages apart from
the browser's, and answers would be left behind there.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from .. import texts
from ..services import visits
from ..services.site import Site
from .inline import STATIC, lean_script
from .participant import cookie_of, readers_language


def make_blueprint(site: Site) -> Blueprint:
    """`/sw.js`, `/help` and `/q/VISIT/help`, which knows the study's own numbers."""
    blueprint = Blueprint("offline", __name__)

    @blueprint.get("/sw.js")
    def worker() -> Response:  # pyright: ignore[reportUnusedFunction]
        script = lean_script((STATIC / "sw.js").read_text(encoding="utf-8"))
        return Response(script, mimetype="text/javascript")

    @blueprint.get("/help")
    @blueprint.get("/q/<visit>/help")
    def help_page(visit: str = "") -> str:  # pyright: ignore[reportUnusedFunction]
        secret = request.cookies.get(cookie_of(visit), "")
        lines, language = visits.help_lines(site, visit, secret)
        with texts.speaking(language or readers_language()):
            return render_template(
                "participant/help.html", lines=lines, language=texts.spoken(), notice=""
            )

    return blueprint
