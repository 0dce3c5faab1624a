"""What pages show of alerts: the list, one alert, a person's open ones, and the lines of Today."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from ..store import alerts
from ..store.alerts import Placed
from ..store.database import Session
from ..store.keys import instruments_of
from ..store.roster import StudyCount
from ..store.scopes import Scope
from ..store.tables_care import Alert, AlertMessage
from ..store.versions import protocols_of
from ..study.alerting import CASE, SAFETY, WORSENING
from ..study.instrument import Instrument
from ..study.protocol import Protocol
from ..texts import amount
from .alert_acts import NO_ALERT, NewResponders, edition_of
from .alerts import DEPUTY, FIRST, protocol_raises
from .enrolment import the_study
from .errors import NotFoundError
from .readmodels import Need, Place
from .rights import Rights
from .site import Site

MOST = 300
PLACES = {FIRST: "first", DEPUTY: "deputy"}
UNSEEN = "An answer needs a look. What it was is for clinicians."
DRILL_WORDS = "This is a drill. No answer is behind it."


@dataclass(frozen=True)
class ToldLine:
    """One message: to whom, and what came of it when (local)."""

    name: str
    email: str
    place: str
    status: str
    reason: str
    at: datetime
    due: datetime | None


@dataclass(frozen=True)
class AlertView:
    """What was raised at once of one course; times are local to the person. `state` is open,
    acknowledged or closed; `by` are e-mail addresses of staff."""

    id: int
    code: str
    number: int
    retreat: str
    study: str
    practice: bool
    drill: bool
    state: str
    found: Sequence[str]
    timepoint: str
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    action: str
    outcome: str
    closed_at: datetime | None
    closed_by: str
    edition: int
    told: Sequence[ToldLine]

    @property
    def first(self) -> str:
        """What was found, in one line."""
        more = len(self.found) - 1
        return f"{self.found[0]} (and {more} more)" if more else self.found[0]

    @property
    def who_knows(self) -> str:
        """Who was told, in a sentence."""
        sent = [line.name for line in self.told if line.status == "sent"]
        refused = [line.name for line in self.told if line.status == "refused"]
        words = [f"Told: {', '.join(sent)}."] if sent else ["Nobody has been told yet."]
        if refused:
            words.append(f"Could not be told: {', '.join(refused)}.")
        return " ".join(words)


def listed(site: Site, scope: Scope = None) -> list[AlertView]:
    """Those within the scope: open ones first, the newest first."""
    with site.database.read() as session:
        views = _views(session, site, alerts.listed(session, most=MOST, scope=scope))
    order = {"open": 0, "acknowledged": 1, "closed": 2}
    return sorted(views, key=lambda view: order[view.state])


def alert_view(site: Site, alert_id: int) -> AlertView:
    """One alert with what was raised together with it. Raises NotFoundError."""
    with site.database.read() as session:
        found = alerts.placed(session, alert_id)
        if found is None:
            raise NotFoundError(NO_ALERT)
        group = alerts.together(session, found.alert)
        around = found.course, found.participant, found.retreat, found.study
        return _views(session, site, [Placed(alert, *around) for alert in group])[0]


def open_of_person(site: Site, code: str, scope: Scope = None) -> list[AlertView]:
    with site.database.read() as session:
        return _views(session, site, alerts.open_of_person(session, code, scope))


def without_scores(view: AlertView) -> AlertView:
    """An alert as somebody sees it who may not see answers: that there is one, not what it says."""
    return view if view.drill else replace(view, found=[UNSEEN])


def needs(session: Session, site: Site, rights: Rights) -> list[Need]:
    """The lines of Today: what nobody has acknowledged first, the oldest first."""
    found = alerts.listed(session, most=MOST, open_only=True, scope=rights.retreats)
    views = _views(session, site, found, named=False)
    views.sort(key=lambda view: (view.drill, view.state != "open", view.raised_at))
    shown = views if rights.may("scores") else map(without_scores, views)
    return [_need(view) for view in shown]


def _need(view: AlertView) -> Need:
    if view.state == "open":
        state = f"Nobody has acknowledged it. {view.who_knows}"
    else:
        state = "Somebody has acknowledged it; what was done is not closed yet."
    subject = f"Drill: {view.code}" if view.drill else view.code
    place, kind = Place("alert", {"alert_id": view.id}), f"Alerts, {view.state}"
    if view.drill:
        kind = "Drills that are not closed"
    return Need(subject, f"{view.first} {state}", "Open the alert", place, kind)


def without_responder(site: Site, studies: Iterable[StudyCount]) -> list[Need]:
    """Studies whose answers may raise an alert that nobody would be told of."""
    why = "Worrying answers raise an alert, and nobody is named to be told."
    return [
        Need(s.study.title, why, "Say who is told", Place("responders", {"study_id": s.study.id}))
        for s in studies
        if s.retreats and not s.responds and protocol_raises(site, s.study)
    ]


def responders(site: Site, study_id: int) -> NewResponders | None:
    """Who is told of a study's alerts; None while nobody is. Raises NotFoundError."""
    with site.database.read() as session:
        the_study(session, study_id)
        rows = {row.place: row for row in alerts.responders(session, study_id)}
    first, deputy = rows.get(FIRST), rows.get(DEPUTY)
    if first is None:
        return None
    names = (deputy.name, deputy.email) if deputy else ("", "")
    edition = edition_of(list(rows.values()))
    return NewResponders(first.name, first.email, first.within_minutes, *names, edition)


def raises_alerts(site: Site, study_id: int) -> bool:
    """Whether answers of this study may raise an alert. Raises NotFoundError."""
    with site.database.read() as session:
        return protocol_raises(site, the_study(session, study_id))


def _views(
    session: Session, site: Site, found: Sequence[Placed], *, named: bool = True
) -> list[AlertView]:
    """One view for what was raised at once, in the order of `found`; staff by their addresses if
    they are to be `named`."""
    if not found:
        return []
    groups: dict[tuple[int, datetime, bool], list[Placed]] = {}
    for one in found:
        key = one.course.id, one.alert.raised_at, one.alert.drill
        groups.setdefault(key, []).append(one)
    keys = {one.course.id: (one.study.protocol, one.course.protocol_sha256) for one in found}
    protocols = protocols_of(session, site.library, keys.values())
    messages = alerts.messages(session, [one.alert.id for one in found])
    emails = alerts.staff_emails(session) if named else dict[str, str]()
    sets = {one.course.id: one.course.keys_sha256 for one in found}
    known = instruments_of(session, site.library, sets.values())
    return [
        _view(
            known[sets[course]],
            sorted(group, key=_number),
            protocols[keys[course]],
            messages,
            emails,
        )
        for (course, _, _), group in groups.items()
    ]


def _number(placed: Placed) -> int:
    return placed.alert.id


def _view(
    instruments: Mapping[str, Instrument],
    group: Sequence[Placed],
    protocol: Protocol,
    messages: Sequence[AlertMessage],
    emails: Mapping[str, str],
) -> AlertView:
    lead = group[0]
    alert, zone = lead.alert, ZoneInfo(lead.participant.time_zone)
    own = {placed.alert.id for placed in group}
    return AlertView(
        id=alert.id,
        code=lead.participant.code,
        number=lead.course.number,
        retreat=lead.retreat.name,
        study=lead.study.title,
        practice=lead.study.mode == "practice",
        drill=alert.drill,
        state=_state(alert),
        found=[_words(instruments, placed.alert, protocol) for placed in group],
        timepoint=_timepoint(protocol, alert.timepoint),
        raised_at=alert.raised_at.astimezone(zone),
        acknowledged_at=_local(alert.acknowledged_at, zone),
        acknowledged_by=emails.get(alert.acknowledged_by, alert.acknowledged_by),
        action=alert.action,
        outcome=alert.outcome,
        closed_at=_local(alert.closed_at, zone),
        closed_by=emails.get(alert.closed_by, alert.closed_by),
        edition=alert.edition,
        told=[_told(row, zone) for row in messages if row.alert_id in own],
    )


def _state(alert: Alert) -> str:
    if alert.closed_at is not None:
        return "closed"
    return "open" if alert.acknowledged_at is None else "acknowledged"


def _local(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return at.astimezone(zone) if at else None


def _told(row: AlertMessage, zone: ZoneInfo) -> ToldLine:
    place = PLACES[row.place]
    at, due = row.updated_at.astimezone(zone), _local(row.next_at, zone)
    return ToldLine(row.name, row.email, place, row.status, row.reason, at, due)


def _timepoint(protocol: Protocol, timepoint: str) -> str:
    return next((t.label for t in protocol.timepoints if t.id == timepoint), timepoint)


def _words(instruments: Mapping[str, Instrument], alert: Alert, protocol: Protocol) -> str:
    """What was found, in one sentence or two."""
    if alert.drill:
        return DRILL_WORDS
    numbers: Mapping[str, float] = json.loads(alert.numbers)
    name, at = _name(instruments, alert), _timepoint(protocol, alert.timepoint)
    now, limit = numbers.get("now", 0.0), numbers.get("limit", 0.0)
    if alert.rule == WORSENING:
        before = numbers.get("before", 0.0)
        moved = "rose" if now > before else "fell"
        return (
            f"{name} {moved} from {amount(before)} to {amount(now)} at {at}: more than the"
            f" {amount(limit)} points that lie within measurement error."
        )
    if alert.rule == CASE:
        return f"{name} is {amount(now)} at {at}; the case range starts at {amount(limit)}."
    assert alert.rule == SAFETY
    return f"“{name}” was answered with {amount(now)} at {at}, a value that is marked for safety."


def _name(instruments: Mapping[str, Instrument], alert: Alert) -> str:
    """The scale's or the item's name; its id when the instrument is not installed any more."""
    instrument = instruments.get(alert.instrument)
    if instrument is None:
        return alert.about
    known = {item.id: item.topic for item in instrument.items}
    known |= {scale.id: scale.label for scale in instrument.scales}
    return f"{instrument.name} {known.get(alert.about, alert.about)}"
