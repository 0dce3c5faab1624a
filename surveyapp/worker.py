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
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from .config import Settings
from .delivery.email import Mailer, SmtpMailer
from .delivery.outcome import Outcome
from .services import prompting
from .services.errors import SetupError
from .services.health import beat
from .services.prompting import Job
from .services.site import Site, open_site
from .store.prompts import Key

TICK_SECONDS = 5
SWEEP_HOURS = 24
PUT_OFF = timedelta(minutes=10)
BEAT_EVERY = timedelta(seconds=20)
BEAT_SECONDS = 15
STUCK_SECONDS = 90.0
LANES = 6
AWAY_SECONDS = (5.0, 10.0, 20.0, 30.0)
GRACE_SECONDS = 8

Clock = Callable[[], datetime]

log = structlog.get_logger("worker")


class Ticker:
    """What one tick does. `name` is unique to this process.

    Several messages are on their way to the mail server at once, so that a recipient at whom it
    hangs delays nobody; but one at a time is handed over and written down, so that a worker that is
    killed leaves at most one of which nobody knows. A server that is away is asked again after a
    pause, and nothing is claimed meanwhile.
    """

    def __init__(self, site: Site, mailer: Mailer, clock: Clock, name: str = "") -> None:
        self._site = site
        self._mailer = mailer
        self._clock = clock
        self._name = name or f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self._put_off: dict[Key, datetime] = {}
        self._trouble = ""
        self._away = 0
        self._ask_again = 0.0
        self._last_beat = datetime.min.replace(tzinfo=UTC), ""
        self._progress = time.monotonic()
        self._one_at_a_time = threading.Lock()
        self.stopping = threading.Event()

    def tick(self) -> int:
        """Look at everything that is due; the number of messages handed over."""
        self._progress = time.monotonic()
        self.beat()
        sent = 0
        if self._may_send():
            with ThreadPoolExecutor(LANES, "lane") as lanes:
                sent = self._send_all(lanes)
            self._mailer.rest()
        self.beat()
        return sent

    def sweep(self) -> None:
        """The daily check that the kept windows equal their derivation."""
        wrong = prompting.sweep(self._site)
        if wrong:
            log.error("windows differed from their derivation and were mended", courses=wrong)

    def beat(self) -> None:
        """At most every 20 s, unless there is something new to say: each costs a durable write.

        Nothing while a tick has made no progress for long: a worker that is stuck is silent.
        """
        now = self._clock()
        last_at, last_trouble = self._last_beat
        if time.monotonic() - self._progress > STUCK_SECONDS:
            return
        if abs(now - last_at) >= BEAT_EVERY or self._trouble != last_trouble:
            beat(self._site, self._name, now, self._trouble)
            self._last_beat = now, self._trouble

    def _send_all(self, lanes: ThreadPoolExecutor) -> int:
        """Claim what is due and let the lanes hand it over, until nothing is due."""
        flying: set[Future[bool]] = set()
        sent = 0
        while not self.stopping.is_set() and not self._away:
            keys = prompting.due(self._site, self._clock(), self._waiting())
            if not keys:
                break
            flying |= {lanes.submit(self._deliver, job) for job in self._claim(keys)}
            while len(flying) > LANES:
                done, flying = wait(flying, return_when=FIRST_COMPLETED)
                sent += sum(future.result() for future in done)
            self._progress = time.monotonic()
        return sent + sum(future.result() for future in flying)

    def _may_send(self) -> bool:
        """Whether the mail server is there; one that was away is asked, not tried with messages."""
        if not self._away:
            return True
        if time.monotonic() < self._ask_again:
            return False
        hindrance = self._mailer.probe()
        if hindrance is None:
            self._away, self._trouble = 0, ""
            return True
        self._is_away(hindrance)
        return False

    def _is_away(self, outcome: Outcome) -> None:
        pause = AWAY_SECONDS[min(self._away, len(AWAY_SECONDS) - 1)]
        self._away += 1
        self._ask_again = time.monotonic() + pause
        self._trouble = outcome.detail

    def _waiting(self) -> list[Key]:
        now = self._clock()
        self._put_off = {key: until for key, until in self._put_off.items() if until > now}
        return list(self._put_off)

    def _claim(self, keys: Sequence[Key]) -> list[Job]:
        try:
            ids = {course for course, _ in keys}
            return prompting.claim_all(self._site, ids, self._name, self._clock())
        except Exception:  # one bad row must not stop the others, so each is tried alone
            return [job for key in keys for job in self._claim_alone(key)]

    def _claim_alone(self, key: Key) -> list[Job]:
        try:
            return prompting.claim_all(self._site, [key[0]], self._name, self._clock())
        except Exception as error:
            self._put_off[key] = self._clock() + PUT_OFF
            self._trouble = f"a prompt could not be processed ({type(error).__name__})"
            log.exception("a window failed and is put off", course=key[0], timepoint=key[1])
            return []

    def _deliver(self, job: Job) -> bool:
        """Hand one message over; True when the server has it. Never raises."""
        try:
            return self._hand_over(job)
        except Exception as error:  # its lease brings it back
            self._trouble = f"a message could not be processed ({type(error).__name__})"
            log.exception("a message failed", prompts=job.prompt_ids)
            return False

    def _hand_over(self, job: Job) -> bool:
        if self.stopping.is_set() or self._away:
            why = self._trouble or "the worker was stopped"
            prompting.give_back(self._site, [job], why, self._clock())
            return False
        found = self._mailer.offer(job.message, job.recipient)
        if isinstance(found, Outcome):
            return self._record(job, found)
        with self._one_at_a_time:
            if not prompting.recheck(self._site, job, self._clock()):
                found.leave()
                return False
            return self._record(job, found.finish())

    def _record(self, job: Job, outcome: Outcome) -> bool:
        prompting.record(self._site, job, outcome, self._clock())
        log.info("message", prompts=job.prompt_ids, outcome=outcome.kind, detail=outcome.detail)
        if outcome.ours and not self._away:
            self._is_away(outcome)
        elif not outcome.ours:
            self._trouble = outcome.detail if outcome.kind == "unknown" else ""
        self._progress = time.monotonic()
        return outcome.kind == "accepted"


def start(ticker: Ticker) -> Any:
    """Start ticking in the background; the caller shuts the returned scheduler down (APScheduler
    has no type stubs)."""
    scheduler: Any = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    now = datetime.now(UTC)
    scheduler.add_job(ticker.tick, "interval", seconds=TICK_SECONDS, next_run_time=now)
    scheduler.add_job(ticker.beat, "interval", seconds=BEAT_SECONDS)
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
