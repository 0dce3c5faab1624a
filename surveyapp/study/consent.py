"""Consent: whether messages may go and answers be asked for, from what was signed.

A study may publish consent forms, each with a version. One that must be signed anew (an amendment)
ends, from a local date on, what was signed to an earlier version. Consent on record from before the
first form has the version "" and is earlier than all. Nothing is taken over from another course.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

NO_CONSENT = "no consent to messages on record"
WITHDRAWN = "consent was withdrawn"
MESSAGES, PARTICIPATION = "messages", "participation"
WITHDRAWALS = (MESSAGES, PARTICIPATION)


@dataclass(frozen=True)
class Form:
    """A version of a study's consent form; `anew_from` is the local date from which those who
    signed an earlier one must have signed this one or a later."""

    version: str
    anew_from: date | None = None


@dataclass(frozen=True)
class Signed:
    """The newest consent of a course; `messages`: it covers messages; `withdrawn` says what of it
    was withdrawn, one of WITHDRAWALS, or nothing."""

    version: str = ""
    messages: bool = True
    withdrawn: str = ""


@dataclass(frozen=True)
class Standing:
    """Whether messages are consented to, the local date (if any) from which that counts no more,
    and why not: now, or from that date on."""

    given: bool
    ends: date | None
    reason: str


def lacks(version: str) -> str:
    """Why messages are held where this version is not signed."""
    return f"no consent to version {version} on record"


def ends_on(signed: Signed, forms: Sequence[Form]) -> date | None:
    """The first date from which what was signed counts no more; `forms` in order of publishing."""
    versions = [form.version for form in forms]
    later = versions.index(signed.version) + 1 if signed.version in versions else 0
    return min((f.anew_from for f in forms[later:] if f.anew_from is not None), default=None)


def standing(signed: Signed | None, forms: Sequence[Form]) -> Standing:
    """What messages wait for; `forms` in order of publishing."""
    missing = lacks(forms[-1].version) if forms else NO_CONSENT
    if signed is None:
        return Standing(False, None, missing)
    if signed.withdrawn:
        return Standing(False, None, WITHDRAWN)
    if not signed.messages:
        return Standing(False, None, NO_CONSENT)
    ends = ends_on(signed, forms)
    return Standing(True, ends, NO_CONSENT if ends is None else missing)


def may_answer(signed: Signed | None, forms: Sequence[Form], today: date) -> bool:
    """Whether answers may be asked for on this local date. Messages are another matter."""
    if signed is None or signed.withdrawn == PARTICIPATION:
        return False
    ends = ends_on(signed, forms)
    return ends is None or today < ends


def is_current(signed: Signed | None, forms: Sequence[Form]) -> bool:
    """Whether the newest version is signed and nothing of it withdrawn; true without forms."""
    if signed is None or signed.withdrawn:
        return False
    return not forms or signed.version == forms[-1].version
