"""Rehearsal: before anybody is enrolled, of many, and of a running retreat."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import rehearsal, stopping
from surveyapp.services.errors import InputError
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.worker import Ticker
from tests.world import MailServer, add_course

DOSING = date(2027, 3, 20)
NOW = datetime(2027, 3, 9, 9, tzinfo=UTC)


def rehearse(site: Site, zone: str = "Europe/Amsterdam", language: str = "en"):
    protocol = site.library.protocols["second-retreat"]
    anchors = {"dosing": DOSING}
    return rehearsal.rehearse(site.library, site.settings, protocol, anchors, zone, language)


def test_the_rehearsed_text_is_the_text_that_is_sent(sqlite_site: Site) -> None:
    """Besides the link, and what is filled in per study."""
    add_course(sqlite_site)
    with MailServer() as server:
        at = datetime(2027, 3, 10, 9, tzinfo=UTC)
        assert Ticker(sqlite_site, SmtpMailer(server.url), lambda: at).tick() == 1
        (sent,) = server.sink.messages
    first = rehearse(sqlite_site)[0]
    plain = sent.get_body(("plain",))
    assert plain is not None
    assert sent["Subject"] == first.said.subject
    known = [line for line in first.said.text.splitlines() if "http" not in line]
    told = plain.get_content().splitlines()
    assert [line for line in known if line not in told] == []
    assert "EXAMPLE" in first.said.text


def test_texts_are_in_the_language_asked_for(sqlite_site: Site) -> None:
    subjects = {rehearse(sqlite_site, language=name)[0].said.subject for name in ("en", "nl", "de")}
    assert len(subjects) == 3


def test_a_wrong_zone_or_a_date_too_far_is_said(sqlite_site: Site) -> None:
    with pytest.raises(InputError):
        rehearse(sqlite_site, "Mars/Base")
    protocol = sqlite_site.library.protocols["second-retreat"]
    far = {"dosing": date(9999, 12, 30)}
    with pytest.raises(InputError):
        rehearsal.rehearse(
            sqlite_site.library, sqlite_site.settings, protocol, far, "Europe/Amsterdam", "en"
        )


def test_many_participants_are_counted_one_by_one(sqlite_site: Site) -> None:
    protocol = sqlite_site.library.protocols["second-retreat"]
    heard: list[int] = []
    load = rehearsal.simulate(protocol, 20_000, date(2027, 1, 4), heard.append)
    assert load.messages == 9 * 20_000
    assert (load.outside_hours, load.doubled) == (0, 0)
    assert heard == [10_000, 20_000]
    assert load.in_busiest_minute <= load.on_busiest_day <= load.messages


def test_a_retreat_says_what_goes_out_and_what_is_held(sqlite_site: Site) -> None:
    add_course(sqlite_site, "P-01")
    add_course(sqlite_site, "P-02", address="p02@example.org")
    wish = NewStop("messages stopped")
    stopping.record_stop(sqlite_site, "P-02", 1, wish, actor="staff:1", now=NOW)
    retreat = rehearsal.retreat_named(sqlite_site, "Spring 2027")
    found = rehearsal.going_out(sqlite_site, retreat, 5, NOW)
    assert [(n.code, n.line.number, n.line.state) for n in found.going] == [
        ("P-01", 0, "planned"),
        ("P-01", 1, "planned"),
    ]
    assert {(n.code, n.line.reason) for n in found.held} == {("P-02", "messages were stopped")}
    with pytest.raises(InputError):
        rehearsal.retreat_named(sqlite_site, "Winter")
