"""E-mail over SMTP, one step at a time, so that every outcome is known for what it is.

A refusal of this recipient (5xx at RCPT or DATA) is permanent. A refusal of us (sign-in, sender,
TLS) or no connection is transient and `ours`: everything waits and staff see why. A connection that
breaks after the text was sent leaves the outcome unknown.

`SmtpMailer.offer` goes as far as the server's word to send the text; `Ready.finish` sends it. What
lies between is the caller's: a last look, and taking turns. Connections are kept for the next
message until `rest`. Up to the text no message takes longer than `DEADLINE_SECONDS`, however slowly
a server talks. Then it has `REPLY_SECONDS` for its word: who gives up earlier sends copies to
people whose server takes its time (RFC 5321, 4.5.3.2.6, which asks for even more).
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from .outcome import Outcome

TIMEOUT_SECONDS = 8.0
DEADLINE_SECONDS = 10.0
REPLY_SECONDS = 45.0
FAREWELL_SECONDS = 1.0
# An address in a header may not be folded or encoded; a line may have 998 characters (RFC 5322).
WIRE = SMTP.clone(max_line_length=998)
LEADING_DOT = re.compile(rb"(?m)^\.")
GO_ON = 354
CLOSING = 421
ADDRESS_GONE = (550, 551, 553)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WORDS = {
    421: "the mail server is closing",
    450: "mailbox busy",
    451: "the mail server had an error",
    452: "the mail server is full",
    550: "mailbox unknown",
    551: "mailbox unknown",
    552: "mailbox full",
    553: "address not accepted",
    554: "refused by the mail server",
}


class Offer(Protocol):
    """A message that the other side is ready to take."""

    def finish(self) -> Outcome: ...

    def leave(self) -> None: ...


class Mailer(Protocol):
    """Hands messages over; never raises."""

    def offer(self, message: EmailMessage, recipient: str) -> Offer | Outcome: ...

    def probe(self) -> Outcome | None: ...

    def rest(self) -> None: ...


class _RefusedError(Exception):
    """The server refused a step with this outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class Ready:
    """The server waits for the text of one message."""

    def __init__(self, line: _Line, text: bytes, keep: Callable[[_Line], None]) -> None:
        self._line, self._text, self._keep = line, text, keep

    def finish(self) -> Outcome:
        """Send the text, and wait for the server's word."""
        server = self._line.server
        self._line.begin(REPLY_SECONDS)
        try:
            server.send(self._text)
            code, _ = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            why = self._line.reason(error)
            self._line.drop()
            return Outcome("unknown", f"the mail server did not confirm: {why}")
        if code == CLOSING:
            self._line.drop()
        else:
            self._keep(self._line)
        return Outcome("accepted", "handed to the mail server") if code == 250 else _refusal(code)

    def leave(self) -> None:
        """Break off: without its end, the server throws the message away."""
        self._line.drop()


class SmtpMailer:
    """`url`: smtp://[user:password@]host[:port] (STARTTLS, verified, unless the host is this
    machine or `?tls=no` says otherwise) or smtps://… for TLS from the start. May be used by several
    threads at once."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._idle: list[_Line] = []
        self._sender = ""

    def send(self, message: EmailMessage, recipient: str) -> Outcome:
        """Hand one message over, and let the connection go."""
        found = self.offer(message, recipient)
        outcome = found if isinstance(found, Outcome) else found.finish()
        self.rest()
        return outcome

    def offer(self, message: EmailMessage, recipient: str) -> Ready | Outcome:
        """Go as far as the server's word to send the text; what came of it when it gave none."""
        self._sender = message["From"].addresses[0].addr_spec
        try:
            line = self._line_with_sender()
        except _RefusedError as refused:
            return refused.outcome
        try:
            _ask(line, recipient)
        except _RefusedError as refused:
            self._after_refusal(line)
            return refused.outcome
        except (OSError, smtplib.SMTPException) as error:
            why = line.reason(error)
            line.drop()
            return Outcome("transient", f"the mail server broke off: {why}")
        line.end()
        return Ready(line, _stuffed(message), self._keep)

    def probe(self) -> Outcome | None:
        """What hinders any message just now: None when the server takes our sender."""
        try:
            line = self._line_with_sender()
        except _RefusedError as refused:
            return refused.outcome
        self._after_refusal(line)
        return None

    def rest(self) -> None:
        """Let go of the connections that were kept."""
        while self._idle:
            self._idle.pop().farewell()

    def _line_with_sender(self) -> _Line:
        """A connection that has taken our sender: a kept one if it still works. Raises
        _RefusedError."""
        with contextlib.suppress(OSError, smtplib.SMTPException, IndexError):
            line = self._idle.pop()
            line.begin()
            code, _ = line.server.mail(self._sender)
            if code == 250:
                return line
            line.drop()
        line = self._new_line()
        try:
            code, _ = line.server.mail(self._sender)
        except (OSError, smtplib.SMTPException) as error:
            why = line.reason(error)
            line.drop()
            raise _away(why) from error
        if code != 250:
            line.drop()
            raise _RefusedError(
                Outcome("transient", f"the mail server refused our sender ({code})", ours=True)
            )
        return line

    def _new_line(self) -> _Line:
        line = _Line(self._url)
        try:
            line.connect()
        except (OSError, smtplib.SMTPException) as error:
            why = line.reason(error)
            line.drop()
            raise _away(why) from error
        return line

    def _after_refusal(self, line: _Line) -> None:
        """Keep the connection for the next message, if the server lets it begin anew."""
        try:
            code, _ = line.server.rset()
        except (OSError, smtplib.SMTPException):
            code = CLOSING
        if code == 250:
            self._keep(line)
        else:
            line.drop()

    def _keep(self, line: _Line) -> None:
        line.end()
        self._idle.append(line)


class _Line:
    """One connection, cut off when a message on it takes too long."""

    def __init__(self, url: SplitResult) -> None:
        self._url = url
        context = ssl.create_default_context() if url.scheme == "smtps" else None
        self.server: smtplib.SMTP = (
            smtplib.SMTP_SSL(timeout=TIMEOUT_SECONDS, context=context)
            if context
            else smtplib.SMTP(timeout=TIMEOUT_SECONDS)
        )
        self._cut_off = False
        self._watch: threading.Timer | None = None

    def connect(self) -> None:
        """Connect and introduce ourselves. Raises OSError, SMTPException."""
        self.begin()
        url, server = self._url, self.server
        host = url.hostname or "localhost"
        # What certificates are checked against; smtplib sets it only when it connects by itself.
        server._host = host  # pyright: ignore[reportAttributeAccessIssue]
        code, said = server.connect(host, url.port or (465 if url.scheme == "smtps" else 25))
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        server.ehlo_or_helo_if_needed()
        plain = url.hostname in LOOPBACK or parse_qs(url.query).get("tls") == ["no"]
        if url.scheme == "smtp" and not plain:
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))

    def begin(self, seconds: float = 0.0) -> None:
        """From now on it may take so long, `DEADLINE_SECONDS` if nothing is said."""
        self._watch = threading.Timer(seconds or DEADLINE_SECONDS, self._cut)
        self._watch.daemon = True
        self._watch.start()
        if seconds and self.server.sock is not None:
            self.server.sock.settimeout(seconds)

    def end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self.server.sock is not None:
            self.server.sock.settimeout(TIMEOUT_SECONDS)

    def drop(self) -> None:
        self.end()
        self.server.close()

    def farewell(self) -> None:
        """Say good-bye if that takes no time; how a connection ends is no matter."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self.server.sock is not None:
                self.server.sock.settimeout(FAREWELL_SECONDS)
            self.server.quit()
        self.drop()

    def reason(self, error: Exception) -> str:
        return "it did not answer in time" if self._cut_off else _reason(error)

    def _cut(self) -> None:
        self._cut_off = True
        with contextlib.suppress(OSError):
            if self.server.sock is not None:
                self.server.sock.shutdown(socket.SHUT_RDWR)


def _ask(line: _Line, recipient: str) -> None:
    """Name the recipient and ask to send the text. Raises _RefusedError and what smtplib does."""
    code, _ = line.server.rcpt(recipient)
    if code not in (250, 251):
        raise _RefusedError(_refusal(code))
    code, _ = line.server.docmd("data")
    if code != GO_ON:
        raise _RefusedError(_refusal(code))


def _stuffed(message: EmailMessage) -> bytes:
    """The text as it goes over the wire, with its end (RFC 5321, 4.5.2)."""
    text = LEADING_DOT.sub(b"..", message.as_bytes(policy=WIRE))
    return text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _away(why: str) -> _RefusedError:
    return _RefusedError(
        Outcome("transient", f"no connection to the mail server: {why}", ours=True)
    )


def _refusal(code: int) -> Outcome:
    words = WORDS.get(code, "refused by the mail server")
    if 500 <= code <= 599:
        return Outcome("permanent", f"refused: {words} ({code})", gone=code in ADDRESS_GONE)
    return Outcome("transient", f"put off: {words} ({code})")


def _reason(error: Exception) -> str:
    """The kind of a fault in words, without addresses."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"sign-in refused ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPResponseException):
        return WORDS.get(error.smtp_code, f"answer {error.smtp_code}")
    if isinstance(error, ssl.SSLError):
        return "its certificate does not verify"
    # smtplib says "disconnected" of a time-out too; the cause behind it knows better.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it closed the connection"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
