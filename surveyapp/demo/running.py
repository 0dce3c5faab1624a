"""Running the demo: web server, worker and mail server in one process, over a study of its own."""

from __future__ import annotations

import http.client
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType
from urllib.parse import urlsplit

from ..config import Settings, load_keys, make_keys
from ..delivery.email import SmtpMailer
from ..services.errors import SetupError
from ..services.site import Site, assemble
from ..store import schema
from ..store.database import Database
from ..study.library import load_library
from ..study.schedule import waking
from ..web import demo as pages
from ..web import parts
from ..web.app import create_app
from ..web.local import LocalServer
from ..worker import start
from .clock import DemoClock
from .cohort import ENDS
from .folder import chosen_data_dir, demo_folder, demo_settings
from .mail import MailSink
from .outlook import ZONE
from .seed import StaffDoor, add_staff, seed
from .stage import PlayedTicker, Stage

READY_SECONDS = 25
FIRST_STEPS = (
    "The demo is empty. Sign in with the line above, choose Retreats, Add a retreat with a dosing"
    " day a few days ahead, and add people with addresses such as first@example.org. Record their"
    " consent; then move the clock in the bar. Ctrl-C ends the demo."
)
SEEDED = (
    "Open the participant's link, or sign in as staff and move the clock in the bar; messages that"
    " were sent are in its inbox. Everything is synthetic. Ctrl-C ends the demo."
)


@dataclass(frozen=True)
class Doors:
    """Where to begin: a participant's link (empty without seed), and the staff's side."""

    participant: str
    staff_url: str
    staff: StaffDoor

    def lines(self) -> list[str]:
        participant = [f"participant: {self.participant}"] if self.participant else []
        return [*participant, f"staff: {self.staff_url} {self.staff.email} {self.staff.password}"]


def run(
    port: int, *, seeded: bool, say: Callable[[str], None], result: Callable[[str], None]
) -> None:
    """Run until SIGTERM or SIGINT; `result` gets the two lines once the site answers.

    Raises SetupError when the port or the folder cannot be used.
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with staged(port, seeded=seeded) as doors:
        for line in doors.lines():
            result(line)
        say(SEEDED if seeded else FIRST_STEPS)
        stopped.wait()


@contextmanager
def staged(port: int, *, seeded: bool) -> Generator[Doors]:
    """A running demo; everything is stopped and its temporary folder removed at the end."""
    with demo_folder(chosen_data_dir()) as folder:
        server = _bound(port)
        clock = DemoClock(waking(max(datetime.now(UTC), ENDS), ZONE))
        sink = MailSink(clock)
        site = _new_site(demo_settings(folder, server.url, sink.url))
        staff = add_staff(site, clock())
        participant = seed(site, clock()) if seeded else ""
        ticker = PlayedTicker(site, SmtpMailer(sink.url), clock, "demo")
        stage = Stage(site, clock, ticker, sink)
        blueprints = [pages.make_blueprint(stage), parts.make_blueprint(site, clock)]
        sink.start()
        server.start(create_app(site, clock, blueprints))
        scheduler = start(ticker)
        try:
            _wait_until_healthy(server.url)
            yield Doors(participant, f"{server.url}/staff/", staff)
        finally:
            ticker.stopping.set()
            scheduler.shutdown(wait=False)
            server.stop()
            sink.stop()
            site.renderer.close()
            site.database.close()


def _bound(port: int) -> LocalServer:
    try:
        return LocalServer(port)
    except (OSError, OverflowError, SystemExit) as error:
        raise SetupError(
            f"Port {port} cannot be used: another program may be using it. Name another one with"
            " --port."
        ) from error


def _new_site(settings: Settings) -> Site:
    make_keys(settings)
    database = Database(settings.database)
    schema.migrate(database)
    return assemble(settings, load_keys(settings), database, load_library(settings.instruments))


def _wait_until_healthy(url: str) -> None:
    """Raises SetupError when the site does not answer in time."""
    host = urlsplit(url).netloc
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        connection = http.client.HTTPConnection(host, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            # Nobody listens yet; like any answer but 200 that is a reason to look again.
            pass
        finally:
            connection.close()
        time.sleep(0.1)  # between two looks at a server that starts; health decides
    raise SetupError("The demo did not start in time.")
