"""What an export says of a course's amendment and consent: columns of courses.csv."""

from __future__ import annotations

from datetime import date

from ...store.consents import agreed
from ...store.facts import CourseContext
from .column import Column

COURSE_RUNS = (
    Column("amendment", "number", "Amendment that the course runs under; empty before the first."),
    Column("consent_on", "date", "Date of the newest consent on record."),
    Column("consent_scope", "text", "Scope of that consent."),
    Column("consent_version", "text", "Version of the form; empty where the study had none."),
    Column("consent_taken_by", "text", "Name or role of who talked about it with the person."),
    Column("keep_for_research", "yes or no", "Whether data may be kept for further research."),
    Column("contact_after", "yes or no", "Whether the person may be contacted after the study."),
    Column("other_scopes", "text", "The form's own scopes that were agreed to, parted by ;"),
    Column("consent_withdrawn", "text", "What was withdrawn of it: messages or participation."),
    Column("consent_withdrawn_on", "date", "When; the earliest where there are several."),
)


def consent_row(context: CourseContext) -> dict[str, str | int | bool | date | None]:
    consent = context.consents[-1] if context.consents else None
    signed, amendment = context.hanging.signed, context.amendment
    own = [name for name, yes in agreed(consent).items() if yes] if consent else []
    known = context.hanging.withdrawals
    withdrawals = [w for w in known if consent and w.consent_id == consent.id]
    return {
        "amendment": amendment.number if amendment else None,
        "consent_on": consent.given_on if consent else None,
        "consent_scope": consent.scope if consent else None,
        "consent_version": consent.version if consent else None,
        "consent_taken_by": consent.taken_by if consent else None,
        "keep_for_research": consent.keep_for_research if consent else None,
        "contact_after": consent.contact_after if consent else None,
        "other_scopes": ";".join(sorted(own)),
        "consent_withdrawn": signed.withdrawn if signed else None,
        "consent_withdrawn_on": min((w.withdrawn_on for w in withdrawals), default=None),
    }
