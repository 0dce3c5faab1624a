"""E-mail against a real SMTP server: every outcome is known for what it is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest

from surveyapp.delivery import email
from surveyapp.delivery.email import SmtpMailer
from surveyapp.delivery.message import CheckIn, Envelope, Notice, compose
from surveyapp.delivery.outcome import Outcome
from tests.world import MailServer

NOTICE = Notice(
    check_ins=[CheckIn("https://x.example/s/abc", 5, date(2027, 3, 19))],
    reminder=False,
    site_name="Check-ins",
    phone="010 123",
    hours="9 to 5",
    placeholder_notices=["Placeholder."],
)
TO = "p@example.org"


def message(notice: Notice = NOTICE, sender: str = "Clinic <clinic@example.org>"):
    at = datetime(2027, 3, 10, 9, tzinfo=UTC)
    return compose(notice, Envelope(sender, TO, "<1@example.org>", at))


def send(url: str) -> Outcome:
    return SmtpMailer(url).send(message(), TO)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def test_a_message_arrives_as_text_and_html(server: MailServer) -> None:
    assert send(server.url) == Outcome("accepted", "handed to the mail server")
    (found,) = server.sink.messages
    assert found["Message-ID"] == "<1@example.org>"
    assert found["From"] == "Clinic <clinic@example.org>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found.get_content_type() == "multipart/alternative"
    plain = found.get_body(("plain",))
    assert plain is not None
    assert "call 010 123 (9 to 5)." in plain.get_content()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        ("421 closing", "transient", "the mail server is closing"),
        ("450 busy", "transient", "mailbox busy"),
        ("451 error", "transient", "had an error"),
        ("452 full", "transient", "is full"),
        ("550 unknown", "permanent", "mailbox unknown (550)"),
        ("552 full", "permanent", "mailbox full (552)"),
        ("599 odd", "permanent", "refused by the mail server (599)"),
    ],
)
def test_a_refusal_of_the_recipient(server: MailServer, reply: str, kind: str, words: str) -> None:
    server.sink.answer = lambda _to: reply
    found = send(server.url)
    assert found.kind == kind
    assert words in found.detail
    assert TO not in found.detail


@pytest.mark.parametrize(("reply", "kind"), [("451 later", "transient"), ("554 no", "permanent")])
def test_a_refusal_of_the_text(server: MailServer, reply: str, kind: str) -> None:
    server.sink.after_data = lambda _message: reply
    assert send(server.url).kind == kind


def test_nobody_there() -> None:
    found = send("smtp://127.0.0.1:1")
    assert found.kind == "transient"
    assert found.detail.startswith("no connection to the mail server")


def test_a_server_without_tls_is_not_trusted_unless_local(server: MailServer) -> None:
    """`localhost.` is this machine by another name, so STARTTLS is asked for and missing."""
    found = send(server.url.replace("127.0.0.1", "127.0.0.2"))
    assert found.kind == "transient"
    assert server.sink.messages == []


@contextmanager
def scripted(act: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does exactly this with its one connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            act(connection)

    thread = threading.Thread(target=run)
    thread.start()
    yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
    thread.join()
    listener.close()


def talk(connection: socket.socket, until: bytes) -> None:
    """Say yes to everything until a line starts with `until`."""
    connection.sendall(b"220 here\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        if line.startswith(until):
            return
        connection.sendall(b"250 yes\r\n")


def test_a_drop_before_the_text_is_transient() -> None:
    with scripted(lambda c: talk(c, b"rcpt")) as url:
        assert send(url).kind == "transient"


def test_a_drop_after_the_text_is_unknown() -> None:
    def drop(connection: socket.socket) -> None:
        talk(connection, b"data")
        connection.sendall(b"354 go on\r\n")
        received = b""
        while not received.endswith(b"\r\n.\r\n"):
            received += connection.recv(4096)

    with scripted(drop) as url:
        found = send(url)
    assert found.kind == "unknown"
    assert "did not confirm" in found.detail


def test_a_server_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "TIMEOUT_SECONDS", 0.2)
    left = threading.Event()
    with scripted(lambda _connection: (left.wait(10), None)[1]) as url:
        found = send(url)
        left.set()
    assert found.kind == "transient"
    assert "did not answer in time" in found.detail


def test_a_sender_that_the_server_refuses_is_our_fault_not_theirs() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"220 here\r\n")
        lines = connection.makefile("rb")
        for line in lines:
            refused = line.startswith(b"mail")
            connection.sendall(b"553 not you\r\n" if refused else b"250 yes\r\n")
            if refused:
                return

    with scripted(refuse) as url:
        found = send(url)
    assert found.kind == "transient"
    assert "refused our sender (553)" in found.detail


def test_several_check_ins_stand_in_one_message() -> None:
    two = [*NOTICE.check_ins, CheckIn("https://x.example/s/def", 3, date(2027, 3, 18))]
    notice = Notice(two, True, "Check-ins", "", "", [])
    found = message(notice)
    assert found["Subject"] == "A reminder: your check-in is ready"
    plain = found.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().count("https://x.example/s/abc\n") == 1
    assert plain.get_content().count("https://x.example/s/def\n") == 1
    assert plain.get_content().count("https://x.example/s/abc/messages\n") == 1


def test_words_cannot_break_out_of_the_html() -> None:
    notice = Notice(NOTICE.check_ins, False, "<script>alert(1)</script>", "", "", [])
    html = message(notice).get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()


def test_a_name_cannot_add_headers() -> None:
    found = message(sender="x\r\nBcc: all@example.org <a@example.org>")
    assert found["Bcc"] is None
    assert b"\nBcc" not in found.as_bytes()
