"""Windows: the `window` rows derived from facts, and the lock that their writers share.

`refresh_windows`, through `write_windows`, is the only writer of `window`. Call it in the
transaction that changed a fact; the daily sweep calls it for everybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from ..study.library import Library
from ..study.schedule import ANSWERED, NEWER, is_answered, next_prompt, windows
from .columns import table_of
from .facts import CourseContext, course_contexts
from .tables import SETTLED, Course, WindowRow

CHUNK = 500
NO_SYNC = {"synchronize_session": False}

# Statements are built once: building them costs more than the database does with them.
_lock = (
    select(col(Course.id))
    .where(col(Course.id).in_(bindparam("ids", expanding=True)))
    .order_by(col(Course.id))
    .with_for_update(key_share=True)
)
_forget_windows = delete(WindowRow).where(
    col(WindowRow.course_id).in_(bindparam("ids", expanding=True))
)
_touch = (
    update(Course)
    .where(col(Course.id).in_(bindparam("ids", expanding=True)))
    .values(touched=col(Course.touched) + 1)
)
_insert_windows = insert(table_of(WindowRow))


def window_rows(context: CourseContext) -> list[dict[str, Any]]:
    """The derivation that `window` must equal."""
    return [
        {
            "course_id": context.course_id,
            "timepoint": timepoint.id,
            "opens_at": window.opens_at,
            "closes_at": window.closes_at,
            "next_prompt": next_prompt(timepoint, context.facts),
        }
        for timepoint, window in windows(context.protocol, context.facts)
    ]


def refresh_windows(
    session: Session, library: Library, course_ids: Iterable[int]
) -> list[CourseContext]:
    """Write the windows of some courses anew, in the caller's write transaction; the contexts that
    they follow from."""
    ids = list(course_ids)
    session.flush()
    if lock_courses(session, ids):
        # What was read before the lock may have changed while it was waited for.
        session.expire_all()
    return write_windows(session, course_contexts(session, library, ids))


def write_windows(session: Session, contexts: Sequence[CourseContext]) -> list[CourseContext]:
    """The same, of contexts read after the change, in the transaction that locked the courses.

    Prompts that wait for nothing any more, because everything was answered or a newer one was
    sent, are settled with it. The courses are touched: who kept their contexts reads them anew.
    """
    for context in contexts:
        _settle_idle(context)
    ids = {"ids": [context.course_id for context in contexts]}
    session.execute(_touch, ids, execution_options=NO_SYNC)
    session.execute(_forget_windows, ids, execution_options=NO_SYNC)
    rows = [row for context in contexts for row in window_rows(context)]
    if rows:
        session.execute(_insert_windows, rows)
    return [replace(context, touched=context.touched + 1) for context in contexts]


def _settle_idle(context: CourseContext) -> None:
    for row in context.prompts:
        # Also what a worker has in hand: it asks again before it hands over, and says what the mail
        # server took meanwhile. One that died would leave it in hand for good.
        if row.status in SETTLED:
            continue
        if is_answered(context.protocol.timepoint(row.timepoint), context.facts):
            row.status, row.reason, row.next_at = "skipped", ANSWERED, None
        elif (row.timepoint, row.number) in context.facts.settled:
            row.status, row.reason, row.next_at = "skipped", NEWER, None


def lock_courses(session: Session, course_ids: Collection[int]) -> bool:
    """Make writers of the same courses wait for each other; False where they are alone anyway.

    Everybody who writes about a course locks its row, and that first. The lock lets rows that
    refer to the course be inserted meanwhile: one that did not would deadlock with them.
    """
    if session.get_bind().dialect.name == "sqlite":
        return False
    session.execute(_lock, {"ids": list(course_ids)})
    return True


def mend_windows(session: Session, library: Library) -> int:
    """Derive every window anew; the number of courses whose windows differed."""
    ids = list(session.scalars(select(col(Course.id)).order_by(col(Course.id))))
    kept: defaultdict[int, set[tuple[Any, ...]]] = defaultdict(set)
    for row in session.scalars(select(WindowRow)):
        kept[row.course_id].add((row.timepoint, row.opens_at, row.closes_at, row.next_prompt))
    wrong: list[int] = []
    for start in range(0, len(ids), CHUNK):
        for context in course_contexts(session, library, ids[start : start + CHUNK]):
            derived = {tuple(row.values())[1:] for row in window_rows(context)}
            if derived != kept[context.course_id]:
                wrong.append(context.course_id)
    if wrong:
        refresh_windows(session, library, wrong)
    return len(wrong)
