"""Acts and looks in any order: hypothesis looks for one in which a promise breaks.

One person with two courses, whose week 24 of the first may meet the baseline of the second. What
the mail server says is drawn too. At every handing over and after every look the promises are
checked; in the end everything is well again and all must have settled.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from surveyapp.delivery.outcome import Outcome
from surveyapp.services import (
    consent,
    consentforms,
    dosing,
    enrolment,
    outcomes,
    prompting,
    reaching,
    stopping,
    wishes,
)
from surveyapp.services.consent import NewWithdrawal
from surveyapp.services.consentforms import NewForm
from surveyapp.services.enrolment import NO_DETAILS, ConsentDetails
from surveyapp.services.errors import InputError, RefusedError
from surveyapp.services.prompting import Job
from surveyapp.services.reaching import Contacts
from surveyapp.services.site import Site
from surveyapp.services.stopping import PERSON
from surveyapp.services.today import _needs, _reach
from surveyapp.store import attention
from surveyapp.store.database import Database
from surveyapp.store.facts import (
    CourseContext,
    contexts_again,
    course_context,
    course_contexts,
)
from surveyapp.store.links import ensure_link
from surveyapp.store.prompts import prompts_by_id
from surveyapp.store.tables import SETTLED, PromptRow, WindowRow
from surveyapp.study.schedule import WISHED, is_answered, is_quiet, prompts_of, window_of
from tests.world import add_course

from .test_prompting import local, submit

DAYS = {1: date(2027, 3, 20), 2: date(2027, 4, 6)}
START, END, OVER = local(3, 26, 8), local(4, 20), local(5, 10)
COURSES = st.sampled_from([1, 2])
POINTS = st.sampled_from([(1, "day-8"), (2, "baseline"), (2, "day-8")])
ZONES = st.sampled_from(
    ["Europe/Amsterdam", "America/New_York", "Asia/Tokyo", "Pacific/Auckland", "Pacific/Honolulu"]
)
QUIET = st.sampled_from(
    [(None, None), (time(9), time(15)), (time(17), time(21)), (time(22), time(9, 30))]
)
SPANS = st.sampled_from([timedelta(minutes=m) for m in (1, 3, 30, 60, 240, 480, 900, 1440, 2880)])
SAYS = {
    "takes it": Outcome("accepted", "handed to the mail server"),
    "is busy": Outcome("transient", "put off"),
    "drops": Outcome("unknown", "the mail server did not confirm"),
    "is away": Outcome("transient", "no connection", ours=True),
}
MOST_LOOKS, MOST_VERSIONS = 12, 3
WITHDRAWAL = NewWithdrawal("messages", None, "the person")


class Acts(RuleBasedStateMachine):
    """A person's weeks, and a worker that looks when it must."""

    def __init__(self, template: Site, folder: Path) -> None:
        super().__init__()
        source = Path(str(template.database.url.database))
        shutil.copy(source, folder / "acts.db")
        self.site = replace(template, database=Database(f"sqlite:///{folder / 'acts.db'}"))
        self.now = START
        self.server = "takes it"
        self.elsewhere: list[Job] = []
        self.gone: set[tuple[object, ...]] = set()
        self.newest: dict[tuple[object, ...], int] = {}
        self.doubted: dict[int, str] = {}
        self.versions: list[str] = []
        self.kept = self.contexts()
        self.look()

    def teardown(self) -> None:
        try:
            self.all_is_well_again()
        finally:
            self.site.database.close()

    def all_is_well_again(self) -> None:
        """Nothing hinders anything any more: what was open settles, and windows close."""
        self.server, self.elsewhere = "takes it", []
        self.contact_changes("p01@example.org")
        self.quiet_hours((None, None))
        for course, timepoint in ((1, "day-8"), (2, "baseline")):
            self.consents(course, "answers and messages")
            self.day_is_confirmed(course)
            self.chooses_in_a_message((course, timepoint), "again")
        self.time_passes(OVER - self.now)
        for course in DAYS:
            for row in self.context(course).prompts:
                assert row.timepoint == "week-24" or row.status in SETTLED, row.reason

    # What the worker does -----------------------------------------------------------------

    def look(self) -> None:
        for _ in range(MOST_LOOKS):
            keys = prompting.due(self.site, self.now)
            if not keys:
                return
            for job in prompting.claim_all(self.site, {c for c, _ in keys}, "w", self.now):
                self.hand_over(job)
        raise AssertionError(f"{keys} are due over and over")

    def hand_over(self, job: Job, *, killed: bool = False) -> None:
        if not prompting.recheck(self.site, job, self.now):
            return
        said = SAYS[self.server]
        with self.site.database.read() as session:
            for row in prompts_by_id(session, job.prompt_ids):
                self.may_go(row, said, job, killed=killed)
        if not killed:
            outcomes.record(self.site, job, said, self.now)

    def may_go(self, row: PromptRow, said: Outcome, job: Job, *, killed: bool) -> None:
        """Every promise about one prompt that is just being handed over."""
        context = self.context(row.course_id)
        facts, timepoint = context.facts, context.protocol.timepoint(row.timepoint)
        window, at = window_of(timepoint, facts), self.now.astimezone(context.zone)
        assert window is not None
        assert window.opens_at <= self.now < window.closes_at
        assert not is_quiet(at.time(), facts.quiet)
        assert facts.consented
        assert facts.consent_ends is None or at.date() < facts.consent_ends
        assert not facts.silent
        assert facts.paused_until is None or at.date() >= facts.paused_until
        assert not is_answered(timepoint, facts)
        assert row.revision == context.revision(row.timepoint)
        anchor = facts.anchors[timepoint.anchor]
        assert anchor.confirmed or timepoint.before_anchor
        (prompt,) = [p for p in prompts_of(timepoint, facts) if p.number == row.number]
        assert prompt.utc <= self.now or prompt.local.date() == at.date()
        assert self.doubted.get(row.id, job.message_id) == job.message_id
        self.goes_once(row, anchor.date, said, killed=killed)
        if said.kind == "unknown" or killed:
            self.doubted[row.id] = job.message_id

    def goes_once(self, row: PromptRow, planned: date, said: Outcome, *, killed: bool) -> None:
        wish = row.number > WISHED
        key = (row.course_id, row.timepoint, row.number, None if wish else planned)
        assert key not in self.gone, "sent twice"
        if not wish:
            assert row.number >= self.newest.get(key[:2] + key[3:], 0), "an older one after a newer"
        if said.kind == "accepted" and not killed:
            self.gone.add(key)
            if not wish:
                self.newest[key[:2] + key[3:]] = row.number

    def contexts(self) -> list[CourseContext]:
        with self.site.database.read() as session:
            return course_contexts(session, self.site.library, list(DAYS))

    def context(self, course: int) -> CourseContext:
        with self.site.database.read() as session:
            found = course_context(session, self.site.library, course)
        assert found is not None
        return found

    @property
    def by(self) -> dict[str, object]:
        return {"actor": "staff:1", "now": self.now}

    # What happens -------------------------------------------------------------------------

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        until = self.now + span
        while (at := prompting.next_due(self.site)) is not None and at <= until:
            self.now = max(at, self.now + timedelta(minutes=1))
            self.look()
        self.now = max(until, self.now)

    @rule(span=SPANS)
    def no_worker_for_a_while(self, span: timedelta) -> None:
        self.now += span

    @rule()
    def the_next_is_due(self) -> None:
        at = prompting.next_due(self.site)
        if at is not None and at < END:
            self.now = max(self.now, at)

    @rule(says=st.sampled_from(sorted(SAYS)))
    def the_mail_server(self, says: str) -> None:
        self.server = says

    @rule(zone=ZONES)
    def moves_house(self, zone: str) -> None:
        reaching.set_language_and_zone(self.site, "P-01", "en", zone, **self.by)

    @rule(hours=QUIET)
    def quiet_hours(self, hours: tuple[time | None, time | None]) -> None:
        stopping.set_quiet_hours(self.site, "P-01", *hours, **self.by)

    @rule(point=POINTS, do=st.sampled_from(["week", "stop", "again"]))
    def chooses_in_a_message(self, point: tuple[int, str], do: str) -> None:
        stopping.from_message(self.site, self.token(*point), do, self.now)

    @rule(course=COURSES, days=st.sampled_from([0, 0, -10, -3, -1, 1, 2, 5]))
    def day_moves(self, course: int, days: int) -> None:
        on = DAYS[course] + timedelta(days=days)
        with suppress(InputError):
            dosing.set_dosing_day(self.site, "P-01", course, on, **self.by)

    @rule(course=COURSES)
    def day_is_confirmed(self, course: int) -> None:
        with suppress(InputError, RefusedError):
            dosing.confirm_anchor(self.site, "P-01", course, **self.by)

    @rule(course=COURSES, scope=st.sampled_from(["answers and messages", "answers only"]))
    def consents(self, course: int, scope: str) -> None:
        on = self.now.date()
        more = ConsentDetails(self.versions[-1], "nurse") if self.versions else NO_DETAILS
        with suppress(InputError):  # just after a local midnight, withdrawn on the day after
            enrolment.record_consent(self.site, "P-01", course, on, scope, more, **self.by)

    @rule(days=st.sampled_from([-1, 0, 1, 5]))
    def another_version_must_be_signed(self, days: int) -> None:
        if len(self.versions) == MOST_VERSIONS:
            return
        self.versions.append(str(len(self.versions) + 1))
        on, by = self.now.date() + timedelta(days=days), self.by
        form = NewForm(self.versions[-1], date(2027, 3, 1), "", anew=True, anew_from=on)
        consentforms.publish(self.site, 1, form, **by)

    @rule(course=COURSES)
    def withdraws_consent(self, course: int) -> None:
        with suppress(InputError):
            consent.withdraw(self.site, "P-01", course, WITHDRAWAL, **self.by)

    @rule(point=POINTS, when=st.sampled_from(["evening", "tomorrow"]))
    def wishes_a_reminder(self, point: tuple[int, str], when: str) -> None:
        with suppress(InputError, RefusedError):
            wishes.wish(self.site, self.token(*point), when, self.now)

    @rule(address=st.sampled_from(["", "p01@example.org"]))
    def contact_changes(self, address: str) -> None:
        reaching.set_contacts(self.site, "P-01", Contacts(address), **self.by)

    @rule(point=POINTS)
    def answers(self, point: tuple[int, str]) -> None:
        course, name = point
        context = self.context(course)
        for instrument in context.protocol.timepoint(name).instruments:
            if (name, instrument) not in context.facts.submitted:
                submit(self.site, course, name, instrument, self.now)

    @rule()
    def another_worker_claims(self) -> None:
        keys = prompting.due(self.site, self.now)
        ids = {course for course, _ in keys}
        self.elsewhere += prompting.claim_all(self.site, ids, "other", self.now) if ids else []

    @rule(killed=st.booleans())
    def another_worker_goes_on(self, killed: bool) -> None:
        for job in self.elsewhere:
            self.hand_over(job, killed=killed)
        self.elsewhere = []

    @invariant()
    def kept_windows_equal_their_derivation(self) -> None:
        assert prompting.sweep(self.site) == 0

    @invariant()
    def kept_contexts_equal_fresh_ones(self) -> None:
        with self.site.database.read() as session:
            self.kept = contexts_again(session, self.site.library, self.kept)
        assert [c.facts for c in self.kept] == [c.facts for c in self.contexts()]

    @invariant()
    def today_misses_nobody(self) -> None:
        """Today looks at few courses; those it passes over would have had no line."""
        with self.site.database.read() as session:
            windows = session.scalars(select(WindowRow)).all()
            ended = {w.course_id for w in windows} - {
                w.course_id for w in windows if w.closes_at > self.now
            }
            near = attention.courses(session, self.now, _reach(session, self.site), PERSON)
            everybody = [course for course in DAYS if course not in ended]
            found, wanted = (_needs(session, self.site, ids, self.now) for ids in (near, everybody))
        assert found == wanted

    def token(self, course: int, timepoint: str) -> str:
        with self.site.database.write() as session:
            return ensure_link(session, self.site.link_key, course, timepoint)


def test_no_order_of_acts_breaks_a_promise(sqlite_site: Site, tmp_path: Path) -> None:
    add_course(sqlite_site, confirmed=True, dosing=DAYS[1])
    add_course(sqlite_site, dosing=DAYS[2], retreat="Second", number=2)
    sqlite_site.database.close()
    run_state_machine_as_test(
        lambda: Acts(sqlite_site, tmp_path),
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )
