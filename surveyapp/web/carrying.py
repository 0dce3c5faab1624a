"""What somebody typed into a form whose sign-in had ended: carried through signing in again.

It goes to the browser that sent it and comes back from there, sealed, so that nobody reads or
changes it on the way; passwords and codes are left out. Whoever signed in again is shown the form
as it was typed, and nothing is saved before they press its button.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, request

from ..services.site import Site
from ..store.vault import CannotOpenError, Sealed, Vault

MOST = 24_000
LEFT_OUT = frozenset({"csrf_token", "password", "again", "old", "code", "sealed"})
_BOUND = "carried form"


@dataclass(frozen=True)
class Carried:
    """Where the form was sent, and its fields with their values."""

    path: str
    fields: Sequence[tuple[str, str]]


def seal(site: Site, account_id: int) -> str:
    """This request's form, sealed for the account whose sign-in has ended; empty for what cannot
    be carried: a file, a very long text, or a request that no page of ours sent."""
    files = any(file.filename for file in request.files.values())
    if not g.get("csrf_valid") or files:
        return ""
    fields = [(k, v) for k, v in request.form.items(multi=True) if k not in LEFT_OUT]
    body = json.dumps({"account": account_id, "path": request.full_path, "fields": fields})
    if len(body) > MOST:
        return ""
    sealed = _vault(site).seal(body, _BOUND)
    return f"{sealed.key_version}.{sealed.text}"


def unseal(site: Site, text: str, account_id: int) -> Carried | None:
    """What was carried for this account; None for anything else."""
    version, _, sealed = text.partition(".")
    try:
        body: dict[str, Any] = json.loads(_vault(site).open(Sealed(sealed, version), _BOUND))
    except (CannotOpenError, ValueError):
        return None
    if body["account"] != account_id:
        return None
    return Carried(str(body["path"]), [(str(k), str(v)) for k, v in body["fields"]])


def _vault(site: Site) -> Vault:
    key = site.keys.derive("carried forms")
    return Vault((key,), key)
