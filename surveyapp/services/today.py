"""Today: who needs somebody, why, and where the act is. Shortest notice first.

Only courses that may need somebody are looked at (`store.attention`). What concerns more than a few
people of one retreat for the same reason is one line, which leads to the retreat. How many days
ahead something is told is the protocol's (`study.notice`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..store import attention, contacts, roster, scopes, versions
from ..store.database import Session
from ..store.facts import CourseContext, read_courses
from ..store.roster import StudyCount
from ..store.tables import Contact
from ..store.tables_reach import MESSAGES, PAUSED
from ..study.protocol import Timepoint
from ..study.schedule import open_prompts, state_of, window_of
from ..texts import day
from . import alert_views, wording_views
from .backup import state as backup_state
from .consent import to_sign
from .dosing import held_prompts
from .health import Health
from .invitations import CONTACT_HOLDS, NAMES, NO_SMS, REFUSED, channels
from .outcomes import MAY_HAVE_ARRIVED
from .overview import cell_of, missing_settings
from .permissions import UNWORDED
from .readmodels import Need, Place
from .rights import EVERYTHING, Rights
from .site import Site
from .stopping import PERSON

FEW = 3
START = "Whoever runs the system must start the worker; what is due then goes out."
LATE_MAIL = timedelta(minutes=5)


@dataclass(frozen=True)
class Today:
    """The lines of Today; whether there is a retreat, and whether every study is for practice."""

    needs: Sequence[Need]
    begun: bool
    practice: bool


def today(site: Site, now: datetime, state: Health, rights: Rights = EVERYTHING) -> Today:
    """The lines of Today that are for somebody with these rights; `state` is the installation's."""
    if not rights.may("states"):
        return Today([], begun=True, practice=False)
    scope = rights.retreats
    with site.database.read() as session:
        studies = roster.studies(session, scope)
        ids = attention.courses(session, now, _reach(session, site), PERSON)
        own = scopes.courses_within(session, ids, scope)
        theirs = [s for s in studies if s.whole] if rights.may("study") else []
        return Today(
            needs=[
                *alert_views.needs(session, site, rights),
                *_of("Trouble with sending messages", _machine(state)),
                *_of("Trouble with backups", backup_state.needs(session, site, now, rights)),
                *_needs(session, site, own, now),
                *_of("Nobody named to be told", alert_views.without_responder(site, theirs)),
                *_of("Settings to fill in", _settings(theirs)),
                *_of("Permissions", wording_views.needs(session, site, now)),
            ],
            begun=any(s.retreats for s in studies),
            practice=all(s.study.mode == "practice" for s in studies),
        )


def _reach(session: Session, site: Site) -> attention.Reach:
    """As far as any protocol looks."""
    protocols = versions.all_protocols(session, site.library)
    return attention.Reach(
        dosing=max((p.notice.dosing for p in protocols), default=0),
        closing=max((p.notice.closing for p in protocols), default=0),
        confirm=max((p.notice.confirm for p in protocols), default=0),
        to_confirm={t.id for p in protocols for t in p.timepoints if t.confirm},
    )


def _needs(session: Session, site: Site, ids: Collection[int], now: datetime) -> list[Need]:
    """What these courses need."""
    reading = read_courses(session, site.library, ids, (Contact,))
    contexts = [c for c in reading.contexts if not c.is_over]
    known = contacts.refusals(reading.rows[Contact])
    return [
        *_of("First check-ins missing", _grouped(contexts, lambda c: _dosing_soon(c, now))),
        *_of("Days to confirm", _unconfirmed(contexts, now)),
        *_of("Follow-ups that need your word", _per_person(contexts, lambda c: _to_clear(c, now))),
        *_of("Consent not on record", _grouped(contexts, lambda c: _no_consent(c, now))),
        *_of(
            "Messages or contacts to look at",
            _grouped(contexts, lambda c: _mail(c, now) or _unreachable(site, c, known, now)),
        ),
        *_of("Messages paused or stopped", _per_person(contexts, lambda c: _stopped(c, now))),
        *_of("Check-ins that close soon", _per_person(contexts, lambda c: _closing(c, now))),
        *_of("Days to set", _no_day(contexts)),
    ]


def _of(kind: str, needs: Iterable[Need]) -> list[Need]:
    return [replace(need, kind=kind) for need in needs]


def _machine(found: Health) -> list[Need]:
    if found.held:
        why = f"Prompts are not being sent: {found.not_sending}."
        return [Need("Messages", why, "See what to do", Place("sending", {}))]
    if found.not_sending:
        why = f"Prompts are not being sent: {found.not_sending}. {START}"
        return [Need("Messages", why)]
    if found.trouble:
        return [Need("Messages", f"Messages wait and are tried again: {found.trouble}")]
    return []


def _stopped(context: CourseContext, now: datetime) -> list[Need]:
    """What somebody chose from a message is told to staff, while anything may still be asked."""
    own = {s.kind: s for s in context.stops if s.recorded_by == PERSON}
    paused = own.get(PAUSED)
    if not _something_ahead(context, now):
        return []
    if stopped := own.get(MESSAGES):
        told = f"Stopped messages on {day(stopped.since)}, from a message."
    elif paused and paused.until and paused.until > _local(context, now):
        told = f"Paused messages until {day(paused.until)}, from a message."
    else:
        return []
    why = f"{told} The person is still in the study; ask in another way."
    return [Need(context.participant.code, why, "Open", _person(context))]


def _local(context: CourseContext, now: datetime) -> date:
    return now.astimezone(ZoneInfo(context.facts.zone)).date()


def _anchor_date(context: CourseContext, anchor: str = "") -> date | None:
    fact = context.facts.anchors.get(anchor or context.protocol.main_anchor.id)
    return fact.date if fact else None


def _per_person(
    contexts: Iterable[CourseContext], ask: Callable[[CourseContext], list[Need]]
) -> list[Need]:
    return [need for context in contexts for need in ask(context)]


def _grouped(
    contexts: Iterable[CourseContext], ask: Callable[[CourseContext], tuple[str, Need] | None]
) -> list[Need]:
    """A line for each, or one for a retreat where the same reason holds for more than a few."""
    found: defaultdict[tuple[int, str], list[tuple[CourseContext, Need]]] = defaultdict(list)
    for context in contexts:
        if answer := ask(context):
            found[context.retreat.id, answer[0]].append((context, answer[1]))
    needs: list[Need] = []
    for (retreat_id, reason), those in found.items():
        if len(those) <= FEW:
            needs += [need for _, need in those]
            continue
        place = Place("retreat", {"retreat_id": retreat_id})
        name = those[0][0].retreat.name
        needs.append(Need(name, f"{len(those)} people: {reason}", "Open the retreat", place))
    return needs


def _at(context: CourseContext, page: str, **more: str | int) -> Place:
    """A page about this course."""
    return Place(page, {"code": context.participant.code, "number": context.course.number, **more})


def _person(context: CourseContext) -> Place:
    return Place("person", {"code": context.participant.code})


def _dosing_soon(context: CourseContext, now: datetime) -> tuple[str, Need] | None:
    """No baseline, and the dosing day is near."""
    on = _anchor_date(context)
    if on is None or not 0 <= (on - _local(context, now)).days <= context.protocol.notice.dosing:
        return None
    main = context.protocol.main_anchor.id
    befores = [t for t in context.protocol.timepoints if t.before_anchor and t.anchor == main]
    missing = [t for t in befores if not _answered(context, t, now)]
    if not missing:
        return None
    still = any(_is_open(context, t, now) for t in missing)
    can = "it can still be answered" if still else "its window has closed"
    labels = ", ".join(t.label for t in missing)
    named = context.protocol.main_anchor.named
    reason = f"{labels} is not answered and the {named} is {day(on)}; {can}."
    return reason, Need(context.participant.code, _upper(reason), "Open", _person(context))


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _answered(context: CourseContext, timepoint: Timepoint, now: datetime) -> bool:
    return state_of(timepoint, context.facts, now) in ("submitted", "late")


def _is_open(context: CourseContext, timepoint: Timepoint, now: datetime) -> bool:
    return state_of(timepoint, context.facts, now) in ("open", "in progress")


def _unconfirmed(contexts: Sequence[CourseContext], now: datetime) -> list[Need]:
    """Anchors whose day has come and is not confirmed, by retreat, anchor and day."""
    found: defaultdict[tuple[int, str, date], list[CourseContext]] = defaultdict(list)
    for context in contexts:
        for name, fact in context.facts.anchors.items():
            if not fact.confirmed and fact.date <= _local(context, now):
                found[context.retreat.id, name, fact.date].append(context)
    return [_confirm_need(those, name, on, now) for (_, name, on), those in found.items()]


def _confirm_need(those: Sequence[CourseContext], anchor: str, on: date, now: datetime) -> Need:
    held = sum(held_prompts(context, anchor, now) for context in those)
    which = those[0].protocol.anchor(anchor)
    more = {} if which == those[0].protocol.main_anchor else {"anchor": anchor}
    who = f"{len(those)} people" if len(those) > 1 else those[0].participant.code
    why = (
        f"The {which.named} {day(on)} is not confirmed for {who}, "
        f"so {held} {'prompt is' if held == 1 else 'prompts are'} held."
    )
    place = Place("confirm_retreat", {"retreat_id": those[0].retreat.id, **more})
    if len(those) == 1:
        place = _at(those[0], "confirm_day", **more)
    act = "Confirm the day" if which.dosing else f"Confirm the {which.named}"
    return Need(those[0].retreat.name, why, act, place)


def _to_clear(context: CourseContext, now: datetime) -> list[Need]:
    return [
        Need(
            context.participant.code,
            f"{timepoint.label} needs your word that this person is well enough to be asked.",
            f"Confirm for {timepoint.label}",
            _at(context, "clear", timepoint=timepoint.id),
        )
        for timepoint in to_clear(context, now)
    ]


def to_clear(context: CourseContext, now: datetime) -> list[Timepoint]:
    """Timepoints that wait for the coordinator, from some days before the first prompt."""
    found: list[Timepoint] = []
    for timepoint in context.protocol.timepoints:
        if not timepoint.confirm or timepoint.id in context.facts.confirmed:
            continue
        window, prompts = (
            window_of(timepoint, context.facts),
            open_prompts(timepoint, context.facts),
        )
        fact = context.facts.anchors.get(timepoint.anchor)
        if window is None or fact is None or not fact.confirmed or not prompts:
            continue
        days = (prompts[0].local.date() - _local(context, now)).days
        answered = _answered(context, timepoint, now)
        if days <= context.protocol.notice.confirm and now < window.closes_at and not answered:
            found.append(timepoint)
    return found


def _no_consent(context: CourseContext, now: datetime) -> tuple[str, Need] | None:
    if not _something_ahead(context, now):
        return None
    if context.consents:
        state = to_sign(context, _local(context, now))
        if not state or context.facts.silent:
            return None
        reason = f"{state}."
    else:
        reason = "no consent on record, so nothing is sent."
    place = _at(context, "consent")
    return reason, Need(context.participant.code, _upper(reason), "Record consent", place)


def _something_ahead(context: CourseContext, now: datetime) -> bool:
    """Whether anything may still be asked, or the dosing day is not known yet."""
    states = {state_of(t, context.facts, now) for t in context.protocol.timepoints}
    return bool(states & {"not expected", "upcoming", "open", "in progress"})


def _unreachable(
    site: Site, context: CourseContext, known: Mapping[int, Mapping[str, str]], now: datetime
) -> tuple[str, Need] | None:
    """Nobody waits for the next message to learn that it cannot be sent."""
    if not context.facts.consented or not _something_ahead(context, now):
        return None
    own = known.get(context.participant.id, {})
    faults = [_fault(site, kind, own) for kind in channels(context.participant)]
    if not all(faults):
        return None
    reason = f"{faults[0]}, so nothing can be sent."
    place = Place("contact", {"code": context.participant.code})
    return reason, Need(context.participant.code, _upper(reason), "Change the contact", place)


def _fault(site: Site, kind: str, contacts_known: Mapping[str, str]) -> str:
    """Why this kind of contact cannot be used; empty where it can."""
    if not contacts_known:
        return "no contact on record"
    if kind not in contacts_known:
        return f"no {NAMES[kind]} on record"
    if why := contacts_known[kind]:
        return f"the {NAMES[kind]} {REFUSED} ({why})"
    return NO_SMS if kind == contacts.PHONE and not site.settings.sms_url else ""


def _mail(context: CourseContext, now: datetime) -> tuple[str, Need] | None:
    """The newest message of a window still open that was refused, waits, or may not be sent."""
    for prompt in reversed(context.prompts):
        timepoint = context.protocol.timepoint(prompt.timepoint)
        if not _is_open(context, timepoint, now):
            continue
        label = timepoint.label
        if prompt.status == "refused":
            reason = f"the message for {label} was refused: {prompt.reason}"
            place, act = Place("contact", {"code": context.participant.code}), "Check the contact"
        elif prompt.status == "waiting" and now - prompt.due_at > LATE_MAIL:
            reason = f"the message for {label} waits and is tried again: {prompt.reason}"
            place, act = _person(context), "Open"
        elif prompt.status == "held" and prompt.reason.endswith(MAY_HAVE_ARRIVED):
            reason = f"the message for {label} is held: {prompt.reason}"
            place, act = _person(context), "Open"
        elif prompt.status == "held" and prompt.reason.endswith(UNWORDED):
            reason = f"the message for {label} is held: {prompt.reason}"
            place, act = Place("wordings", {}), "Wordings"
        elif prompt.status == "held" and _is_about_contact(prompt.reason):
            reason = f"the message for {label} is held: {prompt.reason}"
            place, act = Place("contact", {"code": context.participant.code}), "Change the contact"
        else:
            continue
        return reason, Need(context.participant.code, _upper(reason), act, place)
    return None


def _is_about_contact(reason: str) -> bool:
    return reason in CONTACT_HOLDS or REFUSED in reason


def _closing(context: CourseContext, now: datetime) -> list[Need]:
    """Windows that close soon and have no answers."""
    needs: list[Need] = []
    for timepoint in context.protocol.timepoints:
        cell = cell_of(context, timepoint, now)
        if cell.state not in ("open", "in progress") or cell.on is None or cell.word != "closes":
            continue
        left = (cell.on - _local(context, now)).days
        if left > context.protocol.notice.closing or _dosing_soon(context, now):
            continue
        started = "started, not sent" if cell.state == "in progress" else "not answered"
        why = f"{timepoint.label} closes {day(cell.on)}: {started}."
        needs.append(Need(context.participant.code, why, "Open", _person(context)))
    return needs


def _no_day(contexts: Iterable[CourseContext]) -> list[Need]:
    """Retreats with people whose first anchor has no date."""
    retreats = {c.retreat.id: c for c in reversed([*contexts]) if _anchor_date(c) is None}
    return [
        Need(
            context.retreat.name,
            f"There are people without a {named}, so nothing can be asked.",
            f"Set the {named}",
            Place("retreat_day", {"retreat_id": retreat_id}),
        )
        for retreat_id, context in retreats.items()
        for named in [context.protocol.main_anchor.named]
    ]


def _settings(studies: Iterable[StudyCount]) -> list[Need]:
    needs: list[Need] = []
    for study in (s.study for s in studies):
        missing = missing_settings(study)
        if missing:
            why = f"Participants cannot be told: {', '.join(missing)}."
            place = Place("study", {"study_id": study.id})
            needs.append(Need(study.title, why, "Fill in", place))
    return needs
