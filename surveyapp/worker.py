"""The worker: sends what is due, over and over. APScheduler is only its ticker.

One job in UTC, never two at once, never dropped for being late; no job per prompt and no local
times. A window that fails is put off for ten minutes, so that it cannot block the others. On
SIGTERM the message in hand is finished within eight seconds, or the lease brings it back.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import FrameType
from typing import Any

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from .config import Settings
from .delivery.door import Door
from .delivery.email import Mailer, Offer, SmtpMailer
from .delivery.outcome import Outcome
from .delivery.ping import Pinger
from .delivery.texting import Texter
from .services import (
    alert_messages,
    batch,
    digest_messages,
    duties,
    instance,
    outcomes,
    prompting,
)
from .services.alert_messages import Told
from .services.clockwatch import ClockWatch
from .services.errors import SetupError
from .services.health import beat
from .services.prompting import Job
from .services.site import Site, open_site
from .store.prompts import Key

TICK_SECONDS = 5
SWEEP_HOURS = 24
DUTY_SECONDS = 60
PUT_OFF = timedelta(minutes=10)
BEAT_EVERY = timedelta(seconds=20)
BEAT_SECONDS = 15
STUCK_SECONDS = 90.0
LANES = 6
OFTEN = 5
AWAY_SECONDS = (5.0, 10.0, 20.0, 30.0)
GRACE_SECONDS = 8
ALERT_PATIENCE_SECONDS = 8.0
DIGEST_PATIENCE_SECONDS = 2.0
RECORD_PAUSES = (0.2, 1.0, 3.0, 10.0)

Clock = Callable[[], datetime]

log = structlog.get_logger("worker")


@dataclass
class Beside:
    """Messages with a thread of their own: where the mail server hangs at one, prompts go ahead
    after `patience` seconds, as they do for one another."""

    name: str
    is_due: Callable[[Site, datetime], bool]
    send: Callable[[Site, Mailer, Clock, threading.Event], Told]
    patience: float
    thread: threading.Thread = field(default_factory=threading.Thread)
    told: int = 0


class Ticker:
    """What one tick does. `name` is unique to this process.

    Several messages are on their way to the mail server at once, so that a recipient at whom it
    hangs delays nobody; but one at a time (of each channel) is handed over and written down, so
    that a worker that is killed leaves at most one of which nobody knows, besides those at which
    the server hangs. A server that is away is asked again after a pause, and nothing is claimed
    meanwhile.
    """

    def __init__(
        self,
        site: Site,
        mailer: Mailer,
        clock: Clock,
        name: str = "",
        watch: ClockWatch | None = None,
    ) -> None:
        self._watch = watch
        self._site = site
        self._mailer = mailer
        self._clock = clock
        self._name = name or f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"
        self._put_off: dict[Key, datetime] = {}
        self._trouble = ""
        self._away = 0
        self._clock_held = False
        self._ask_again = 0.0
        self._last_beat = datetime.min.replace(tzinfo=UTC), ""
        self._progress = time.monotonic()
        self._doors = {kind: Door() for kind in outcomes.CHANNELS}
        alerts, digests = alert_messages, digest_messages
        patience = ALERT_PATIENCE_SECONDS, DIGEST_PATIENCE_SECONDS
        self._alerts = Beside("an alert", alerts.is_due, alerts.send_due, patience[0])
        self._digests = Beside("a digest", digests.is_due, digests.send_due, patience[1])
        self.stopping = threading.Event()

    def tick(self) -> int:
        """Look at everything that is due; the number of messages handed over."""
        self._progress = time.monotonic()
        self.beat()
        sent = 0
        if self._clock_is_sound() and self._may_send():
            sent = self._send_beside(self._alerts)
            with ThreadPoolExecutor(LANES, "lane") as lanes:
                sent += self._send_all(lanes)
            if not self._away:
                sent += self._send_beside(self._digests)
            self._mailer.rest()
        self.beat(at_once=sent > 0)
        return sent

    @property
    def is_well(self) -> bool:
        """Whether nothing hinders or holds the messages."""
        return not self._trouble and instance.held(self._site) is None

    def sweep(self) -> None:
        """The daily check that the kept windows equal their derivation; old files go."""
        batch.tidy(self._site, self._clock())
        wrong = prompting.sweep(self._site)
        if wrong:
            log.error("windows differed from their derivation and were mended", courses=wrong)

    def attend(self) -> None:
        """What is done beside sending: `services.duties`."""
        duties.attend(self._site, self._mailer, self._clock())

    def beat(self, *, at_once: bool = False) -> None:
        """At most every 20 s, unless there is something new to say: each costs a durable write.

        After messages it beats `at_once`, so that a backup from before them is known as older.
        Nothing while a tick has made no progress for long: a worker that is stuck is silent.
        """
        now = self._clock()
        last_at, last_trouble = self._last_beat
        if time.monotonic() - self._progress > STUCK_SECONDS:
            return
        if at_once or abs(now - last_at) >= BEAT_EVERY or self._trouble != last_trouble:
            beat(self._site, self._name, now, self._trouble)
            self._last_beat = now, self._trouble
            if self._watch is not None:
                instance.remember(self._site, now)

    def _send_beside(self, way: Beside) -> int:
        """Send what is due, in its own thread; how many the mail server took until now."""
        if way.thread.is_alive() or not way.is_due(self._site, self._clock()):
            return 0
        way.told = 0
        way.thread = threading.Thread(target=self._tell, args=(way,), name=way.name, daemon=True)
        way.thread.start()
        way.thread.join(way.patience)
        return way.told

    def _tell(self, way: Beside) -> None:
        try:
            told = way.send(self._site, self._mailer, self._clock, self.stopping)
        except Exception as error:  # its lease brings the message back
            self._trouble = f"{way.name} could not be told ({type(error).__name__})"
            log.exception("a message failed", about=way.name)
            return
        way.told = told.sent
        if told.away is not None:
            self._is_away(told.away)

    def _send_all(self, lanes: ThreadPoolExecutor) -> int:
        """Claim what is due and let the lanes hand it over, until nothing is due.

        What comes back over and over, because somebody else has it locked, is left to the next
        tick.
        """
        flying: set[Future[bool]] = set()
        looked: Counter[Key] = Counter()
        sent = 0
        while not self.stopping.is_set() and not self._away and self._clock_is_sound():
            often = [key for key, count in looked.items() if count >= OFTEN]
            keys = prompting.due(self._site, self._clock(), [*self._waiting(), *often])
            looked.update(keys)
            if not keys and not flying:
                break
            flying |= {lanes.submit(self._deliver, job) for job in self._claim(keys)}
            # Once nothing is due, what comes back may be: a refused address has another channel.
            while len(flying) > LANES or (flying and not keys):
                done, flying = wait(flying, return_when=FIRST_COMPLETED)
                sent += sum(future.result() for future in done)
            self._progress = time.monotonic()
        return sent + sum(future.result() for future in flying)

    @property
    def _clock_jumped(self) -> bool:
        return self._watch is not None and self._watch.jumped

    def _clock_is_sound(self) -> bool:
        """A clock that jumped holds everything until it is back or somebody says that it is right.

        Only where the clock is watched: demo and tests move theirs by hand.
        """
        if self._watch is None:
            return True
        if not self._watch.jumped:
            if self._clock_held:
                instance.release_clock(self._site, self._clock())
                self._clock_held = False
            return True
        if self._clock_held and instance.held(self._site) is None:
            self._watch.accept()
            self._clock_held = False
            return True
        if not self._clock_held:
            why = f"the clock of the worker's machine {instance.span_words(self._watch.drift)}"
            now = self._clock()
            # Held for another reason already, it is held for this one once that is over.
            self._clock_held = instance.hold(
                self._site, instance.CLOCK, why, actor=prompting.ACTOR, now=now
            )
        return False

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
        if not keys:
            return []
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
        if self.stopping.is_set() or self._away or self._clock_jumped:
            why = self._trouble or "the worker was stopped"
            prompting.give_back(self._site, [job], why, self._clock())
            return False
        found = self._offer(job)
        if isinstance(found, Outcome):
            return self._record(job, found)
        with self._doors[job.way.kind].turn():
            if not prompting.recheck(self._site, job, self._clock()):
                found.leave()
                return False
            return self._record(job, found.finish())

    def _offer(self, job: Job) -> Offer | Outcome:
        if isinstance(job.message, str):
            return Texter(self._site.settings.sms_url).offer(job.message, job.way.to)
        return self._mailer.offer(job.message, job.way.to)

    def _record(self, job: Job, outcome: Outcome) -> bool:
        self._write_down(job, outcome)
        log.info("message", prompts=job.prompt_ids, outcome=outcome.kind, detail=outcome.detail)
        if outcome.ours and isinstance(job.message, str):
            self._trouble = outcome.detail
        elif outcome.ours and not self._away:
            self._is_away(outcome)
        elif not outcome.ours:
            self._trouble = outcome.detail if outcome.kind == "unknown" else ""
        self._progress = time.monotonic()
        return outcome.kind == "accepted"

    def _write_down(self, job: Job, outcome: Outcome) -> None:
        """Try for a while: what is not written down goes again, as a copy."""
        for pause in RECORD_PAUSES:
            try:
                return outcomes.record(self._site, job, outcome, self._clock())
            except Exception as error:  # a database that is away, most likely
                log.warning("an outcome waits to be written", kind=type(error).__name__)
                # Between two tries, also while stopping, which leaves some seconds for them.
                time.sleep(pause)
        return outcomes.record(self._site, job, outcome, self._clock())


def _tick_and_ping(ticker: Ticker, pings: ThreadPoolExecutor, pinger: Pinger) -> None:
    """A tick; a ping when nothing hindered it. The ping never delays the next tick."""
    ticker.tick()
    if ticker.is_well:
        pings.submit(pinger.ping)


def start(ticker: Ticker, pinger: Pinger | None = None) -> Any:
    """Start ticking in the background; the caller shuts the returned scheduler down (APScheduler
    has no type stubs)."""
    scheduler: Any = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    now = datetime.now(UTC)
    tick: Callable[[], object] = ticker.tick
    if pinger is not None:
        tick = partial(_tick_and_ping, ticker, ThreadPoolExecutor(1, "ping"), pinger)
    scheduler.add_job(tick, "interval", seconds=TICK_SECONDS, next_run_time=now)
    scheduler.add_job(ticker.beat, "interval", seconds=BEAT_SECONDS)
    scheduler.add_job(ticker.attend, "interval", seconds=DUTY_SECONDS, next_run_time=now)
    scheduler.add_job(ticker.sweep, "interval", hours=SWEEP_HOURS, next_run_time=now)
    scheduler.start()
    return scheduler


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; ends within 10 s of it. Raises SetupError."""
    if not settings.public_url:
        raise SetupError("Set SURVEYAPP_PUBLIC_URL: the address that links in messages start with.")
    site = open_site(settings)

    def clock() -> datetime:
        return datetime.now(UTC)

    if held := instance.at_start(site, clock()):
        log.warning("nothing is sent until somebody confirms on the staff pages", why=held.why)
    mailer, watch = SmtpMailer(settings.smtp_url), ClockWatch(clock)
    ticker = Ticker(site, mailer, clock, watch=watch)
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        ticker.stopping.set()
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler = start(ticker, Pinger(settings.ping_url) if settings.ping_url else None)
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
