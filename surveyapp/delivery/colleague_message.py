"""Mails to colleagues about their account: an invitation, a sign-in from a new place, a second
factor that was taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from .. import texts
from .message import POLICY, Envelope


@dataclass(frozen=True)
class ColleagueNotice:
    """`lines` are paragraphs; `button` says where `link` leads."""

    subject: str
    lines: Sequence[str]
    link: str
    button: str
    site_name: str


def compose_colleague(notice: ColleagueNotice, envelope: Envelope) -> EmailMessage:
    """The e-mail, ready to be sent. Raises ValueError for an address that cannot stand in one."""
    message = EmailMessage(POLICY)
    name, address = parseaddr(envelope.sender)
    message["Subject"] = notice.subject
    message["From"] = Address(name or notice.site_name, addr_spec=address)
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(texts.render("message/colleague.txt", notice=notice))
    html = texts.render(
        "message/colleague.html", notice=notice, subject=notice.subject, language=texts.ENGLISH
    )
    message.add_alternative(html, subtype="html")
    return message
