"""The demo's mail server: a real SMTP server on this machine that keeps what it is given."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

from ..web.demo import Mail

LINK = re.compile(r"https?://[^\s<>\"]+")


class MailSink:
    """Takes every message and delivers none. `clock` says when one came in."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._mails: list[Mail] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="mail", daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._socket.getsockname()[1]}"

    def mails(self) -> Sequence[Mail]:
        """What came in so far, oldest first."""
        return tuple(self._mails)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=2)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.create_server(lambda: SMTP(self, loop=self._loop), sock=self._socket)
        running = self._loop.run_until_complete(server)
        self._loop.run_forever()
        running.close()
        self._loop.close()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """aiosmtpd calls this with a whole message."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        text, html = _part(message, "plain"), _part(message, "html")
        self._mails.append(
            Mail(
                number=len(self._mails) + 1,
                at=self._clock(),
                to=", ".join(envelope.rcpt_tos),
                sender=str(message["From"]),
                subject=str(message["Subject"]),
                text=text,
                html=html,
                links=_check_ins(text),
            )
        )
        return "250 kept in the demo"


def _check_ins(text: str) -> tuple[str, ...]:
    """The links that open a check-in; the one that stops messages stays in the text."""
    found = dict.fromkeys(LINK.findall(text))
    return tuple(link for link in found if not link.endswith("/messages"))


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part else ""
