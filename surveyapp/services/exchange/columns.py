"""Columns: every file of an export, each column with its kind and what it means.

The exporter writes by this table and the codebook prints it, so neither can know a column that
the other does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...store.tables_reach import STOPS
from ...study.record import MISSING
from .column import Column
from .consents import COURSE_RUNS


@dataclass(frozen=True)
class Table:
    """One file: what a row of it is, what names the row, and its columns."""

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


PARTICIPANT = Column("participant", "text", "Study code of the person.")
COURSE = Column("course", "number", "Number of the person's course, as given when it was recorded.")
TIMEPOINT = Column("timepoint", "text", "Timepoint of the protocol, see the list of timepoints.")
INSTRUMENT = Column("instrument", "text", "Instrument, see the list of instruments.")
DAYS = Column(
    "days_after_dose",
    "number",
    "Whole local dates after the anchor's date, negative before it; empty without that date.",
)
PLACEHOLDER = Column(
    "placeholder",
    "yes or no",
    "yes: the screen showed placeholder texts, so the answers are not those of the instrument.",
)
MARKS = Column(
    "marks",
    "text",
    "How the answer stands to its window, parted by semicolons: early, late, after the dose (a"
    " baseline given too late to be one), after another dose (of a later course). Empty: none.",
)
RECORDED = Column("recorded_at", "UTC time", "When this row was recorded.")

TABLES = (
    Table(
        "participants.csv",
        "one person",
        ("participant",),
        (
            PARTICIPANT,
            Column("language", "text", "Language of the pages and messages."),
            Column("time_zone", "text", "IANA time zone in which the person's days are counted."),
            Column("courses", "number", "How many courses the person has."),
        ),
    ),
    Table(
        "acknowledgements.csv",
        "one version of a study's data notice that one person acknowledged",
        ("participant", "study", "version"),
        (
            PARTICIPANT,
            Column("study", "number", "The study's number in this installation."),
            Column("version", "number", "Version of the notice; 0 is the built-in one."),
            Column("language", "text", "Language in which it was read."),
            Column("sha256", "text", "SHA-256 of the paragraphs as read, an empty line between."),
            Column("acknowledged_at", "UTC time", "When the person said that it was read."),
        ),
    ),
    Table(
        "data_notices.csv",
        "one language of one version of a study's published data notice; not the built-in one",
        ("study", "version", "language"),
        (
            Column("study", "number", "The study's number in this installation."),
            Column("version", "number", "Version of the notice."),
            Column("language", "text", "Language of the text."),
            Column("text", "text", "What people read, an empty line between paragraphs."),
            Column("sha256", "text", "SHA-256 of the text, as in the acknowledgements."),
            Column("published_at", "UTC time", "When it was published."),
        ),
    ),
    Table(
        "courses.csv",
        "one person's passage through one retreat",
        ("participant", "course"),
        (
            PARTICIPANT,
            COURSE,
            Column("retreat", "text", "Name of the retreat."),
            Column("retreat_time_zone", "text", "IANA time zone of the retreat."),
            Column("study", "text", "Title of the study."),
            Column("study_mode", "text", "practice or live. Practice data are never for analysis."),
            Column("protocol", "text", "Protocol of the study."),
            Column("protocol_version", "text", "Version of the protocol."),
            Column("dosing_date", "date", "Local date of the protocol's first anchor."),
            Column("dosing_confirmed", "yes or no", "Whether that date is confirmed."),
            *COURSE_RUNS,
        ),
    ),
    Table(
        "anchors.csv",
        "one named date of one course",
        ("participant", "course", "anchor"),
        (
            PARTICIPANT,
            COURSE,
            Column("anchor", "text", "Anchor of the protocol."),
            Column("date", "date", "Its local date."),
            Column("confirmed_at", "UTC time", "When it was confirmed; empty while planned."),
            Column("revision", "number", "How many times the date was moved."),
        ),
    ),
    Table(
        "assessments.csv",
        "one instrument at one timepoint of one course, started or sent",
        ("participant", "course", "timepoint", "instrument"),
        (
            PARTICIPANT,
            COURSE,
            TIMEPOINT,
            INSTRUMENT,
            Column("instrument_version", "text", "Version of the scoring key."),
            Column("wording_sha256", "text", "SHA-256 of the file of texts that was shown."),
            PLACEHOLDER,
            Column("language", "text", "Language of those texts."),
            Column("mode", "text", "phone, paper, telephone or import."),
            Column("started_at", "UTC time", "When it was opened."),
            Column("submitted_at", "UTC time", "When it was sent; empty: never sent."),
            Column("submitted_local", "local time", "The same in the person's time zone."),
            DAYS,
            Column("window_opens", "date", "First local date of the timepoint's window."),
            Column("window_closes", "date", "Last local date of the timepoint's window."),
            MARKS,
        ),
    ),
    Table(
        "answers.csv",
        "one item of one assessment",
        ("participant", "course", "timepoint", "instrument", "item"),
        (
            PARTICIPANT,
            COURSE,
            TIMEPOINT,
            INSTRUMENT,
            Column("item", "text", "Item of the instrument, see the list of items."),
            Column("topic", "text", "Our short name for the item, not its text."),
            Column("value", "number", "Value of the option that was chosen; empty: none was."),
            Column(
                "skip",
                "text",
                "Why there is no value: declined (the person would rather not answer), left open"
                " (sent without an answer), missing (empty in an import). Empty: there is one.",
            ),
            Column(
                "given_at", "UTC time", "When it was given, by the phone's own clock, corrected."
            ),
            Column("received_at", "UTC time", "When it arrived here."),
        ),
    ),
    Table(
        "scores.csv",
        "one scale or criterion of one sent assessment, as computed when it was sent",
        ("participant", "course", "timepoint", "instrument", "scale"),
        (
            PARTICIPANT,
            COURSE,
            TIMEPOINT,
            INSTRUMENT,
            Column("scale", "text", "Scale or criterion, see the lists."),
            Column("kind", "text", "scale or criterion."),
            Column(
                "value",
                "number",
                "Unrounded score, in the scale's unit; a criterion is 1 (met) or 0 (not met)."
                " Empty: too few answers.",
            ),
            Column("answered", "number", "How many of the scale's items have an answer."),
            Column("of", "number", "How many items the scale has."),
            Column(
                "estimated", "yes or no", "yes: the missing rule filled in for missing answers."
            ),
            Column("band", "text", "Band of the value rounded half up; empty: no bands."),
            Column("key_version", "text", "Version of the scoring key that computed it."),
            DAYS,
            PLACEHOLDER,
            MARKS,
        ),
    ),
    Table(
        "corrections.csv",
        "one sent answer that was corrected; answers and scores are those of today",
        ("participant", "course", "timepoint", "instrument", "item", "corrected_at"),
        (
            PARTICIPANT,
            COURSE,
            TIMEPOINT,
            INSTRUMENT,
            Column("item", "text", "The item's id."),
            Column("old_value", "number", "What was on record; empty: no answer."),
            Column("old_skip", "text", "Why there was none."),
            Column("new_value", "number", "What is on record since; empty: no answer."),
            Column("new_skip", "text", "Why there is none."),
            Column("reason", "text", "Why it was corrected."),
            Column("corrected_at", "UTC time", "When."),
        ),
    ),
    Table(
        "doses.csv",
        "one administration, or why there was none",
        ("participant", "course", "anchor", "kind"),
        (
            PARTICIPANT,
            COURSE,
            Column("anchor", "text", "Dosing day it belongs to, see the anchors."),
            Column("kind", "text", "first or booster."),
            Column("status", "text", "given, declined or not eligible."),
            Column("mg", "number", "Dose in milligrams; empty unless given."),
            Column("given_at", "UTC time", "When it was given, if the time is known."),
            Column(
                "minutes_after_first", "number", "Minutes after that day's first dose, if known."
            ),
            Column("reason", "text", "Why it was not given."),
            RECORDED,
        ),
    ),
    Table(
        "adverse_events.csv",
        "one adverse event",
        ("participant", "course", "term", "started_at"),
        (
            PARTICIPANT,
            COURSE,
            Column("term", "text", "What happened."),
            Column("started_at", "UTC time", "When it started."),
            Column("ended_at", "UTC time", "When it ended; empty: it had not when recorded."),
            Column("grade", "number", "Severity from 1 (mild) to 5 (death)."),
            Column("serious", "yes or no", "Whether it was serious."),
            Column("relatedness", "text", "How it relates to the treatment, as judged by staff."),
            Column("action", "text", "What was done; empty: not known."),
            Column("outcome", "text", "How it went on; empty: not known."),
            Column("source", "text", "asked or volunteered; empty: not known."),
            Column("note", "text", "In staff's words."),
            DAYS,
            RECORDED,
        ),
    ),
    Table(
        "blood_pressure.csv",
        "one reading of blood pressure on a dosing day, also one that was withdrawn",
        ("participant", "course", "at", "recorded_at"),
        (
            PARTICIPANT,
            COURSE,
            Column("anchor", "text", "The dosing day it belongs to."),
            Column("at", "UTC time", "When it was measured."),
            Column("systolic", "number", "Upper value, mmHg."),
            Column("diastolic", "number", "Lower value, mmHg."),
            Column("pulse", "number", "Beats a minute; empty: not measured."),
            RECORDED,
            Column("withdrawn_at", "UTC time", "When it was withdrawn; empty: it stands."),
            Column("withdrawn_why", "text", "Why it was withdrawn."),
        ),
    ),
    Table(
        "alerts.csv",
        "one worrying answer that a rule of the protocol marked, or a drill",
        ("participant", "course", "raised_at", "rule", "about"),
        (
            PARTICIPANT,
            COURSE,
            TIMEPOINT,
            Column("rule", "text", "reliable worsening, case range, safety item or drill."),
            Column("instrument", "text", "The questionnaire; empty for a drill."),
            Column("about", "text", "The scale or the item."),
            Column("numbers", "text", "What the rule went by, as JSON: before, now, limit."),
            Column("drill", "yes or no", "Whether somebody only tried the way."),
            Column("raised_at", "UTC time", "When it was raised."),
            Column("acknowledged_at", "UTC time", "When somebody said that they have it."),
            Column("action", "text", "What was done."),
            Column("outcome", "text", "What came of it."),
            Column("closed_at", "UTC time", "When it was closed."),
        ),
    ),
    Table(
        "sessions.csv",
        "one session of a retreat's programme",
        ("retreat", "session"),
        (
            Column("retreat", "text", "Name of the retreat."),
            Column("session", "text", "The session's name in the protocol, or added-1 and so on."),
            Column("kind", "text", "preparation, dosing or integration."),
            Column("label", "text", "As staff see it."),
            Column("held_on", "date", "Its day at the retreat; empty: no dosing day yet."),
            Column("held_at", "text", "Its time there, where one was set."),
            Column("proposed", "yes or no", "yes: the day is the protocol's, nobody set another."),
            Column("dropped", "yes or no", "yes: it is not held."),
        ),
    ),
    Table(
        "attendance.csv",
        "one person in one session, where attendance was recorded",
        ("participant", "course", "session"),
        (
            PARTICIPANT,
            COURSE,
            Column("session", "text", "The session, see sessions.csv for its retreat."),
            Column("status", "text", "attended, partly or absent."),
            Column("note", "text", "In staff's words."),
            RECORDED,
        ),
    ),
    Table(
        "missing_forms.csv",
        "one timepoint that was not answered, where staff know why",
        ("participant", "course", "timepoint"),
        (
            PARTICIPANT,
            COURSE,
            TIMEPOINT,
            Column("reason", "text", f"One of: {', '.join(MISSING)}."),
            Column("note", "text", "In staff's words."),
            RECORDED,
        ),
    ),
    Table(
        "prompts.csv",
        "one invitation or reminder, also one still to come as things stand at the export",
        ("participant", "course", "timepoint", "number", "revision"),
        (
            PARTICIPANT,
            COURSE,
            TIMEPOINT,
            Column(
                "number",
                "number",
                "0 is the invitation, 1 the first reminder, and so on; above 100, a reminder that"
                " the person asked for.",
            ),
            Column("revision", "number", "Revision of the anchor's date it belonged to."),
            Column("due_at", "UTC time", "When it was due."),
            Column("due_local", "local time", "The same in the person's time zone."),
            DAYS,
            Column(
                "status",
                "text",
                "planned, sent, refused (by the mail server), skipped, held, waiting (to be tried"
                " again) or claimed (being sent).",
            ),
            Column("reason", "text", "What became of it and why, in words."),
            Column("tries", "number", "How many times it was tried."),
            Column("updated_at", "UTC time", "When its status last changed; empty: planned."),
        ),
    ),
    Table(
        "stops.csv",
        "one pause or stop, in each course it holds for, also if it was undone",
        ("participant", "course", "kind", "recorded_at"),
        (
            PARTICIPANT,
            COURSE,
            Column("kind", "text", f"One of: {', '.join(STOPS)}."),
            Column("since", "date", "The local day from which it held."),
            Column("until", "date", "Of a pause: the day messages came again."),
            Column("reason", "text", "Why, as typed."),
            Column("recorded_by", "text", "staff, or participant (from a message)."),
            Column("recorded_at", "UTC time", "When it was recorded."),
            Column("undone_at", "UTC time", "When it was undone; empty: it holds."),
            Column("undone_why", "text", "Why it was undone."),
        ),
    ),
)
