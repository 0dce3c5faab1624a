"""Messages: neutral outside, one link a check-in, text and HTML.

Nothing in subject, sender or preview tells of a treatment, a condition or a drug.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr

from .. import texts


@dataclass(frozen=True)
class CheckIn:
    """One check-in a message asks for: its link, minutes it takes, last local day to start."""

    link: str
    minutes: int
    until: date


LINK = "{link}"
PLACEHOLDERS = ("link", "minutes", "until", "site", "phone", "hours")
FIELDS = {name: f"{{{name}}}" for name in PLACEHOLDERS}


@dataclass(frozen=True)
class Own:
    """A site's own text: plain paragraphs with placeholders. A text to a phone has no subject."""

    subject: str
    body: str


@dataclass(frozen=True)
class Notice:
    """Everything a message says. `reminder` is False for the first message of a check-in; `own` is
    the site's text in place of the built-in one.
    """

    check_ins: Sequence[CheckIn]
    reminder: bool
    site_name: str
    phone: str
    hours: str
    placeholder_notices: Sequence[str]
    own: Own | None = None

    @property
    def lines(self) -> list[str]:
        """The lines of the site's own text, filled in; the one that is the link stays as it is."""
        body = self.own.body if self.own else ""
        return [line if line == LINK else self.filled(line) for line in body.split("\n")]

    def filled(self, text: str, day: Callable[[date], str] = texts.day) -> str:
        """A text with every placeholder's value; `day` writes the last day to start."""
        values = {
            "link": " ".join(check_in.link for check_in in self.check_ins),
            "minutes": str(sum(check_in.minutes for check_in in self.check_ins)),
            "until": day(min(check_in.until for check_in in self.check_ins)),
            "site": self.site_name,
            "phone": self.phone,
            "hours": self.hours,
        }
        return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)

    @property
    def messages_link(self) -> str:
        """Where the person may pause or stop messages."""
        return f"{self.check_ins[0].link}/messages"

    @property
    def one_click(self) -> str:
        """Where a mail program's own button sends its POST (RFC 8058)."""
        return f"{self.check_ins[0].link}/unsubscribe"


@dataclass(frozen=True)
class Envelope:
    """`message_id` stays the same however often the message is tried."""

    sender: str
    recipient: str
    message_id: str
    at: datetime


def subject(notice: Notice) -> str:
    return notice.own.subject if notice.own else _subject(reminder=notice.reminder)


def _subject(*, reminder: bool) -> str:
    if reminder:
        return texts.gettext("A reminder: your check-in is ready")
    return texts.gettext("Your check-in is ready")


def built_in(*, reminder: bool) -> Own:
    """The built-in e-mail of one check-in with its placeholders: what a site's own starts from."""
    gettext = texts.gettext
    ready = gettext("your check-in is ready.")
    if reminder:
        ready = gettext("this is a reminder that your check-in is ready.")
    takes = gettext(
        "It takes about %(minutes)s minutes. You can start it until %(until)s, and stop and go on"
        " at any time."
    )
    body = "\n\n".join([gettext("Hello,"), ready, LINK, takes % FIELDS])
    return Own(_subject(reminder=reminder), body)


def built_in_sms(*, reminder: bool) -> Own:
    """The same of a text to a phone: short, with one link a check-in."""
    if reminder:
        text = texts.gettext(
            "%(site)s: your check-in still waits, about %(minutes)s min, until %(until)s. %(link)s"
        )
    else:
        text = texts.gettext(
            "%(site)s: your check-in is ready, about %(minutes)s min, until %(until)s. %(link)s"
        )
    return Own("", text % FIELDS)


def sms_text(notice: Notice) -> str:
    """The text for a phone in the language spoken just now."""
    own = notice.own or built_in_sms(reminder=notice.reminder)
    # A text of letters that phones write in seven bits costs half: no weekday, no accents.
    return notice.filled(own.body, texts.plain_day)


class _Headers(HeaderRegistry):
    """The library's headers. It makes the class of each anew for every header of every message,
    which costs more than the header; here each name's is made once."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        if name not in self._made:
            self._made[name] = super().__getitem__(name)
        return self._made[name]


POLICY = EmailPolicy(header_factory=_Headers())


def compose(notice: Notice, envelope: Envelope) -> EmailMessage:
    """The e-mail in the language spoken just now, ready to be sent.

    Raises ValueError for an address that cannot stand in one.
    """
    message = EmailMessage(POLICY)
    name, address = parseaddr(envelope.sender)
    message["Subject"] = subject(notice)
    message["From"] = Address(name or notice.site_name, addr_spec=address)
    message["To"] = Address(addr_spec=envelope.recipient)
    message["Date"] = format_datetime(envelope.at)
    message["Message-ID"] = envelope.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{notice.one_click}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(texts.render("message/check_in.txt", notice=notice))
    html = texts.render(
        "message/check_in.html", notice=notice, subject=subject(notice), language=texts.spoken()
    )
    message.add_alternative(html, subtype="html")
    return message
