"""The production web server: gunicorn with a few sync workers, each with its own database pool.

Sync workers gave steadier durable writes than threads when measured. Web processes never
checkpoint SQLite's write-ahead log; the worker does.
"""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication

from ..config import Settings
from ..services.errors import SetupError
from ..services.site import open_site
from .app import create_app

GRACE_SECONDS = 8
REQUEST_SECONDS = 60


def system_clock() -> datetime:
    return datetime.now(UTC)


class Server(BaseApplication):
    """gunicorn, configured from code."""

    def __init__(self, settings: Settings, options: dict[str, Any]) -> None:
        self._site_settings = settings
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Any:
        site = open_site(self._site_settings, checkpoints=False)
        app = create_app(site, system_clock)
        # What lives as long as the process need not be looked at over and over: a full pass of the
        # garbage collector took as long as a page.
        gc.collect()
        gc.freeze()
        return app


def serve(settings: Settings, bind: str, workers: int) -> None:
    """Run until SIGTERM; ends within 10 s of it. Raises SetupError."""
    if not settings.public_url:
        raise SetupError("Set SURVEYAPP_PUBLIC_URL: the address that links in messages start with.")
    # Say now, in one sentence, what would otherwise fail in every worker.
    open_site(settings).database.close()
    structlog.get_logger("web").info("serving", bind=bind, workers=workers)
    options = {
        "bind": bind,
        "workers": workers,
        "graceful_timeout": GRACE_SECONDS,
        "timeout": REQUEST_SECONDS,
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "proc_name": "surveyapp",
    }
    Server(settings, options).run()
