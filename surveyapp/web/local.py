"""A threaded web server for the demo, on this machine alone; production runs gunicorn."""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """Addresses hold links, so requests are not logged here; the application logs routes."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


class LocalServer:
    """Bound at once, serving from `start` to `stop`; `port` 0 takes a free one."""

    def __init__(self, port: int) -> None:
        self._app: Flask | None = None
        self._server: Any = make_server(
            HOST, port, self._answer, threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_port}"

    def start(self, app: Flask) -> None:
        self._app = app
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: Any, start_response: Any) -> Any:
        assert self._app is not None
        return self._app(environ, start_response)
