"""Addresses: which e-mail addresses are written right, and how they are shown."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

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


def masked(address: str) -> str:
    """An address that can be recognised but not copied: f…@example.org."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
