"""Tidying: what was made to be fetched goes after a day, also when nobody makes another."""

from __future__ import annotations

from datetime import datetime

from ..delivery.email import Mailer
from . import batch
from .exchange import packing
from .site import Site


def tidy(site: Site, mailer: Mailer, now: datetime) -> None:
    """Delete session PDFs and exports that are older than a day. A look at two folders."""
    del mailer
    batch.tidy(site, now)
    packing.tidy(site, now)
