"""Dates as staff type them: which are so far from today that the year must be a slip.

What is imported is history, taken as it is; it is not judged here.
"""

from __future__ import annotations

from datetime import date

from ..texts import day

YEARS_BACK, YEARS_AHEAD = 10, 5


def year_fault(on: date, today: date) -> str | None:
    """A sentence for a date before the last ten years or after the next five, else None."""
    if _within(on, today, YEARS_BACK) and _within(today, on, YEARS_AHEAD):
        return None
    return f"Check the year: {on.year:04} is far from today."


def past_day_fault(on: date | None, today: date, ask: str) -> str | None:
    """A sentence for a day that is missing (`ask`), not come yet, or far away, else None."""
    if on is None:
        return ask
    if on > today:
        return f"{day(on)} has not come yet."
    return year_fault(on, today)


def _within(earlier: date, later: date, years: int) -> bool:
    """Whether `later` comes at most so many years after `earlier`."""
    # Parts, because the first and the last years of the calendar leave no room to count in.
    latest = (earlier.year + years, earlier.month, earlier.day)
    return (later.year, later.month, later.day) <= latest
