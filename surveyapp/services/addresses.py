"""Addresses: which e-mail addresses are written right, and which a practice study may send to.

A practice study may hold any address, but sends only to staff accounts' own and to those that are
reserved for tests and examples (RFC 2606, RFC 6761), so that nobody gets a placeholder by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from email_validator import EmailNotValidError, validate_email

RESERVED = re.compile(r"[@.](test|example|invalid|example\.(org|com|net))$")
LONGEST = 254


def fault_of(address: str) -> str | None:
    """A sentence about what is wrong with an address, or None. Nothing is looked up."""
    # The validator knows .test but refuses .invalid, which tests and demos use as well.
    checked = re.sub(r"\.invalid$", ".test", address.lower())
    if len(address) > LONGEST or any(c.isspace() for c in address):
        return "Write one address, for example first@example.org."
    try:
        validate_email(checked, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return f"This is not an e-mail address: {error}"
    return None


def reserved(address: str) -> bool:
    """Whether an address belongs to nobody, by the rules of the mail system."""
    return RESERVED.search(address.lower()) is not None


def practice_may_send(address: str, staff: Collection[str]) -> bool:
    """Whether a practice study sends to `address`; `staff` are the accounts' addresses."""
    return reserved(address) or address.lower() in {own.lower() for own in staff}


def masked(address: str) -> str:
    """An address that can be recognised but not copied: f…@example.org."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
