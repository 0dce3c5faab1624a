"""Consent: each course its own, a version that must be signed anew, and withdrawing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from surveyapp.delivery.email import SmtpMailer
from surveyapp.services import answering, consent, consentforms, enrolment, prompting, stopping
from surveyapp.services.consent import NewWithdrawal
from surveyapp.services.consentforms import NewForm
from surveyapp.services.enrolment import ConsentDetails
from surveyapp.services.errors import InputError, RefusedError
from surveyapp.services.personal import person_view
from surveyapp.services.site import Site
from surveyapp.store import trail, wordings
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Study
from surveyapp.store.tables_access import Event
from surveyapp.study.consent import Form, Signed, ends_on, is_current, may_answer, standing
from surveyapp.study.schedule import NO_CONSENT
from surveyapp.worker import Ticker
from tests.fillers import install
from tests.world import MailServer, add_course, needs_of

INVITATION = datetime(2027, 3, 10, 9, tzinfo=UTC)
REMINDER = datetime(2027, 3, 13, 9, tzinfo=UTC)
MARCH = date(2027, 3, 1)
AMENDED = NewForm("2", MARCH, "EC 2027-12", anew=True, anew_from=date(2027, 3, 12))


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def by(now: datetime = INVITATION) -> dict[str, Any]:
    return {"actor": "staff:1", "now": now}


def tick(site: Site, server: MailServer, at: datetime) -> int:
    return Ticker(site, SmtpMailer(server.url), lambda: at).tick()


def sign(site: Site, version: str, now: datetime, on: date | None = None, **more: Any) -> None:
    details = ConsentDetails(version, "Study nurse", **more)
    day, scope = on or now.date(), "answers and messages"
    enrolment.record_consent(site, "P-01", more.pop("number", 1), day, scope, details, **by(now))


def reasons(site: Site, now: datetime) -> dict[str, set[str]]:
    """The reasons of the first course's prompts, by state."""
    found: dict[str, set[str]] = {}
    for line in person_view(site, "P-01", now).courses[-1].prompts:
        found.setdefault(line.state, set()).add(line.reason)
    return found


def test_a_second_course_needs_its_own_consent(site: Site, server: MailServer) -> None:
    add_course(site)
    add_course(site, retreat="Autumn", number=2, consent=False)
    assert tick(site, server, INVITATION) == 1
    enrolment.record_consent(site, "P-01", 2, MARCH, "answers and messages", **by())
    assert tick(site, server, INVITATION + timedelta(minutes=1)) == 1


def test_an_amendment_holds_from_its_day_those_who_signed_earlier(
    site: Site, server: MailServer
) -> None:
    add_course(site)
    assert consentforms.look(site, 1, AMENDED, INVITATION).earlier == 1
    assert consentforms.publish(site, 1, AMENDED, **by()) == "2"
    assert tick(site, server, INVITATION) == 1
    assert "no consent to version 2 on record" in reasons(site, INVITATION)["held"]
    assert tick(site, server, REMINDER) == 0
    assert prompting.next_due(site) != REMINDER
    assert any(
        "Version 2 must be signed; nothing is sent." in need.why
        for need in needs_of(site, REMINDER)
    )
    sign(site, "2", REMINDER)
    assert tick(site, server, REMINDER + timedelta(minutes=1)) == 1
    assert prompting.sweep(site) == 0
    assert needs_of(site, REMINDER) == [
        need for need in needs_of(site, REMINDER) if "signed" not in need.why
    ]


def test_a_claimed_message_waits_once_the_version_must_be_signed(
    site: Site, server: MailServer
) -> None:
    course = add_course(site)
    job = prompting.claim(site, course, "worker", INVITATION)
    assert job is not None
    at_once = replace(AMENDED, anew_from=INVITATION.date())
    consentforms.publish(site, 1, at_once, **by())
    assert prompting.recheck(site, job, INVITATION) is False
    assert tick(site, server, INVITATION) == 0


def test_a_version_that_need_not_be_signed_anew_holds_nobody(
    sqlite_site: Site, server: MailServer
) -> None:
    add_course(sqlite_site)
    form = NewForm("1.1", MARCH, "", "ask")
    assert consentforms.look(sqlite_site, 1, form, INVITATION).held_from is None
    consentforms.publish(sqlite_site, 1, form, **by())
    assert tick(sqlite_site, server, INVITATION) == 1
    line = consent.signed_list(sqlite_site, 1, INVITATION).rows[0]
    assert (line.version, line.state, line.current) == ("", "still counts", True)


@pytest.mark.parametrize("what", ["messages", "participation"])
def test_withdrawing_sends_nothing_also_of_what_is_claimed(
    site: Site, server: MailServer, what: str
) -> None:
    course = add_course(site)
    job = prompting.claim(site, course, "worker", INVITATION)
    assert job is not None
    new = NewWithdrawal(what, None, "the person, by phone")
    assert consent.withdraw(site, "P-01", 1, new, **by()) == 1
    assert prompting.recheck(site, job, INVITATION) is False
    for later in (timedelta(0), timedelta(hours=7), timedelta(days=3)):
        assert tick(site, server, INVITATION + later) == 0
    with site.database.read() as session:
        kinds = set(session.scalars(select(Event.kind)))
        assert trail.verify(session).fault is None
    assert "consent withdrawn" in kinds
    assert ("stopped" in kinds) == (what == "participation")
    with pytest.raises(InputError):
        consent.withdraw(site, "P-01", 1, new, **by())


def test_new_consent_after_a_withdrawal_counts(sqlite_site: Site, server: MailServer) -> None:
    site = sqlite_site
    add_course(site)
    consent.withdraw(site, "P-01", 1, NewWithdrawal("messages", None, "the person"), **by())
    today = INVITATION.date()
    enrolment.record_consent(site, "P-01", 1, today, "answers and messages", **by())
    assert tick(site, server, INVITATION + timedelta(minutes=1)) == 1


def test_leaving_stays_one_stop(sqlite_site: Site) -> None:
    add_course(sqlite_site)
    left = stopping.NewStop("left the study", reason="moved away")
    stopping.record_stop(sqlite_site, "P-01", 1, left, **by())
    all_of_it = NewWithdrawal("participation", None, "the person")
    consent.withdraw(sqlite_site, "P-01", 1, all_of_it, **by())
    assert len(person_view(sqlite_site, "P-01", INVITATION).courses[-1].stops) == 1


def test_what_was_signed_before_a_withdrawal_does_not_undo_it(
    sqlite_site: Site, server: MailServer
) -> None:
    add_course(sqlite_site)
    gone = NewWithdrawal("messages", INVITATION.date(), "the person")
    consent.withdraw(sqlite_site, "P-01", 1, gone, **by())
    later = INVITATION + timedelta(days=2)
    with pytest.raises(InputError, match="withdrawn on Wed 10 Mar 2027"):
        sign(sqlite_site, "", later, MARCH)
    assert tick(sqlite_site, server, later) == 0
    sign(sqlite_site, "", later, INVITATION.date())
    assert tick(sqlite_site, server, later) == 1


def test_without_consent_there_is_nothing_to_withdraw(sqlite_site: Site) -> None:
    add_course(sqlite_site, consent=False)
    with pytest.raises(RefusedError):
        consent.withdraw(sqlite_site, "P-01", 1, NewWithdrawal("messages", None, "she"), **by())


def test_what_was_agreed_to_is_kept_in_words(sqlite_site: Site) -> None:
    add_course(sqlite_site)
    form = NewForm("1", MARCH, "", "no", own_scopes="quotes: may be quoted without a name")
    consentforms.publish(sqlite_site, 1, form, **by())
    sign(
        sqlite_site,
        "1",
        INVITATION,
        keep_for_research=True,
        contact_after=False,
        own={"quotes": True},
    )
    line = consent.signed_list(sqlite_site, 1, INVITATION).rows[0]
    assert (line.version, line.taken_by, line.state) == ("1", "Study nurse", "current")
    assert line.scopes == (
        "answers and messages",
        "data kept for further research: yes",
        "contact after the study: no",
        "may be quoted without a name: yes",
    )
    with sqlite_site.database.read() as session:
        assert consent.keeps_data(session, [1]) == {1: "no"}
        assert consent.consent_published(session, 1)


def test_data_stay_where_nothing_else_was_signed(site: Site) -> None:
    add_course(site, consent=False)
    with site.database.read() as session:
        assert consent.keeps_data(session, [1]) == {1: "yes"}
        assert not consent.consent_published(session, 1)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"version": " "}, "version"),
        ({"version": "1"}, "version"),
        ({"dated": None}, "dated"),
        ({"dated": date(2027, 4, 1)}, "dated"),
        ({"keeps_data": "perhaps"}, "keeps_data"),
        ({"own_scopes": "quotes"}, "own_scopes"),
        ({"own_scopes": "a: one\na: two"}, "own_scopes"),
        ({"anew": True, "anew_from": None}, "anew_from"),
        ({"anew": False, "anew_from": MARCH}, "anew_from"),
    ],
)
def test_a_form_that_cannot_be_published_says_why(
    sqlite_site: Site, wrong: dict[str, Any], field: str
) -> None:
    add_course(sqlite_site)
    consentforms.publish(sqlite_site, 1, NewForm("1", MARCH, ""), **by())
    with pytest.raises(InputError) as caught:
        consentforms.publish(sqlite_site, 1, replace(NewForm("2", MARCH, ""), **wrong), **by())
    assert list(caught.value.problems) == [field]
    assert len(consentforms.forms(sqlite_site, 1)) == 1


def test_consent_names_a_published_version_and_who_took_it(sqlite_site: Site) -> None:
    add_course(sqlite_site)
    consentforms.publish(sqlite_site, 1, NewForm("1", MARCH, ""), **by())
    with pytest.raises(InputError) as caught:
        enrolment.record_consent(sqlite_site, "P-01", 1, MARCH, "answers only", **by())
    assert sorted(caught.value.problems) == ["taken_by", "version"]
    with pytest.raises(InputError) as caught:
        sign(sqlite_site, "1", INVITATION, date(2027, 2, 27))
    assert list(caught.value.problems) == ["given_on"]


def test_a_live_study_asks_nothing_before_consent(sqlite_site: Site) -> None:
    site = sqlite_site
    course = add_course(site, consent=False)
    with site.database.write() as session:
        token = ensure_link(session, site.link_key, course, "baseline")
    assert answering.begin(site, token, INVITATION)
    with site.database.write() as session:
        session.get_one(Study, 1).mode = "live"
    assert answering.begin(site, token, INVITATION), "what was begun goes on"
    install(site, "hads", **by())
    other = add_course(site, "P-02", consent=False)
    with site.database.write() as session:
        wordings.pin_new(session, site.library, INVITATION)
        token = ensure_link(session, site.link_key, other, "baseline")
    with pytest.raises(RefusedError):
        answering.begin(site, token, INVITATION)
    enrolment.record_consent(site, "P-02", 1, MARCH, "answers only", **by())
    assert answering.begin(site, token, INVITATION)


DAYS = st.dates(date(2027, 1, 1), date(2027, 12, 31))
FORMS = st.lists(st.none() | DAYS, max_size=5).map(
    lambda days: [Form(str(n), day) for n, day in enumerate(days, 1)]
)


@given(FORMS, st.integers(0, 5), DAYS)
def test_only_a_later_version_that_must_be_signed_anew_ends_consent(
    forms: list[Form], at: int, today: date
) -> None:
    signed = Signed(str(at) if 0 < at <= len(forms) else "")
    place = at if 0 < at <= len(forms) else 0
    later = [f.anew_from for f in forms[place:] if f.anew_from is not None]
    found = standing(signed, forms)
    assert found.given
    assert found.ends == ends_on(signed, forms) == min(later, default=None)
    assert may_answer(signed, forms, today) == all(today < day for day in later)
    assert found.reason == (
        f"no consent to version {len(forms)} on record" if later else NO_CONSENT
    )
    assert standing(Signed(str(len(forms)) if forms else ""), forms).ends is None


@given(FORMS, DAYS, st.sampled_from(["messages", "participation"]), st.booleans())
def test_nothing_signed_or_withdrawn_never_counts(
    forms: list[Form], today: date, what: str, messages: bool
) -> None:
    newest = forms[-1].version if forms else ""
    for signed in (None, Signed(newest, messages, what), Signed(newest, messages=False)):
        assert not standing(signed, forms).given
    assert not may_answer(None, forms, today)
    assert not may_answer(Signed(newest, messages, "participation"), forms, today)
    assert may_answer(Signed(newest, messages, "messages"), forms, today)
    assert not is_current(Signed(newest, messages, what), forms)
