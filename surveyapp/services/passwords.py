"""Passwords: kept as Argon2id hashes of their NFKC form, and which ones are refused.

Refused are short and very long ones, the account's own address or the site's name with little
beside it, few different characters, and what many people choose (COMMON, a short list of ours: it
stands in for no list of leaked passwords).
"""

from __future__ import annotations

import base64
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import InputError

SHORTEST, LONGEST = 12, 200
LEAST_BESIDE, LEAST_DIFFERENT = 8, 5
_WORDS = """
    123456789012 1234567890123 1234567890abc 1234567891011 12345678901234 123456789123
    0123456789ab 012345678910 012345678901 123123123123 112233445566 121212121212 987654321098
    qwertyuiop12 qwertyuiop123 qwertyuiopas qwertyuiopasdf qwertyuiopasdfghjkl qwertyqwerty
    qwerty123456 qwerty1234567 asdfghjkl123 asdfghjklqwe asdfghjklzxcvbnm zxcvbnmasdfg
    1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv qazwsxedc123
    q1w2e3r4t5y6 zaq12wsxcde3 azertyuiop12 azertyuiop123 qwertzuiop12 qwertzuiop123
    abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefgh1234 abcd12345678 abc123456789 a1b2c3d4e5f6
    passwordpassword password1234 password12345 password123456 mypassword123 mypassword1234
    newpassword1 newpassword123 thepassword1 password2024 password2025 password2026 password2027
    p4ssw0rd1234 passw0rd1234 passw0rd12345 changeme1234 changeme12345 changemenow1 changethisnow
    administrator administrator1 administrator123 adminadmin12 adminadmin123 admin1234567
    admin12345678 rootrootroot letmeinletmein letmein12345 letmeinplease welcome12345 welcome123456
    welcomewelcome iloveyou1234 iloveyouforever iloveyousomuch ihateyou1234 sunshine1234
    princess1234 football1234 baseball1234 superman1234 dragon123456 monkey123456 master123456
    trustno1trustno1 correcthorsebatterystaple thisisapassword thisismypassword secretsecret
    topsecret123 supersecret1 supersecret123 verysecret123 testtesttest test12345678 testpassword
    hospital1234 retreat12345 questionnaire questionnaire1
"""
COMMON = frozenset(_WORDS.split())

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """An Argon2id hash, with its parameters in it."""
    return _hasher.hash(normal_form(password))


def password_fits(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, normal_form(password))
    except (VerificationError, InvalidHashError):
        return False


def normal_form(password: str) -> str:
    """The same characters, however a keyboard made them."""
    return unicodedata.normalize("NFKC", password)


def nobodys() -> str:
    """A hash that no password fits, as costly to try as a real one."""
    salt, tag = (
        base64.b64encode(secrets.token_bytes(n)).decode().rstrip("=")
        for n in (_hasher.salt_len, _hasher.hash_len)
    )
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${tag}"


def check_password(password: str, email: str, site_name: str) -> None:
    """Raises InputError for a password that may not be used."""
    if fault := _fault(normal_form(password), email, site_name):
        raise InputError({"password": fault})


def _fault(password: str, email: str, site_name: str) -> str:
    if len(password) < SHORTEST:
        return f"Use {SHORTEST} characters or more."
    if len(password) > LONGEST:
        return f"Use {LONGEST} characters or fewer."
    if len(set(password)) < LEAST_DIFFERENT or _bare(password) in COMMON:
        return "Many people use this one, so it is tried first. Choose another."
    if len(_without(_bare(password), email, site_name)) < LEAST_BESIDE:
        return "This is little more than the account's address or this site's name."
    return ""


def _without(password: str, email: str, site_name: str) -> str:
    """What is left beside the words that anybody knows."""
    known = (email, *email.split("@"), site_name)
    for word in sorted((_bare(w) for w in known), key=len, reverse=True):
        if len(word) > 3:
            password = password.replace(word, "")
    return password


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
