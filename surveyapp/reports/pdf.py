"""From HTML to PDF, in a process of its own.

WeasyPrint keeps memory it once took and may take long, so it never runs inside a web worker: a
`Renderer` starts one child process on first use, gives it one document at a time, replaces it
after a number of documents, and kills it when a document takes too long. Nothing is fetched, not
even a local file: a document carries all it needs. The same HTML gives the same bytes, tagged as
PDF/UA-1 asks.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, cast

from .tagged import CHART, finish, with_images

VARIANT = "pdf/ua-1"
MAX_ROWS = 4000
MAX_BYTES = 4_000_000
TIMEOUT = 60.0
DOCUMENTS = 50


class RenderError(RuntimeError):
    """A document could not be rendered; the message is a sentence for people."""


@dataclass
class _Child:
    process: BaseProcess
    pipe: Connection[Any, Any]
    rendered: int = 0


class Renderer:
    """Renders documents one at a time, from any thread. Call `close` (or use `with`) at the end."""

    def __init__(self, timeout: float = TIMEOUT, documents: int = DOCUMENTS) -> None:
        self.timeout = timeout
        self._documents = documents
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process's id, None before the first document and after `close`."""
        return self._child.process.pid if self._child else None

    def render(self, html: str) -> bytes:
        """The PDF of a whole HTML document. Raises RenderError, after which it can be used on."""
        check_size(html)
        with self._lock:
            fresh = self._ready().rendered == 0
            try:
                answer = self._ask(html)
            except EOFError:
                # A process that ended while it was idle is nobody's fault; one more try.
                answer = None if fresh else self._again(html)
        if answer is None:
            raise RenderError("The report's process ended before it was done.")
        if isinstance(answer, str):
            raise RenderError(f"The report could not be drawn: {answer}")
        return answer

    def _ask(self, html: str) -> bytes | str:
        """The child's answer. Raises EOFError when it has ended, RenderError when it is late."""
        child = self._ready()
        try:
            child.pipe.send(html)
            if child.pipe.poll(self.timeout):
                child.rendered += 1
                return child.pipe.recv()
        except (EOFError, OSError) as error:
            self._stop()
            raise EOFError from error
        self._stop()
        raise RenderError(f"The report took longer than {self.timeout:g} seconds.")

    def _again(self, html: str) -> bytes | str | None:
        try:
            return self._ask(html)
        except EOFError:
            return None

    def start(self) -> None:
        """Start the process now, so that the first report need not wait for it."""
        with self._lock:
            self._ready()

    def close(self) -> None:
        """End the process. The renderer may be used again and then starts another."""
        with self._lock:
            self._stop()

    def _ready(self) -> _Child:
        if self._child is not None and self._child.rendered >= self._documents:
            self._stop()
        if self._child is None or not self._child.process.is_alive():
            self._stop()
            self._child = _start()
        return self._child

    def _stop(self) -> None:
        if self._child is None:
            return
        self._child.pipe.close()
        self._child.process.kill()
        self._child.process.join()
        self._child.process.close()
        self._child = None


def _start() -> _Child:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), name="report-renderer", daemon=True)
    process.start()
    theirs.close()
    return _Child(process, cast("Connection[Any, Any]", ours))


def _serve(pipe: Connection[Any, Any]) -> None:
    """The child: answers each document with its bytes, or with a sentence when it fails.

    Rubbish is collected between documents, while nobody waits; what was there before the first is
    not looked through again each time, since the next document may be waiting after all.
    """
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    render_here("<title>warm</title><p>Fonts are found once.</p>")
    gc.collect()
    gc.freeze()
    while True:
        try:
            html = pipe.recv()
        except EOFError:
            return
        try:
            answer: bytes | str = render_here(html)
        except Exception as error:  # a faulty document must not end the process
            answer = str(error) or type(error).__name__
        pipe.send(answer)
        gc.collect()


def check_size(html: str) -> None:
    """Raises RenderError for a document too large to be worth its memory."""
    rows = html.count("<tr")
    if rows > MAX_ROWS or len(html) > MAX_BYTES:
        raise RenderError(f"The report is too large: {rows} rows, at most {MAX_ROWS} are printed.")


def render_here(html: str) -> bytes:
    """The PDF, made in this process. For the renderer's child, the command line and tests."""
    import weasyprint
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    class Nothing(URLFetcher):
        """Refuses all but charts that stand in the document, and remembers the first."""

        refused = ""

        def fetch(self, url: str, headers: object = None) -> Any:
            if url.startswith(CHART):
                return cast(Any, super()).fetch(url, headers)
            self.refused = self.refused or f"A report may not fetch {url[:100]!r}."
            raise FatalURLFetchingError(self.refused)

    check_size(html)
    fetcher = Nothing()
    given = {"url_fetcher": fetcher, "base_url": "about:blank"}
    document = cast(Any, weasyprint.HTML)(string=with_images(html), **given)
    try:
        written = cast(bytes, document.write_pdf(pdf_variant=VARIANT, finisher=finish))
    except FatalURLFetchingError as error:
        raise RenderError(fetcher.refused) from error
    if fetcher.refused:  # by an image within a figure, which WeasyPrint would leave out in silence
        raise RenderError(fetcher.refused)
    return written
