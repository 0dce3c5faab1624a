"""Pseudonymous: the export's tables without what staff or people wrote in their own words.

People are known by study code alone. Free words may name somebody, whatever a form asks for, so an
analyst's files have no column of them, nor of who talked with a person about consent. The term of
an event stays: without it events are nothing.
"""

from __future__ import annotations

from dataclasses import replace

from .columns import TABLES, Table

FREE = frozenset(
    {
        ("courses.csv", "consent_taken_by"),
        ("corrections.csv", "reason"),
        ("doses.csv", "reason"),
        ("adverse_events.csv", "note"),
        ("blood_pressure.csv", "withdrawn_why"),
        ("alerts.csv", "action"),
        ("alerts.csv", "outcome"),
        ("attendance.csv", "note"),
        ("missing_forms.csv", "note"),
        ("prompts.csv", "reason"),
        ("stops.csv", "reason"),
        ("stops.csv", "undone_why"),
    }
)
"""Columns of free words, by file; a prompt's reason may repeat what a mail server said."""


def _without_words(table: Table) -> Table:
    kept = tuple(c for c in table.columns if (table.name, c.name) not in FREE)
    return replace(table, columns=kept)


PSEUDONYMOUS = tuple(map(_without_words, TABLES))
