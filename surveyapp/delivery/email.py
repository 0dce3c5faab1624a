"""E-mail over SMTP, one step at a time, so that every outcome is known for what it is.

A refusal of this recipient (5xx at RCPT or DATA) is permanent. A refusal of us (sign-in, sender,
TLS) or no connection is transient: the message waits and staff see why. A connection that breaks
after the text was sent leaves the outcome unknown.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from .outcome import Outcome

TIMEOUT_SECONDS = 8
# An address in a header may not be folded or encoded; a line may have 998 characters (RFC 5322).
WIRE = SMTP.clone(max_line_length=998)
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


class Mailer(Protocol):
    """Hands one message over; never raises."""

    def send(self, message: EmailMessage, recipient: str) -> Outcome: ...


class _RefusedUsError(Exception):
    """The server refused us, not the recipient."""


class SmtpMailer:
    """`url`: smtp://[user:password@]host[:port] (STARTTLS, verified, unless the host is this
    machine or `?tls=no` says otherwise) or smtps://… for TLS from the start."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def send(self, message: EmailMessage, recipient: str) -> Outcome:
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException, _RefusedUsError) as error:
            return Outcome("transient", f"no connection to the mail server: {_reason(error)}")
        try:
            return self._hand_over(server, message, recipient)
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        url = self._url
        host = url.hostname or "localhost"
        if url.scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, url.port or 465, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT_SECONDS)
        try:
            self._introduce(server, url)
        except BaseException:
            server.close()
            raise
        return server

    def _introduce(self, server: smtplib.SMTP, url: SplitResult) -> None:
        server.ehlo_or_helo_if_needed()
        plain = url.hostname in LOOPBACK or parse_qs(url.query).get("tls") == ["no"]
        if url.scheme == "smtp" and not plain:
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage, recipient: str) -> Outcome:
        try:
            code, _ = server.mail(message["From"].addresses[0].addr_spec)
            if code != 250:
                return Outcome("transient", f"the mail server refused our sender ({code})")
            code, _ = server.rcpt(recipient)
            if code not in (250, 251):
                return _refusal(code)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("transient", f"the mail server broke off: {_reason(error)}")
        return self._send_text(server, message)

    def _send_text(self, server: smtplib.SMTP, message: EmailMessage) -> Outcome:
        try:
            code, _ = server.data(message.as_bytes(policy=WIRE))
        except smtplib.SMTPDataError as error:
            return _refusal(error.smtp_code)
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("unknown", f"the mail server did not confirm: {_reason(error)}")
        if code != 250:
            return _refusal(code)
        # It has the message; how the connection ends is no matter.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        return Outcome("accepted", "handed to the mail server")


def _refusal(code: int) -> Outcome:
    words = WORDS.get(code, "refused by the mail server")
    if 500 <= code <= 599:
        return Outcome("permanent", f"refused: {words} ({code})")
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
