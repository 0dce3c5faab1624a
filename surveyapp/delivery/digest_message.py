"""The daily digest: how many things of each kind need somebody, and where. No code, no content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from .. import texts
from .message import POLICY, Envelope


@dataclass(frozen=True)
class DigestNotice:
    """`counts` are kinds of lines with how many there are; both links lead behind the sign-in."""

    counts: Sequence[tuple[str, int]]
    link: str
    settings_link: str
    site_name: str

    @property
    def subject(self) -> str:
        total = sum(count for _, count in self.counts)
        if not total:
            return "Today: nothing needs you"
        return f"Today: {total} {'thing needs' if total == 1 else 'things need'} somebody"


def digest_text(notice: DigestNotice) -> str:
    return texts.render("message/digest.txt", notice=notice)


def compose_digest(notice: DigestNotice, envelope: Envelope) -> EmailMessage:
    """The e-mail, ready to be sent. Raises ValueError for an address that cannot stand in one."""
    message = EmailMessage(POLICY)
    name, address = parseaddr(envelope.sender)
    message["Subject"] = notice.subject
    message["From"] = Address(name or notice.site_name, addr_spec=address)
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(digest_text(notice))
    html = texts.render(
        "message/digest.html", notice=notice, subject=notice.subject, language=texts.ENGLISH
    )
    message.add_alternative(html, subtype="html")
    return message
