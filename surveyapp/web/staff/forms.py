"""Staff forms: fields, labels and hints. They turn text into values; services judge the values.

A field that cannot be read keeps what was typed, and says in a sentence what would do.
"""

from __future__ import annotations

import hmac
import math
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any, cast

import wtforms
from flask import current_app
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    FileField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput

from ...services.errors import StaleError
from ...study.protocol import Protocol
from ..security import refused

_choice: Any = vars(wtforms)["SelectChoice"]

DATE_HINT = "Year-month-day, for example 2027-03-20."
LATER_HINT = "Year-month-day. Empty if it is not known yet: it can be set later."
DATE_FAULT = "Write the date as year-month-day, for example 2027-03-20."
TIME_FAULT = "Write the time as hours and minutes, for example 09:30."
NUMBER_FAULT = "Write a number, for example 25 or 12.5."
NUMERAL = re.compile(r"[0-9]{1,15}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
OURS = {"Not a valid choice.": "Choose one."}
"""Sentences of WTForms in our words."""


def options(*pairs: tuple[str, str]) -> list[tuple[str, str]]:
    """A choice's options from pairs of value and label.

    The stubs lag behind WTForms, which warns about the tuples that they still ask for.
    """
    return cast(list[tuple[str, str]], [_choice(value, label) for value, label in pairs])


def read_day(text: str) -> date | None:
    """The date as forms ask for it; None where the text is none."""
    try:
        return date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None


class DayField(StringField):
    """A date as text, so that what cannot be read stays on the screen; `day` is the value."""

    day: date | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        text = (self.data or "").strip()
        if not text:
            return
        self.day = read_day(text)
        if self.day is None:
            raise ValueError(DATE_FAULT)


class TimeField(StringField):
    """A wall-clock time as text; `time` is the value."""

    time: time | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        text = (self.data or "").strip()
        if not text:
            return
        try:
            self.time = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 (local by intent)
        except ValueError as error:
            raise ValueError(TIME_FAULT) from error


class NumberField(StringField):
    """A number as text, with a point or a comma; `number` is the value."""

    number: float | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        text = str(self.data if self.data is not None else "").strip().replace(",", ".")
        if not text:
            return
        try:
            number = float(text)
        except ValueError as error:
            raise ValueError(NUMBER_FAULT) from error
        if not math.isfinite(number):
            raise ValueError(NUMBER_FAULT)
        self.number = number


class Words:
    """What WTForms takes its sentences from."""

    def gettext(self, string: str) -> str:
        return OURS.get(string, string)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return singular if n == 1 else plural


class ActForm(FlaskForm):
    """A form with nothing to fill in: an act that was explained and is now wanted.

    Problems that a service names are put beside the field they belong to; those without a field
    stand at the top of the form.
    """

    class Meta(FlaskForm.Meta):
        def get_translations(self, form: object) -> Words:
            del form
            return Words()

    def validate(self, extra_validators: Any = None) -> bool:
        found = super().validate(extra_validators=extra_validators)
        token: Any = self._fields["csrf_token"]
        if refused() and not token.errors:
            token.errors = ["refused"]
        return found and not refused()

    def take(self, problems: Mapping[str, str]) -> None:
        """Show what a service found wrong."""
        for name, sentence in problems.items():
            found: Field | None = self._fields.get(name)
            if found is None:
                self.form_errors.append(sentence)
            else:
                found.errors = [*found.errors, sentence]


class EditionForm(ActForm):
    """A form that changes what somebody else may have changed since it was opened."""

    edition = HiddenField()

    @property
    def known(self) -> int:
        """The edition the form was made from; -1 where it holds none."""
        seen = str(next(iter(self.edition.raw_data or ()), ""))
        return int(seen) if NUMERAL.fullmatch(seen) else -1

    @contextmanager
    def going_on(self) -> Generator[int]:
        """The edition the form was made from. Whoever was told what another changed since goes on
        from that."""
        try:
            yield self.known
        except StaleError as error:
            self.edition.data = str(error.edition)
            raise


class StoodForm(ActForm):
    """A form of what stands: whoever opened it before somebody else saved is told what differs from
    what they typed, and may then go on."""

    stood = HiddenField()

    def __init__(
        self,
        standing: Mapping[str, Any],
        also: Mapping[str, str] | None = None,
        unshown: Mapping[str, str | None] | None = None,
    ) -> None:
        """`also` is told when it changed, `unshown` is only compared. The mark is keyed, so that
        nobody finds out from the page what is not shown."""
        self._standing, self._also = standing, also or {}
        stands = repr((standing, self._also, unshown or {})).encode()
        key = str(current_app.secret_key).encode()
        self._now = hmac.digest(key, stands, "sha256").hex()[:16]
        cast(Any, super()).__init__(data={**standing, "stood": self._now})

    def validate(self, extra_validators: Any = None) -> bool:
        found = super().validate(extra_validators=extra_validators)
        seen, self.stood.data = self.stood.data, self._now
        if seen == self._now:
            return found
        self.form_errors.append(
            "Somebody changed this since you opened it. On record now, where it differs from "
            f"yours: {self._told() or 'nothing'}. What you typed is still here: press the button "
            "to put it in its place."
        )
        return False

    def _told(self) -> str:
        differ = {
            self[name].label.text: value
            for name, value in self._standing.items()
            if name in self and str(self[name].data or "") != str(value or "")
        }
        return "; ".join(
            f"{name}: {value or 'empty'}" for name, value in {**differ, **self._also}.items()
        )


class RetreatForm(ActForm):
    name = StringField("Name", description="As staff call it, for example Winter 2026.")
    protocol = SelectField("Protocol")
    study = SelectField(
        "Study",
        description="Practice, or a live study of this protocol.",
        validate_choice=False,
    )
    time_zone = StringField(
        "Time zone",
        description="Where the retreat is, for example Europe/Amsterdam. "
        "Its people take this zone unless they have their own.",
    )
    dosing_date = DayField(
        "Dosing day, or the start",
        description=DATE_HINT + " The first, if there are several. Empty if it is not known yet.",
    )

    @property
    def study_id(self) -> int | None:
        """The live study that was chosen, None for practice; one that cannot be is 0."""
        chosen = self.study.data or ""
        if not chosen:
            return None
        return int(chosen) if NUMERAL.fullmatch(chosen) else 0

    def later(self, protocol: Protocol) -> list[DayField]:
        """The fields of the protocol's anchors after the first."""
        fields = cast(Mapping[str, DayField], self._fields)
        return [fields[f"{protocol.id}.{anchor.id}"] for anchor in protocol.anchors[1:]]


def retreat_form(
    protocols: Iterable[Protocol], protocol: str, live: Iterable[tuple[int, str]]
) -> RetreatForm:
    """A form that asks each protocol's later anchors too; `protocol` is chosen at first. `live` are
    the live studies: id and title."""
    listed = list(protocols)
    fields = {
        f"{p.id}.{anchor.id}": DayField(anchor.label, description=LATER_HINT)
        for p in listed
        for anchor in p.anchors[1:]
    }
    form = type("RetreatForm", (RetreatForm,), fields)(data={"protocol": protocol})
    studies = [(str(study_id), f"Live: {title}") for study_id, title in live]
    form.study.choices = options(("", "Practice"), *studies)
    form.protocol.choices = options(*((p.id, f"{p.label}, version {p.version}") for p in listed))
    return form


class PersonForm(ActForm):
    code = StringField(
        "Study code", description="Not a name. Somebody who was here before keeps the same code."
    )
    email = StringField("E-mail", description="Kept encrypted and apart from the answers.")
    language = StringField("Language", description="Empty: English, or as it was before.")
    time_zone = StringField("Time zone", description="Empty: the retreat's, or as it was before.")


class PasteForm(ActForm):
    rows = TextAreaField(
        "People",
        description="One person a line: code, e-mail, then language and time zone if they differ.",
    )
    file = FileField(
        "Or a CSV file", description="The same columns, UTF-8. It takes the place of the list."
    )


class DayForm(ActForm):
    dosing_date = DayField("Dosing day", description=DATE_HINT)


class DoseForm(StoodForm):
    kind = RadioField("Which", choices=options(("first", "First dose"), ("booster", "Booster")))
    status = RadioField(
        "What happened",
        choices=options(
            ("given", "Given"), ("declined", "Declined"), ("not eligible", "Not eligible")
        ),
    )
    mg = NumberField("Milligrams", description="If given.")
    on = DayField("Date", description="If given. " + DATE_HINT)
    at = TimeField("Time", description="If given. Local time, for example 09:30.")
    reason = StringField("Why not", description="If declined or not eligible.")


class DosesForm(ActForm):
    codes = SelectMultipleField("People", option_widget=CheckboxInput())
    mg = NumberField("Milligrams")
    on = DayField("Date", description=DATE_HINT)
    at = TimeField("Time", description="Local time of the retreat, for example 09:30.")


class PinForm(ActForm):
    what = RadioField("What to do")


class SlipsForm(ActForm):
    timepoint = SelectField("Check-in")
    pins = BooleanField(
        "Print PINs too",
        description="Anybody who finds such a slip can answer for the person.",
    )


class SessionPdfsForm(ActForm):
    language = SelectField("Language")


class SettingsForm(StoodForm):
    emergency = StringField("Emergency line", description="For example 112 or 911.")
    crisis_line = StringField(
        "24-hour line", description="A line that somebody answers at any hour."
    )
    phone = StringField("Study team's phone")
    hours = StringField("When it is answered", description="For example Monday to Friday, 9 to 17.")
    readers = StringField(
        "Who reads the answers", description="For example your facilitator, before your session."
    )
    read_when = StringField("When they are read", description="For example within seven days.")


class NoticeForm(ActForm):
    en = TextAreaField(
        "English", description="Short paragraphs with an empty line between. Read on a phone."
    )
    nl = TextAreaField("Dutch", description="Empty: English is shown.")
    de = TextAreaField("German", description="Empty: English is shown.")
    es = TextAreaField("Spanish", description="Empty: English is shown.")


class WelcomeForm(ActForm):
    password = PasswordField("New password", description="At least 12 characters.")
    again = PasswordField("The same again")
