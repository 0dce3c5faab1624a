"""The daily digest of Today by mail: who wants it and when, and what it says.

It belongs to a staff account: its counts are those of the account's own Today, which shows what it
may see. It counts lines by kind, so that nothing of anybody leaves the house. Days are those of the
zone that the account chose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ..delivery.digest_message import DigestNotice, digest_text
from ..store import digests, roster, trail
from ..store.database import Session
from ..store.tables_digest import Digest, DigestMessage
from .addresses import fault_of
from .enrolment import zone_fault
from .errors import InputError, NotFoundError
from .health import health
from .invitations import practice_allows
from .readmodels import Need
from .rights import Rights, of_account
from .site import Site
from .today import today

USUAL = time(8)
MOST_ADDRESSES = 10
SHOWN = 6
NO_ACCOUNT = "There is no such account."
NO_TIME = "Write the time as hours and minutes, for example 08:00."
NOBODY = "Write at least one address."
NOT_PRACTICE = "While every study is for practice, it goes only to staff and to test addresses."


@dataclass(frozen=True)
class Wish:
    """The digest as wanted; `addresses` as typed, one a line or with commas, and `at` None when it
    was left empty."""

    wanted: bool
    at: time | None
    time_zone: str
    addresses: str
    when_quiet: bool


@dataclass(frozen=True)
class SentLine:
    """What became of one day's digest to one address; `at` is local."""

    day: date
    email: str
    status: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class DigestView:
    """What the page shows: the wish as it stands, the next time (local) while it is on, how the
    mail would read now, and what went out lately."""

    wish: Wish
    next_at: datetime | None
    subject: str
    text: str
    sent: Sequence[SentLine]
    practice: bool


def digest_view(site: Site, staff_id: int, now: datetime) -> DigestView:
    """An account's digest. Raises NotFoundError."""
    rights = rights_of(site, staff_id)
    view = today(site, now, health(site, now), rights)
    notice = notice_of(site, counted(view.needs))
    with site.database.read() as session:
        account = digests.account(session, staff_id)
        if account is None:
            raise NotFoundError(NO_ACCOUNT)
        row = digests.kept(session, staff_id)
        sent = [_line(message) for message in digests.newest(session, staff_id, SHOWN)]
        wish = _wish(row) if row else _first_wish(session, rights, account.email)
    next_at = row.next_at.astimezone(ZoneInfo(row.time_zone)) if row and row.next_at else None
    return DigestView(wish, next_at, notice.subject, digest_text(notice), sent, view.practice)


def rights_of(site: Site, staff_id: int) -> Rights:
    with site.database.read() as session:
        return of_account(session, staff_id)


def _first_wish(session: Session, rights: Rights, email: str) -> Wish:
    """What the form offers to somebody who has none."""
    zone = digests.newest_zone(session, rights.retreats)
    return Wish(False, USUAL, zone, email, when_quiet=False)


def _wish(row: Digest) -> Wish:
    return Wish(row.wanted, row.at, row.time_zone, row.addresses, row.when_quiet)


def _line(row: DigestMessage) -> SentLine:
    at = row.updated_at.astimezone(ZoneInfo(row.time_zone))
    return SentLine(row.day, row.email, row.status, row.reason, at)


def save(site: Site, staff_id: int, wish: Wish, *, actor: str, now: datetime) -> None:
    """Keep the wish. Turned on or moved to another time, it begins with the next such time.

    Raises InputError by field, NotFoundError.
    """
    addresses = parted(wish.addresses)
    with site.database.write() as session:
        if digests.account(session, staff_id, lock=True) is None:
            raise NotFoundError(NO_ACCOUNT)
        if problems := _problems(session, wish, addresses):
            raise InputError(problems)
        _put(session, staff_id, wish, addresses, now)
        kind = "digest set" if wish.wanted else "digest turned off"
        payload: dict[str, object] = {
            "account": staff_id,
            "at": f"{wish.at or USUAL:%H:%M}",
            "time_zone": wish.time_zone.strip(),
            "addresses": len(addresses),
            "when_quiet": wish.when_quiet,
        }
        trail.append(session, trail.SYSTEM, kind, actor, now, payload)


def _put(
    session: Session, staff_id: int, wish: Wish, addresses: Sequence[str], now: datetime
) -> None:
    at, zone = wish.at or USUAL, wish.time_zone.strip()
    row = digests.wish(session, staff_id) or Digest(staff_id=staff_id, set_at=now)
    same_time = (row.at, row.time_zone) == (at, zone) and row.next_at is not None
    if not wish.wanted:
        row.next_at = None
    elif not same_time:
        row.next_at = _first_time(row, at, zone, now)
    row.wanted, row.at, row.time_zone = wish.wanted, at, zone
    row.addresses, row.when_quiet, row.set_at = "\n".join(addresses), wish.when_quiet, now
    digests.add(session, row)


def _first_time(row: Digest, at: time, zone: str, now: datetime) -> datetime:
    """The next such time on a day that was not looked at yet."""
    due = next_time(at, zone, now)
    if row.last_day is None or local_day(due, zone) > row.last_day:
        return due
    return time_on(row.last_day + timedelta(days=1), at, zone)


def _problems(session: Session, wish: Wish, addresses: Sequence[str]) -> dict[str, str]:
    problems: dict[str, str] = {}
    if wish.wanted and wish.at is None:
        problems["at"] = NO_TIME
    if fault := zone_fault(wish.time_zone.strip()):
        problems["time_zone"] = fault
    if fault := _address_fault(session, addresses, wanted=wish.wanted):
        problems["addresses"] = fault
    return problems


def _address_fault(session: Session, addresses: Sequence[str], *, wanted: bool) -> str:
    if wanted and not addresses:
        return NOBODY
    if len(addresses) > MOST_ADDRESSES:
        return f"Write at most {MOST_ADDRESSES} addresses."
    faults = (f"{address}: {fault}" for address in addresses if (fault := fault_of(address)))
    refused = (f"{a}: {NOT_PRACTICE}" for a in addresses if not allowed(session, a))
    return next(faults, "") or next(refused, "")


def parted(addresses: str) -> list[str]:
    """The addresses of a text, each once."""
    found = addresses.replace(",", " ").replace(";", " ").split()
    return list({address.lower(): address for address in found}.values())


def allowed(session: Session, address: str) -> bool:
    """Whether a digest may go to this address: with a live study to any that staff wrote down."""
    if any(found.study.mode != "practice" for found in roster.studies(session)):
        return True
    return practice_allows(session, address)


def time_on(day: date, at: time, zone: str) -> datetime:
    """The instant of a wall-clock time on a local day, in UTC."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def local_day(now: datetime, zone: str) -> date:
    return now.astimezone(ZoneInfo(zone)).date()


def next_time(at: time, zone: str, now: datetime) -> datetime:
    """The next such time after now."""
    day = local_day(now, zone)
    due = time_on(day, at, zone)
    return due if due > now else time_on(day + timedelta(days=1), at, zone)


def counted(needs: Iterable[Need]) -> Mapping[str, int]:
    """How many lines of each kind there are, in the order of Today."""
    return Counter(need.kind for need in needs)


def notice_of(site: Site, counts: Mapping[str, int]) -> DigestNotice:
    """What the mail says."""
    link = site.settings.link
    return DigestNotice(
        [*counts.items()], link("staff/"), link("staff/digest"), site.settings.site_name
    )
