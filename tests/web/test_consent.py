"""The consent pages: publishing a version, recording and withdrawing, and who signed what."""

from __future__ import annotations

from surveyapp.services.site import Site
from surveyapp.store.links import ensure_link
from surveyapp.store.tables import Study
from tests.world import add_course

from .conftest import Browser
from .test_staff import act
from .test_staff import filled as filled
from .test_staff import staff as staff

ONE, FORM = "/staff/people/S-01/1", "/staff/study/1/consent"
NEW = {
    "version": "2",
    "dated": "2027-03-01",
    "reference": "EC 2027-12",
    "keeps_data": "ask",
    "own_scopes": "quotes: may be quoted without a name",
    "anew": "y",
    "anew_from": "2027-03-20",
}
SIGNED = {
    "version": "2",
    "given_on": "2027-03-27",
    "taken_by": "Study nurse",
    "scope": "answers and messages",
    "keep_for_research": "yes",
    "contact_after": "no",
    "own": ["2/quotes"],
}


def test_a_version_is_previewed_published_and_signed(filled: Browser) -> None:
    earlier = {"given_on": "2027-03-02", "scope": "answers and messages"}
    act(filled, f"{ONE}/consent", {**earlier})
    page = act(filled, FORM, {**NEW, "sure": "look"})
    assert "1 person with messages to come did not sign this version yet." in page.text
    assert "From Sat 20 Mar 2027 on their messages are held" in page.text
    assert "There is" not in filled.get("/staff/retreats/1/consent").text
    page = act(filled, FORM, {**NEW, "sure": "yes"})
    assert "Version 2 of the consent form is published." in page.text
    assert "EC 2027-12" in page.text
    assert "Version 2 must be signed; nothing is sent" in filled.get("/staff/people/S-01").text
    assert "Version 2 must be signed; nothing is sent" in filled.get("/staff/").text
    assert "Version 2 must be signed; nothing is sent" in filled.get("/staff/retreats/1").text
    page = act(filled, f"{ONE}/consent", {**SIGNED})
    assert "Consent of S-01 is recorded: answers and messages, version 2." in page.text
    assert "given Sat 27 Mar 2027, version 2" in page.text
    assert "Taken by Study nurse" in page.text
    assert "Contact after the study: no" in page.text
    page = filled.get("/staff/retreats/1/consent")
    assert "may be quoted without a name: yes" in page.text
    assert "Current" in page.text


def test_wrong_input_keeps_what_was_typed(filled: Browser) -> None:
    page = act(filled, FORM, {**NEW, "dated": "soon", "sure": "look"})
    assert page.status == 400
    assert page.attribute("input", "value", name="reference") == "EC 2027-12"
    act(filled, FORM, {**NEW, "sure": "yes"})
    page = act(filled, FORM, {**NEW, "sure": "look"})
    assert "Version 2 is published. A new text needs a new version." in page.text
    page = act(filled, f"{ONE}/consent", {**SIGNED, "version": "7", "taken_by": ""})
    assert page.status == 400
    assert "Choose the version that was signed." in page.text
    assert page.attribute("input", "value", name="given_on") == "2027-03-27"


def test_withdrawing_is_recorded_and_shown(filled: Browser) -> None:
    assert filled.get(f"{ONE}/consent/withdraw").status == 200
    new = {"what": "participation", "told_by": "the person, by phone"}
    assert act(filled, f"{ONE}/consent/withdraw", {**new}).status == 409
    act(filled, f"{ONE}/consent", {"given_on": "2027-03-02", "scope": "answers and messages"})
    page = act(filled, f"{ONE}/consent/withdraw", {"what": "", "told_by": ""})
    assert page.status == 400
    page = act(filled, f"{ONE}/consent/withdraw", {**new})
    assert "It is recorded that S-01 withdrew consent." in page.text
    assert "Left the study" in page.text
    assert (
        "Withdrawn on Sun 28 Mar 2027: taking part" in filled.get("/staff/retreats/1/consent").text
    )


def test_a_link_to_a_live_study_says_kindly_that_consent_comes_first(
    browser: Browser, sqlite_site: Site
) -> None:
    course = add_course(sqlite_site, consent=False, confirmed=True)
    with sqlite_site.database.write() as session:
        session.get_one(Study, 1).mode = "live"
        session.get_one(Study, 1).phone = "+31 20 123 4567"
        token = ensure_link(session, sqlite_site.link_key, course, "day-8")
    for page in (browser.get(f"/s/{token}"), browser.post(f"/s/{token}")):
        assert page.status == 403
        assert page.heading == "This check-in cannot begin yet"
        assert "+31 20 123 4567" in page.text


def test_what_a_study_runs_under_is_shown(filled: Browser) -> None:
    page = filled.get("/staff/study/1/running")
    assert "Protocol second-retreat" in page.text
    assert "Instrument hads" in page.text
    assert filled.get("/staff/study/1/amendment").status == 409
