"""The Flask application: configuration, security headers, errors, and the health page.

The content security policy allows scripts, styles and requests to this host alone; the one style
and the one script that stand inside the participants' pages are named by their hashes. Every page
but static files is `no-store`. Request logs name the route, never
the address, because addresses hold links.
"""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Flask, Response, g, jsonify, render_template, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from .. import texts
from ..resources import resource
from ..services.backup import state as backups
from ..services.errors import GoneError, InputError, NotFoundError, RefusedError
from ..services.health import health
from ..services.site import Site
from ..store.database import DatabaseUnavailableError
from . import handover, hooks, inline, messages, offline, participant, staff
from .bodies import refuse_odd_bodies
from .numbers import ShortNumber
from .packing import pack_answers
from .security import protect, wall_clock
from .staff.wordings import MOST_POSTED

Clock = Callable[[], datetime]

MAX_BODY = 64 * 1024
LARGER = {"staff.install_wording": MOST_POSTED}
SESSION_LIFE = timedelta(days=31)
POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'self' {inline.SCRIPT_HASH}",
        f"style-src 'self' {inline.STYLE_HASH}",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HTTPS_ONLY = "max-age=31536000; includeSubDomains"
SENTENCES = {
    400: "The request was not what this page sends. Nothing was changed.",
    403: "You may not open this page.",
    404: "There is nothing at this address.",
    405: "There is nothing at this address.",
    413: "That was too much to take at once. Nothing was changed.",
    429: "Too many tries. Wait a minute and try again.",
    503: "The system is not available just now. Try again in a minute.",
}
OURS = {InputError: 400, RefusedError: 403, NotFoundError: 404, GoneError: 410}
UNAVAILABLE = 503
OTHERWISE = "Something went wrong here, and it was recorded. Try again in a minute."

log = structlog.get_logger("web")


def create_app(
    site: Site, clock: Clock, extra: Sequence[Blueprint] = (), wall: Clock = wall_clock
) -> Flask:
    """The application over one site. `clock` gives the aware time, `wall` the one that sign-ins
    last by, which a demo does not move; `extra` are more blueprints."""
    app = Flask(
        "surveyapp",
        template_folder=resource("templates"),
        static_folder=_static(),
        root_path=str(_static()),
    )
    _configure(app, site)
    _take_more(app)
    refuse_odd_bodies(app)
    csrf = CSRFProtect(app)
    _dress(app, site)
    protect(app, site, wall)
    pages = participant.make_blueprint(site, clock)
    # Flask-WTF has no type stubs.
    cast(Any, csrf).exempt(pages)
    handed = handover.make_blueprint(site, clock)
    cast(Any, csrf).exempt(handed)
    about_messages = messages.make_blueprint(site, clock)
    cast(Any, csrf).exempt(about_messages)
    hooked = hooks.make_blueprint(site, clock)
    cast(Any, csrf).exempt(hooked)
    kept = offline.make_blueprint(site)
    for blueprint in (
        pages,
        handed,
        about_messages,
        hooked,
        kept,
        staff.make_blueprint(site, clock),
        *extra,
    ):
        app.register_blueprint(blueprint)
    pack_answers(app, (pages.name, handed.name, about_messages.name, kept.name))
    _health_page(app, site, clock)
    _errors(app)
    _log_requests(app)
    if site.settings.trusted_proxies:
        n = site.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)
    return app


def _static() -> Path:
    return Path(__file__).parent / "static"


def _configure(app: Flask, site: Site) -> None:
    app.url_map.converters["int"] = ShortNumber
    https = site.settings.is_https
    host = urlsplit(site.settings.public_url).hostname or "localhost"
    config: Any = app.config
    config.update(
        SECRET_KEY=site.keys.derive("sessions").hex(),
        WTF_CSRF_SECRET_KEY=site.keys.derive("forms").hex(),
        # A page may stay open for weeks, see docs; the session outlives it.
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        TRUSTED_HOSTS=list(dict.fromkeys([host, "localhost", "127.0.0.1"])),
        SESSION_COOKIE_NAME="__Host-session" if https else "session",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        PREFERRED_URL_SCHEME="https" if https else "http",
    )


def _take_more(app: Flask) -> None:
    """Let the pages that take files have more than the others, before anything reads the body."""

    @app.before_request
    def _limit() -> None:  # pyright: ignore[reportUnusedFunction]
        if (most := LARGER.get(request.endpoint or "")) is not None:
            request.max_content_length = request.max_form_memory_size = most


def _dress(app: Flask, site: Site) -> None:
    """Headers for every answer; the words, dates and numbers of `texts` for every template."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    install: Any = vars(app.jinja_env)["install_gettext_callables"]
    install(texts.gettext, texts.ngettext, newstyle=True)
    own = texts.environment().filters
    app.jinja_env.filters.update({name: own[name] for name in own if hasattr(texts, name)})
    shared: Any = app.jinja_env.globals
    shared.update(direction=texts.direction, languages=texts.LANGUAGES)
    shared.update(asset=_asset, site_name=site.settings.site_name)
    shared.update(inline_script=inline.script, inline_style=inline.style)

    @app.after_request
    def _headers(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if site.settings.is_https:
            response.headers["Strict-Transport-Security"] = HTTPS_ONLY
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def _asset(name: str) -> str:
    """The address of a static file, with its hash, so that browsers may keep it for a year.

    Made by hand: the page that refuses a foreign host has no routes to ask.
    """
    return f"{request.script_root}/static/{name}?v={_hash(name)}"


@functools.cache
def _hash(name: str) -> str:
    return hashlib.sha256((_static() / name).read_bytes()).hexdigest()[:10]


def _health_page(app: Flask, site: Site, clock: Clock) -> None:
    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:  # pyright: ignore[reportUnusedFunction]
        """200 while the database answers; with ?worker=1 also 503 when the worker is silent."""
        found = health(site, clock())
        wants_worker = request.args.get("worker") == "1"
        bad = not found.database or (wants_worker and found.worker_silent)
        body = jsonify(
            database="ok" if found.database else "unavailable",
            worker="silent" if found.worker_silent else "ok",
            last_tick=found.last_tick.isoformat() if found.last_tick else None,
            backups=backups.word(site, clock()) if found.database else "unknown",
        )
        return body, 503 if bad else 200


def _errors(app: Flask) -> None:
    def page(error: Exception) -> tuple[str, int]:
        code, sentence = _code_and_sentence(error)
        if code >= 500:
            # The exception's own text may hold what somebody typed, so its kind alone is logged.
            log.error("request failed", route=str(request.url_rule), kind=type(error).__name__)
        return render_template("error.html", sentence=sentence), code

    app.register_error_handler(Exception, page)


def _code_and_sentence(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        code = error.code or 500
        return code, SENTENCES.get(code, OTHERWISE)
    if isinstance(error, DatabaseUnavailableError):
        return UNAVAILABLE, SENTENCES[UNAVAILABLE]
    for kind, code in OURS.items():
        if isinstance(error, kind):
            return code, str(error)
    return 500, OTHERWISE


def _log_requests(app: Flask) -> None:
    @app.before_request
    def _start() -> None:  # pyright: ignore[reportUnusedFunction]
        g.started = time.perf_counter()

    @app.after_request
    def _log(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        log.info(
            "request",
            method=request.method,
            route=str(request.url_rule),
            status=response.status_code,
            ms=round(1000 * (time.perf_counter() - g.get("started", time.perf_counter())), 1),
        )
        return response
