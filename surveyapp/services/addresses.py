"""Addresses: which e-mail addresses and phone numbers are written right, and how they are shown."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

LONGEST = 254
SPECIAL = frozenset(' "<>()[],;:\\')
SEPARATORS = re.compile(r"[\s().\-/]")
NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
NO_COUNTRY = "Write the number with its country, for example +31 6 12345678."


def fault_of(address: str) -> str | None:
    """A sentence about what is wrong with an address, or None. Nothing is looked up."""
    # The validator knows .test but refuses .invalid, which tests and demos use as well.
    checked = re.sub(r"\.invalid$", ".test", address.lower())
    if len(address) > LONGEST or any(c.isspace() for c in address):
        return "Write one address, for example first@example.org."
    if not address.isascii():
        return "Mail servers do not take letters such as é or ü in an address. Ask for another one."
    if SPECIAL & set(address):
        return "Write the address without quotes and brackets, for example first@example.org."
    try:
        validate_email(checked, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return f"This is not an e-mail address: {error}"
    return None


def is_writable(address: str) -> bool:
    """Whether an address may stand in an envelope and a header as it is: what every claim asks
    again, since an earlier release or an import may have let more through."""
    local, at, domain = address.rpartition("@")
    plain = address.isascii() and address.isprintable() and not SPECIAL & set(address)
    return bool(plain and at and local and domain and "@" not in local) and len(address) <= LONGEST


def normal_phone(text: str) -> str:
    """A number as it is kept (E.164): +31612345678. What cannot be read stays as it was."""
    bare = SEPARATORS.sub("", text.replace("(0)", ""))
    return "+" + bare[2:] if bare.startswith("00") else bare


def phone_fault(text: str) -> str | None:
    """A sentence about what is wrong with a phone number, or None."""
    number = normal_phone(text)
    if number[:1].isdigit():
        return NO_COUNTRY
    if not NUMBER.fullmatch(number):
        return "This is not a phone number. " + NO_COUNTRY
    return None


def masked_phone(number: str) -> str:
    """A number that can be recognised but not copied: +31 …678."""
    return f"{number[:3]} …{number[-3:]}"


def masked(address: str) -> str:
    """An address that can be recognised but not copied: f…@example.org."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
