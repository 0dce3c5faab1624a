"""A person of whom every table holds something, in words that stand nowhere else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from surveyapp.services import notes, slips, stopping
from surveyapp.services.site import Site
from surveyapp.services.stopping import NewStop
from surveyapp.store import contacts, erasing, links, pins, trail
from surveyapp.store.tables import (
    AdverseEvent,
    Answer,
    Assessment,
    Attempt,
    Clearance,
    Consent,
    Course,
    DoseRow,
    Participant,
    PromptRow,
    ScoreRow,
    Study,
)
from surveyapp.store.tables_access import Visit
from surveyapp.store.tables_care import (
    Alert,
    AlertMessage,
    BloodPressure,
    Correction,
    FormerScore,
)
from surveyapp.store.tables_consent import Amendment, ConsentWithdrawal, CourseAmendment
from surveyapp.store.tables_entry import Acknowledgement, Wish
from surveyapp.store.tables_group import Attendance, MissingForm, SecondEntry
from surveyapp.store.tables_wording import CourseWording, WordingSet
from surveyapp.study.alerting import CASE
from tests.world import add_course

AT = datetime(2027, 3, 12, 9, tzinfo=UTC)
CODE, OTHER = "Quokka-77", "Quokka-7"
ADDRESS, NUMBER = "quokka.mulgara@example.org", "+31655501234"
NOTE = "wept at the bandicoot song"
WORDS = ("Quokka-77", "bandicoot", "numbat", "potoroo", "bettong", "wambenger")
"""What must be nowhere once the person is erased; the rest is in codes and dates."""
STAFF: Any = {"actor": "staff:1", "now": AT}


def add_wholly(site: Site, code: str = CODE) -> int:
    """The person, with what every table can hold of one; the course's id."""
    course = add_course(site, code, address=ADDRESS)
    with site.database.write() as session:
        person = session.scalars(
            select(col(Participant.id)).where(col(Participant.code) == code)
        ).one()
        study = session.scalars(select(col(Study.id))).first()
        assert study is not None
        contacts.put_contact(session, site.vault, person, contacts.PHONE, NUMBER)
        pins.put_pin(session, site.vault, person, "90210", asked=False, now=AT)
        session.add_all(_of_course(course, study, person))
        session.flush()
        links.ensure_link(session, site.link_key, course, "baseline")
        (consent,) = session.scalars(
            select(col(Consent.id)).where(col(Consent.course_id) == course)
        )
        for row in _agreed(course, study, consent):
            session.add(row)
            session.flush()
        (sheet,) = session.scalars(
            select(col(Assessment.id)).where(col(Assessment.course_id) == course)
        )
        (prompt,) = session.scalars(
            select(col(PromptRow.id)).where(col(PromptRow.course_id) == course)
        )
        (alert,) = session.scalars(select(col(Alert.id)).where(col(Alert.course_id) == course))
        session.add_all(_below(site, sheet, prompt, alert))
    notes.add_note(site, code, 1, NOTE, AT.date(), **STAFF)
    stop = NewStop("paused", until=AT.date() + timedelta(days=3), reason="numbat")
    stopping.record_stop(site, code, 1, stop, **STAFF)
    return course


def _of_course(course: int, study: int, person: int) -> list[Any]:
    by: Any = {"recorded_by": "staff:1", "recorded_at": AT}
    of: Any = {"course_id": course}
    sheet: Any = {"instrument_version": "1", "wording_sha256": "0", "placeholder": True}
    return [
        Assessment(
            **of, timepoint="baseline", instrument="hads", language="en", mode="phone", **sheet
            | {"started_at": AT, "submitted_at": AT},
        ),
        Clearance(**of, timepoint="week-24", given_by="staff:1", given_at=AT),
        DoseRow(**of, kind="first", status="given", mg=25, reason="potoroo", recorded_at=AT),
        AdverseEvent(
            **of, term="bettong ache", started_at=AT, grade=3, serious=True, relatedness="related",
            **by,
        ),
        BloodPressure(**of, anchor="dosing", at=AT, systolic=142, diastolic=88, **by),
        Alert(**of, rule=CASE, timepoint="baseline", instrument="hads", about="x", raised_at=AT),
        PromptRow(
            **of, timepoint="baseline", number=0, revision=0, due_at=AT, status="sent",
            updated_at=AT,
        ),
        Attendance(**of, session="s", status="absent", note="wambenger", **by),
        MissingForm(**of, timepoint="day-8", reason="too unwell", note="wambenger", **by),
        Visit(id=f"v{course}", **of, timepoint="baseline", read_sha256="r", write_sha256="w",
              created_at=AT),
        Wish(**of, timepoint="baseline", number=1, at=AT, wished_at=AT),
        Acknowledgement(participant_id=person, study_id=study, version=0, language="en",
                        sha256="0", at=AT),
    ]  # fmt: skip


def _agreed(course: int, study: int, consent: int) -> list[Any]:
    amendment = Amendment(
        id=course, study_id=study, number=course, label="1", approved_on=AT.date(), reason="r",
        changes="[]", taken_by="staff:1", taken_at=AT,
    )  # fmt: skip
    withdrawal = ConsentWithdrawal(
        course_id=course, consent_id=consent, what="messages", withdrawn_on=AT.date(),
        told_by="numbat", note="", recorded_by="staff:1", recorded_at=AT,
    )  # fmt: skip
    return [
        amendment,
        withdrawal,
        WordingSet(sha256=f"w{course}", content="{}", kept_at=AT),
        CourseWording(course_id=course, set_sha256=f"w{course}"),
        CourseAmendment(course_id=course, amendment_id=course, number=1, label="1"),
    ]


def _below(site: Site, sheet: int, prompt: int, alert: int) -> list[Any]:
    of: Any = {"assessment_id": sheet}
    score: Any = {"scale": "anxiety", "kind": "scale", "value": 9, "answered": 7, "of_items": 7}
    score |= {"estimated": False, "key_version": "1"}
    return [
        Answer(**of, item="1", value=2, given_at=AT, received_at=AT),
        ScoreRow(**of, **score),
        FormerScore(**of, **score, until=AT),
        SecondEntry(**of, item="1", value=2, entered_by="staff:1", entered_at=AT),
        Correction(
            **of, item="1", old_value=1, new_value=2, reason="potoroo", corrected_by="staff:1",
            corrected_at=AT,
        ),
        Attempt(
            prompt_id=prompt, at=AT, channel="e-mail", message_id="m", outcome="accepted",
            sent_to=site.vault.lookup(ADDRESS),
        ),
        AlertMessage(alert_id=alert, place=1, name="n", email="on-call@example.org", status="sent",
                     updated_at=AT),
    ]  # fmt: skip


def add_mentions(site: Site) -> None:
    """Another person whose code begins alike, who shares the address, and whose records name the
    first; and slips of both, in the system's chain."""
    add_course(site, OTHER, address=ADDRESS)
    with site.database.write() as session:
        other = session.scalars(
            select(col(Course.id)).join(Participant).where(col(Participant.code) == OTHER)
        ).one()
        session.add(Attendance(
            course_id=other, session="s", status="absent", note=f"sat beside {CODE}.",
            recorded_by="staff:1", recorded_at=AT,
        ))  # fmt: skip
    notes.add_note(site, OTHER, 1, f"shares a room with {CODE}", date(2027, 3, 12), **STAFF)
    slips.make_slips(site, 1, "day-8", with_pins=False, **STAFF)


def is_whole(site: Site) -> bool:
    with site.database.read() as session:
        return trail.verify(session).fault is None


def codes(site: Site) -> list[str]:
    with site.database.read() as session:
        return sorted(erasing.everybody(session))
