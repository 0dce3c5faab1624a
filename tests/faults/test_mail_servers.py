"""Mail servers as they are: hanging, dropping, full, away, not to be trusted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from surveyapp import worker
from surveyapp.delivery import door, email
from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import prompting
from surveyapp.services.health import health
from surveyapp.services.site import Site
from surveyapp.store.tables import Attempt, PromptRow
from surveyapp.worker import Ticker
from tests.waiting import wait_for
from tests.world import MailServer, Sink, add_course, free_port, needs_of

ZONE = ZoneInfo("Europe/Amsterdam")
INVITATION = datetime(2027, 3, 10, 10, tzinfo=ZONE).astimezone(UTC)


class Hand:
    """A clock that a test sets."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def people(site: Site, count: int) -> None:
    for number in range(count):
        add_course(site, f"P-{number:02d}", address=f"p{number}@example.org")


def fates(site: Site) -> dict[str, list[str]]:
    """Reasons by status."""
    found: dict[str, list[str]] = {}
    with site.database.read() as session:
        for row in session.scalars(select(PromptRow).order_by(PromptRow.id)):
            found.setdefault(row.status, []).append(row.reason)
    return found


class Hanging(Sink):
    """Says nothing about some recipients until it is let go: at once, or `after` the text."""

    def __init__(self, *stuck: str, after: bool = False) -> None:
        super().__init__()
        self._stuck = stuck
        self._after = after
        self.let_go = threading.Event()

    async def _hang(self, *addresses: str) -> None:
        while {*addresses} & {*self._stuck} and not self.let_go.is_set():
            await asyncio.sleep(0.02)  # how the server hangs

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if not self._after:
            await self._hang(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self._after:
            await self._hang(*envelope.rcpt_tos)
        return await super().handle_DATA(server, session, envelope)


@contextlib.contextmanager
def serving(sink: Hanging) -> Iterator[str]:
    """The address of a server with this sink, which is let go in the end."""
    port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        sink.let_go.set()
        wait_for(lambda: not asyncio.all_tasks(controller.loop))
        controller.stop()


@pytest.mark.parametrize("after", [False, True], ids=["at the name", "after the text"])
def test_a_recipient_at_whom_the_server_hangs_delays_nobody(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(email, "DEADLINE_SECONDS", 60.0)
    monkeypatch.setattr(email, "TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(door, "PATIENCE_SECONDS", 0.2)
    people(sqlite_site, 20)
    sink, clock = Hanging("p0@example.org", after=after), Hand(INVITATION)
    with serving(sink) as url, ThreadPoolExecutor(1) as threads:
        ticker = Ticker(sqlite_site, SmtpMailer(url), clock)
        tick = threads.submit(ticker.tick)
        wait_for(lambda: len(sink.messages) == 19, seconds=50)
        assert not tick.done()
        clock.at += timedelta(minutes=1)
        ticker.beat()
        assert health(sqlite_site, clock.at).last_tick == clock.at
        sink.let_go.set()
        assert tick.result() == 20


@pytest.mark.parametrize(
    ("after", "fate", "reason"),
    [
        (False, "waiting", "the mail server broke off: it did not answer in time"),
        (
            True,
            "held",
            "the mail server did not confirm: it did not answer in time; it may have arrived, and"
            " is tried again",
        ),
    ],
)
def test_a_server_that_hangs_is_left_and_what_can_be_known_is_said(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch, after: bool, fate: str, reason: str
) -> None:
    monkeypatch.setattr(email, "DEADLINE_SECONDS", 0.5)
    monkeypatch.setattr(email, "REPLY_SECONDS", 0.5)
    add_course(sqlite_site)
    with serving(Hanging("p01@example.org", after=after)) as url:
        assert Ticker(sqlite_site, SmtpMailer(url), Hand(INVITATION)).tick() == 0
    assert fates(sqlite_site) == {fate: [reason]}


class Pondering(Sink):
    """Takes longer for its word than a step before the text may last."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        reply = await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(1.0)  # how long the server ponders
        return reply


def test_a_server_that_ponders_gets_nobody_a_copy(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email, "DEADLINE_SECONDS", 0.8)
    monkeypatch.setattr(email, "TIMEOUT_SECONDS", 0.8)
    people(sqlite_site, 3)
    sink, port, clock = Pondering(), free_port(), Hand(INVITATION)
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    ticker = Ticker(sqlite_site, SmtpMailer(f"smtp://127.0.0.1:{port}"), clock)
    assert ticker.tick() == 3
    clock.at += timedelta(hours=1)
    assert ticker.tick() == 0
    controller.stop()
    assert len(sink.messages) == 3


def test_a_drip_of_bytes_does_not_hold_a_message_for_ever(
    sqlite_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes within the time-out of a read; the message as a whole has a deadline."""
    monkeypatch.setattr(email, "DEADLINE_SECONDS", 0.5)
    add_course(sqlite_site)
    over = threading.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not over.is_set() and not writer.is_closing():
            writer.write(b"2")
            await asyncio.sleep(0.05)  # how the server drips
        writer.close()

    port = free_port()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(drip, "127.0.0.1", port), loop
    ).result()
    ticker = Ticker(sqlite_site, SmtpMailer(f"smtp://127.0.0.1:{port}"), Hand(INVITATION))
    assert ticker.tick() == 0
    over.set()
    loop.call_soon_threadsafe(listening.close)
    wait_for(lambda: not asyncio.all_tasks(loop))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert fates(sqlite_site) == {
        "waiting": ["no connection to the mail server: it did not answer in time"]
    }


def test_a_server_that_is_away_is_asked_and_not_tried_with_messages(
    sqlite_site: Site, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "AWAY_SECONDS", (0.0,))
    people(sqlite_site, 12)
    clock = Hand(INVITATION)
    port = free_port()
    ticker = Ticker(sqlite_site, SmtpMailer(f"smtp://127.0.0.1:{port}"), clock)
    for _ in range(5):
        assert ticker.tick() == 0
        clock.at += timedelta(seconds=30)
    with sqlite_site.database.read() as session:
        tried = session.scalars(select(Attempt)).all()
    assert 1 <= len(tried) <= worker.LANES
    lines = [need.why for need in needs_of(sqlite_site, clock.at)]
    assert any("no connection to the mail server" in line for line in lines)
    back = Controller(server.sink, hostname="127.0.0.1", port=port)
    back.start()
    sent = ticker.tick()
    clock.at += timedelta(minutes=5)
    sent += ticker.tick()
    back.stop()
    assert sent == 12
    assert health(sqlite_site, clock.at).trouble == ""


def test_a_refusal_shows_to_staff_at_once_and_is_not_tried_again(
    site: Site, server: MailServer
) -> None:
    add_course(site)
    server.sink.answer = lambda _to: "550 who"
    clock = Hand(INVITATION)
    ticker = Ticker(site, SmtpMailer(server.url), clock)
    ticker.tick()
    whys = [need.why for need in needs_of(site, clock.at)]
    assert "The message for Before the retreat was refused: refused: mailbox unknown (550)" in whys
    server.sink.answer = lambda _to: "250 OK"
    clock.at += timedelta(days=1)
    assert ticker.tick() == 0


def test_a_busy_mailbox_is_tried_with_growing_pauses_for_three_days(
    sqlite_site: Site, server: MailServer
) -> None:
    add_course(sqlite_site)
    server.sink.answer = lambda _to: "450 busy"
    clock = Hand(INVITATION)
    ticker = Ticker(sqlite_site, SmtpMailer(server.url), clock)
    tries: list[datetime] = []
    while "waiting" in fates(sqlite_site) or "held" in fates(sqlite_site) or not tries:
        before = attempts(sqlite_site)
        ticker.tick()
        tries += [clock.at] * (attempts(sqlite_site) - before)
        due = prompting.next_due(sqlite_site)
        assert due is not None
        clock.at = due
    pauses = [late - early for early, late in itertools.pairwise(tries)]
    by_day = [pause for pause in pauses if pause < timedelta(hours=5)]
    assert by_day == sorted(by_day)
    assert by_day[0] == timedelta(minutes=1)
    assert timedelta(hours=66) < tries[-1] - tries[0] <= timedelta(hours=72)
    (reason,) = fates(sqlite_site)["refused"]
    assert reason == "given up after 72 hours: put off: mailbox busy (450)"


def attempts(site: Site) -> int:
    with site.database.read() as session:
        return len(session.scalars(select(Attempt)).all())


def test_a_drop_after_the_text_is_held_and_shown_and_tried_again(
    site: Site, server: MailServer
) -> None:
    """The server took the text and broke off: nobody can know, so the same message goes again."""
    add_course(site)
    seen: list[str] = []

    class Dropping(SMTP):
        async def push(self, status: Any) -> None:
            if status == "250 dropped":
                self.transport.abort()
            else:
                await super().push(status)

    def once(message: Any) -> str:
        seen.append(message["Message-ID"])
        return "250 dropped" if len(seen) == 1 else "250 taken"

    server.sink.after_data = once
    port = free_port()

    class Dropper(Controller):
        def factory(self) -> SMTP:
            return Dropping(self.handler)

    controller = Dropper(server.sink, hostname="127.0.0.1", port=port)
    controller.start()
    clock = Hand(INVITATION)
    ticker = Ticker(site, SmtpMailer(f"smtp://127.0.0.1:{port}"), clock)
    assert ticker.tick() == 0
    (reason,) = fates(site)["held"]
    assert reason == (
        "the mail server did not confirm: it closed the connection; "
        "it may have arrived, and is tried again"
    )
    whys = [need.why for need in needs_of(site, clock.at)]
    assert f"The message for Before the retreat is held: {reason}" in whys
    clock.at += timedelta(minutes=1)
    assert ticker.tick() == 1
    controller.stop()
    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_a_lease_that_ran_out_leaves_a_try_of_which_nobody_knows(site: Site) -> None:
    course = add_course(site)
    assert prompting.claim(site, course, "killed", INVITATION) is not None
    assert prompting.claim(site, course, "next", INVITATION + prompting.LEASE) is not None
    with site.database.read() as session:
        (tried,) = session.scalars(select(Attempt)).all()
    assert (tried.outcome, tried.detail) == ("unknown", prompting.UNKNOWN.detail)


def test_a_certificate_that_does_not_verify_is_not_trusted(
    sqlite_site: Site, tmp_path: Path
) -> None:
    add_course(sqlite_site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*own_certificate(tmp_path))
    listener = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)

    def answer() -> None:
        with contextlib.suppress(ssl.SSLError):
            listener.accept()

    thread = threading.Thread(target=answer)
    thread.start()
    mailer = SmtpMailer(f"smtps://127.0.0.1:{listener.getsockname()[1]}")
    assert Ticker(sqlite_site, mailer, Hand(INVITATION)).tick() == 0
    thread.join()
    listener.close()
    assert fates(sqlite_site) == {
        "waiting": ["no connection to the mail server: its certificate does not verify"]
    }


def own_certificate(folder: Path) -> tuple[str, str]:
    """A certificate that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(made - timedelta(days=1))
        .not_valid_after(made + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(pem), str(secret)
