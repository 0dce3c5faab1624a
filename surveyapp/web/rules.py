"""Rules: who may use each route. One line for every endpoint there is; a test walks the routes.

A staff route without a rule is refused to everybody. `test_rules.py` has a second table, written
apart from this one, which a new line must agree with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..services.rights import Right, Rights


@dataclass(frozen=True)
class Rule:
    """Who may use a route, in words; for staff, any one of `rights` is enough, and `whole` asks for
    every retreat besides, because the act concerns them all. `signed_in`: for staff alone."""

    who: str
    rights: frozenset[Right] = frozenset()
    whole: bool = False
    signed_in: bool = False

    def lets(self, rights: Rights) -> bool:
        """Whether somebody who is signed in may use it."""
        if not self.signed_in:
            return True
        if self.whole and rights.retreats is not None:
            return False
        return not self.rights or bool(self.rights & rights.held)


def _staff(*rights: Right, whole: bool = False) -> Rule:
    return Rule(f"staff with {' or '.join(rights)}", frozenset(rights), whole, signed_in=True)


ANYBODY = Rule("anybody")
LINK = Rule("whoever has the link, which holds a secret")
VISIT = Rule("whoever opened a link on this device, by the secret in its cookie")
TABLET = Rule("whoever stands before a tablet that staff handed over, by its cookie, code and PIN")
MACHINE = Rule("a machine that has the secret of the address")
INVITED = Rule("whoever has a one-time link of an account")
DEMO = Rule("staff of a demo", signed_in=True)
SIGNED_IN = Rule("any member of staff", signed_in=True)
STATES = _staff("states")
CONTACTS = _staff("contacts")
SCORES = _staff("scores")
DATA = _staff("data")
STUDY = _staff("study")
ADMIN = _staff("admin")
WHOLE_STUDY = _staff("study", whole=True)
WHOLE_ADMIN = _staff("admin", whole=True)

RULES: Mapping[str, Rule] = {
    "static": ANYBODY,
    "healthz": ANYBODY,
    "offline.worker": ANYBODY,
    "offline.help_page": ANYBODY,
    "hooks.take_bounces": MACHINE,
    "participant.start": LINK,
    "participant.begin": LINK,
    "participant.speak": LINK,
    "participant.remind": LINK,
    "participant.visit": VISIT,
    "participant.thanks": VISIT,
    "participant.later": VISIT,
    "participant.arrived": VISIT,
    "participant.answers": VISIT,
    "participant.questions": VISIT,
    "participant.save": VISIT,
    "participant.review": VISIT,
    "participant.send": VISIT,
    "messages.dates": LINK,
    "messages.show": LINK,
    "messages.choose": LINK,
    "messages.page": LINK,
    "messages.one_click": LINK,
    "handover.home": TABLET,
    "handover.admit": TABLET,
    "handover.start": TABLET,
    "handover.begin": TABLET,
    "handover.speak": TABLET,
    "handover.done": TABLET,
    "parts.parts": DEMO,
    "demo.front": DEMO,
    "demo.leap": DEMO,
    "demo.inbox": DEMO,
    "demo.mail": DEMO,
    "demo.mail_html": DEMO,
    "staff.sign_in": ANYBODY,
    "staff.sign_out": SIGNED_IN,
    "staff.welcome": INVITED,
    "staff.today": SIGNED_IN,
    "staff.retreats": STATES,
    "staff.add_retreat": STATES,
    "staff.retreat": STATES,
    "staff.add_people": CONTACTS,
    "staff.retreat_day": STATES,
    "staff.confirm_retreat": STATES,
    "staff.retreat_doses": STATES,
    "staff.retreat_dosing_day": STATES,
    "staff.retreat_events": STATES,
    "staff.retreat_events_csv": STATES,
    "staff.retreat_rehearsal": STATES,
    "staff.retreat_version": STUDY,
    "staff.programme": STATES,
    "staff.attendance": STATES,
    "staff.hand_over": STATES,
    "staff.give_pins": CONTACTS,
    "staff.print_slips": CONTACTS,
    "staff.retreat_report": _staff("scores", "data"),
    "staff.session_pdfs": SCORES,
    "staff.session_pdfs_progress": SCORES,
    "staff.session_pdfs_zip": SCORES,
    "staff.people": STATES,
    "staff.person": STATES,
    "staff.person_report": SCORES,
    "staff.pin": CONTACTS,
    "staff.show_pin": CONTACTS,
    "staff.contact": CONTACTS,
    "staff.language_and_zone": STATES,
    "staff.quiet_hours": STATES,
    "staff.stop": STATES,
    "staff.undo_stop": STATES,
    "staff.consent": STATES,
    "staff.dosing_day": STATES,
    "staff.confirm_day": STATES,
    "staff.dose": STATES,
    "staff.clear": STATES,
    "staff.send_again": STATES,
    "staff.sheet": STATES,
    "staff.second_entry": STATES,
    "staff.correct_sheet": SCORES,
    "staff.note": STATES,
    "staff.withdraw_note": STATES,
    "staff.intention": STATES,
    "staff.missing_reason": STATES,
    "staff.event": STATES,
    "staff.change_event": STATES,
    "staff.checklist": STATES,
    "staff.blood_pressure": STATES,
    "staff.withdraw_reading": STATES,
    "staff.alerts": STATES,
    "staff.alert": STATES,
    "staff.acknowledge_alert": STATES,
    "staff.alert_outcome": STATES,
    "staff.close_alert": SCORES,
    "staff.digest": STATES,
    "staff.rehearsal": _staff("states", "study"),
    "staff.studies": STUDY,
    "staff.study": STUDY,
    "staff.responders": STUDY,
    "staff.drill": STUDY,
    "staff.study_notice": STUDY,
    "staff.message_texts": STUDY,
    "staff.message_text": WHOLE_STUDY,
    "staff.sending": _staff("states", "admin", whole=True),
    "staff.system": ADMIN,
    "staff.analysis": DATA,
    "staff.export": DATA,
    "staff.export_progress": DATA,
    "staff.export_zip": DATA,
    "staff.code": ANYBODY,
    "staff.account": SIGNED_IN,
    "staff.own_password": SIGNED_IN,
    "staff.second_factor": SIGNED_IN,
    "staff.factor_off": SIGNED_IN,
    "staff.recovery_codes": SIGNED_IN,
    "staff.accounts": WHOLE_ADMIN,
    "staff.invite": WHOLE_ADMIN,
    "staff.colleague": WHOLE_ADMIN,
    "staff.invite_again": WHOLE_ADMIN,
    "staff.colleague_active": WHOLE_ADMIN,
    "staff.remove_factor": WHOLE_ADMIN,
    "staff.trail": WHOLE_ADMIN,
    "staff.person_trail": ADMIN,
    "staff.person_trail_csv": ADMIN,
    "staff.backups": WHOLE_ADMIN,
    "staff.backup_now": WHOLE_ADMIN,
    "staff.erasures": WHOLE_ADMIN,
    "staff.retention": WHOLE_ADMIN,
    "staff.erase": WHOLE_ADMIN,
    "staff.own_copy": ADMIN,
    "staff.wordings": WHOLE_ADMIN,
    "staff.wording": WHOLE_ADMIN,
    "staff.wording_screens": WHOLE_ADMIN,
    "staff.wording_template": WHOLE_ADMIN,
    "staff.install_wording": WHOLE_ADMIN,
    "staff.wording_permission": WHOLE_ADMIN,
    "staff.wording_override": WHOLE_ADMIN,
    "staff.retire_wording": WHOLE_ADMIN,
    "staff.start_study": WHOLE_ADMIN,
    "staff.study_languages": WHOLE_ADMIN,
    "staff.go_live": WHOLE_ADMIN,
    "staff.consent_forms": STUDY,
    "staff.study_running": STUDY,
    "staff.study_version": WHOLE_STUDY,
    "staff.signed_list": STATES,
    "staff.withdraw_consent": STATES,
    "staff.show_contact": CONTACTS,
}


def rule_of(endpoint: str | None) -> Rule | None:
    return RULES.get(endpoint or "")


def lets(rights: Rights, endpoint: str | None) -> bool:
    """Whether somebody who is signed in may use a route; never one that has no rule."""
    rule = rule_of(endpoint)
    return rule is not None and rule.lets(rights)
