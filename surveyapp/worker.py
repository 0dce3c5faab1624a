"""The worker: sends what is due, over and over. APScheduler is only its ticker.

One job in UTC, never two at once, never dropped for being late; no job per prompt and no local
times. A window that fails is put off for ten minutes, so that it cannot block the others. On
SIGTERM the message in hand is finished if that takes no longer than eight seconds; after that the
lease brings it back.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from .config import Settings
from .delivery.email import Mailer, SmtpMailer
from .services import prompting
from .services.errors import SetupError
from .services.health import beat
from .services.site import Site, open_site
from .store.prompts import Key

TICK_SECONDS = 5
SWEEP_HOURS = 24
PUT_OFF = timedelta(minutes=10)
BEAT_EVERY = timedelta(seconds=20)
GRACE_SECONDS = 8

Clock = Callable[[], datetime]

log = structlog.get_logger("worker")


class Ticker:
    """What one tick does. `name` is unique to this process."""

    def __init__(self, site: Site, mailer: Mailer, clock: Clock, name: str = "") -> None:
        self._site = site
        self._mailer = mailer
        self._clock = clock
        self._name = name or f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self._put_off: dict[Key, datetime] = {}
        self._trouble = ""
        self._last_beat = datetime.min.replace(tzinfo=UTC), ""
        self.stopping = threading.Event()

    def tick(self) -> int:
        """Look at everything that is due; the number of messages handed over."""
        sent = 0
        self._beat()
        while not self.stopping.is_set():
            keys = prompting.due(self._site, self._clock(), self._waiting())
            if not keys:
                break
            sent += sum(self._look_at(key) for key in keys if not self.stopping.is_set())
            self._beat()
        return sent

    def sweep(self) -> None:
        """The daily check that the kept windows equal their derivation."""
        wrong = prompting.sweep(self._site)
        if wrong:
            log.error("windows differed from their derivation and were mended", courses=wrong)

    def _waiting(self) -> list[Key]:
        now = self._clock()
        self._put_off = {key: until for key, until in self._put_off.items() if until > now}
        return list(self._put_off)

    def _look_at(self, key: Key) -> bool:
        try:
            return self._send(key)
        except Exception as error:  # one bad row must not stop the others
            self._put_off[key] = self._clock() + PUT_OFF
            self._trouble = f"a prompt could not be processed ({type(error).__name__})"
            log.exception("a window failed and is put off", course=key[0], timepoint=key[1])
            return False

    def _send(self, key: Key) -> bool:
        job = prompting.claim(self._site, key[0], self._name, self._clock())
        if job is None or not prompting.recheck(self._site, job, self._clock()):
            return False
        outcome = self._mailer.send(job.message, job.recipient)
        prompting.record(self._site, job, outcome, self._clock())
        self._trouble = outcome.detail if outcome.kind in ("transient", "unknown") else ""
        log.info("message", prompts=job.prompt_ids, outcome=outcome.kind, detail=outcome.detail)
        self._beat()
        return outcome.kind == "accepted"

    def _beat(self) -> None:
        """At most every 20 s, unless there is something new to say: each costs a durable write."""
        now = self._clock()
        last_at, last_trouble = self._last_beat
        if abs(now - last_at) >= BEAT_EVERY or self._trouble != last_trouble:
            beat(self._site, self._name, now, self._trouble)
            self._last_beat = now, self._trouble


def start(ticker: Ticker) -> Any:
    """Start ticking in the background; the caller shuts the returned scheduler down (APScheduler
    has no type stubs)."""
    scheduler: Any = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    now = datetime.now(UTC)
    scheduler.add_job(ticker.tick, "interval", seconds=TICK_SECONDS, next_run_time=now)
    scheduler.add_job(ticker.sweep, "interval", hours=SWEEP_HOURS, next_run_time=now)
    scheduler.start()
    return scheduler


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; ends within 10 s of it. Raises SetupError."""
    if not settings.public_url:
        raise SetupError("Set SURVEYAPP_PUBLIC_URL: the address that links in messages start with.")
    site = open_site(settings)
    ticker = Ticker(site, SmtpMailer(settings.smtp_url), lambda: datetime.now(UTC))
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        ticker.stopping.set()
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler = start(ticker)
    log.info("working", every_seconds=TICK_SECONDS)
    stopped.wait()
    _shut_down(scheduler)


def _shut_down(scheduler: Any) -> None:
    waiter = threading.Thread(target=scheduler.shutdown, daemon=True)
    waiter.start()
    waiter.join(GRACE_SECONDS)
    if waiter.is_alive():
        log.warning("a message was still in hand; its lease brings it back")
        # The scheduler's thread would keep the interpreter waiting for the mail server.
        os._exit(0)
