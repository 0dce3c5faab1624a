"""What the participant's pages show, as plain data without an address or mark-up.

Dates are local to the person; a window's last day is included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from ..study.instrument import Option
from ..study.schedule import State


@dataclass(frozen=True)
class Lines:
    """The study's own words on every page: whom to call, who reads the answers and when; and the
    languages that may be chosen, none for every one."""

    emergency: str = ""
    crisis_line: str = ""
    phone: str = ""
    hours: str = ""
    readers: str = ""
    read_when: str = ""
    practice: bool = False
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One instrument of a check-in."""

    questions: int
    recall: str


@dataclass(frozen=True)
class NoticeShown:
    """A data notice as somebody reads it; version 0 is the built-in one."""

    version: int
    language: str
    paragraphs: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Wishes:
    """Reminders that may be asked for (evening, tomorrow), and the one that was; local times."""

    offered: tuple[tuple[str, datetime], ...]
    asked: datetime | None


@dataclass(frozen=True)
class Door:
    """What a link opens. `state` is of its timepoint; dates are local, the last one included.

    `asks_pin`: opening it takes the person's PIN.
    `notice_due`: the person has not yet acknowledged this data notice.
    `lacks_consent`: it may not begin, because no consent to it is on record.
    """

    course_id: int
    timepoint: str
    code: str
    language: str
    lines: Lines
    notice: str
    state: State
    opens: date | None
    closes: date | None
    parts: tuple[Part, ...]
    minutes: int
    data_notice: NoticeShown
    notice_due: bool
    asks_pin: bool
    lacks_consent: bool = False


@dataclass(frozen=True)
class Question:
    """`answer` is a value, "skip", or None while it is open; `answer_text` is the option's text."""

    number: int
    item: str
    text: str
    stem: str
    options: tuple[Option, ...]
    answer: int | str | None
    answer_text: str


@dataclass(frozen=True)
class Questionnaire:
    """One instrument as the phone shows it, with the draft's answers.

    `names` are the instruments of the whole check-in, `link` is the hash of the link that opens it.
    """

    visit: str
    write: str
    instrument: str
    language: str
    lines: Lines
    notice: str
    title: str
    recall: str
    names: tuple[str, ...]
    link: str
    questions: tuple[Question, ...]

    @property
    def part(self) -> int:
        return self.names.index(self.instrument) + 1

    @property
    def parts(self) -> int:
        return len(self.names)

    @property
    def still_open(self) -> int:
        return sum(question.answer is None for question in self.questions)


@dataclass(frozen=True)
class Other:
    """Another check-in of the same person that can be answered now."""

    token: str
    minutes: int
    closes: date


@dataclass(frozen=True)
class Thanks:
    """What comes after sending: another check-in that is open, else the next one's date."""

    language: str
    lines: Lines
    notice: str
    closes: date
    other: Other | None
    next: date | None
