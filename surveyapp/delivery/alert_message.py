"""The message about an alert: that something needs a look, and where. No code, no content."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from .. import texts
from .message import POLICY, Envelope

SUBJECT = "Something needs your look"


@dataclass(frozen=True)
class AlertNotice:
    """`link` leads to the alert's page, behind sign-in. `deputy`: sent because nobody before has
    acknowledged it. `drill`: somebody tries the way that alerts go."""

    link: str
    site_name: str
    deputy: bool
    drill: bool


def compose_alert(notice: AlertNotice, envelope: Envelope) -> EmailMessage:
    """The e-mail, ready to be sent. Raises ValueError for an address that cannot stand in one."""
    message = EmailMessage(POLICY)
    name, address = parseaddr(envelope.sender)
    message["Subject"] = f"Drill: {SUBJECT[:1].lower()}{SUBJECT[1:]}" if notice.drill else SUBJECT
    message["From"] = Address(name or notice.site_name, addr_spec=address)
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(texts.render("message/alert.txt", notice=notice))
    html = texts.render(
        "message/alert.html", notice=notice, subject=message["Subject"], language=texts.ENGLISH
    )
    message.add_alternative(html, subtype="html")
    return message
