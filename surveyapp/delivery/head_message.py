"""The trail's head by mail: numbers alone, to be kept where the database's keeper cannot reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from .. import texts
from .message import POLICY, Envelope


@dataclass(frozen=True)
class HeadNotice:
    """`head` is one hash over all chains; `file` is where the whole was written, or empty."""

    day: date
    events: int
    chains: int
    head: str
    file: str
    site_name: str


def compose_head(notice: HeadNotice, envelope: Envelope) -> EmailMessage:
    """The e-mail, ready to be sent. Raises ValueError for an address that cannot stand in one."""
    message = EmailMessage(POLICY)
    name, address = parseaddr(envelope.sender)
    message["Subject"] = f"Head of the audit trail, {notice.day.isoformat()}"
    message["From"] = Address(name or notice.site_name, addr_spec=address)
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(texts.render("message/head.txt", notice=notice))
    return message
