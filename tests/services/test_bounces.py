"""Bounces come late, more than once, and of addresses that are no longer a person's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import bounces, personal, reaching
from surveyapp.services.bounces import Bounce
from surveyapp.services.reaching import Contacts
from surveyapp.services.site import Site
from surveyapp.worker import Ticker
from tests.world import EARLIER, MailServer, add_course

from .test_prompting import INVITATION, local, rows
from .test_reaching import PHONE, Provider, provider

__all__ = ["provider"]

CAME_BACK = "the message came back: mailbox unknown (5.1.1)"
MINUTES = [INVITATION + timedelta(minutes=m) for m in range(0, 60, 5)]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def both_ways(site: Site, provider: Provider) -> Site:
    """Somebody with e-mail, and SMS where that fails."""
    settings = site.settings.model_copy(update={"sms_url": provider.url})
    site = replace(site, settings=settings)
    add_course(site)
    contact(site, "p01@example.org")
    return site


def contact(site: Site, email: str) -> None:
    wish = Contacts(email, PHONE, "email phone")
    reaching.set_contacts(site, "P-01", wish, actor="staff:1", now=EARLIER)


def tick(site: Site, server: MailServer, at: int) -> int:
    return Ticker(site, SmtpMailer(server.url), lambda: MINUTES[at]).tick()


def came_back(site: Site, server: MailServer, at: int, address: str = "") -> int:
    identity = str(server.sink.messages[0]["Message-ID"])
    return bounces.take(site, [Bounce(True, CAME_BACK, identity, address)], MINUTES[at])


def test_a_bounce_told_three_times_makes_one_text(
    both_ways: Site, server: MailServer, provider: Provider
) -> None:
    assert tick(both_ways, server, 0) == 1
    for at in (1, 2, 3):
        came_back(both_ways, server, at)
        tick(both_ways, server, at)
    assert len(provider.texts) == 1
    assert rows(both_ways)[0][2:] == ("sent", "handed to the SMS provider")


def test_a_late_bounce_of_the_old_address_leaves_the_new_one(
    both_ways: Site, server: MailServer, provider: Provider
) -> None:
    assert tick(both_ways, server, 0) == 1
    contact(both_ways, "new@example.org")
    came_back(both_ways, server, 1)
    assert personal.person_view(both_ways, "P-01", MINUTES[1]).contacts[0].note == ""
    assert tick(both_ways, server, 2) == 1
    assert [m["To"] for m in server.sink.messages] == ["p01@example.org", "new@example.org"]
    came_back(both_ways, server, 3, "p01@example.org")
    assert personal.person_view(both_ways, "P-01", MINUTES[3]).contacts[0].note == ""
    assert rows(both_ways)[0][2] == "sent"
    assert provider.texts == []


def test_what_came_back_after_its_reminder_went_has_had_its_day(
    both_ways: Site, server: MailServer, provider: Provider
) -> None:
    assert tick(both_ways, server, 0) == 1
    reminder = Ticker(both_ways, SmtpMailer(server.url), lambda: local(3, 13))
    assert reminder.tick() == 1
    came_back(both_ways, server, 4)
    assert reminder.tick() == 0
    assert rows(both_ways)[0][2:] == ("refused", CAME_BACK)
    assert provider.texts == []
