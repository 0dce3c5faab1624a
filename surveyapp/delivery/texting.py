"""Texts to phones, by any provider that Apprise knows.

The setting is an Apprise address in which `{to}` stands for the number; without it the number is
its last part. Apprise says only yes or no, and no may be a time-out after the text was taken, so no
is an outcome that nobody can know.
"""

from __future__ import annotations

import logging
from typing import Any, cast
from urllib.parse import quote

import apprise

from .outcome import Outcome

# Its own log lines hold numbers and the provider's secrets.
logging.getLogger("apprise").disabled = True

TAKEN = Outcome("accepted", "handed to the SMS provider")
NO_WORD = Outcome("unknown", "the SMS provider did not confirm")
WRONG_URL = Outcome("transient", "SURVEYAPP_SMS_URL is not understood", ours=True)


class TextReady:
    """A text that waits to be sent."""

    def __init__(self, service: Any, text: str) -> None:
        self._service, self._text = service, text

    def finish(self) -> Outcome:
        """Send it; a provider that hangs is left after Apprise's own time-out of seconds."""
        try:
            taken = self._service.notify(body=self._text)
        except Exception:  # plugins raise what they like; the text may be on its way
            return NO_WORD
        return TAKEN if taken else NO_WORD

    def leave(self) -> None:
        """Nothing was begun."""


class Texter:
    """Sends texts by one Apprise address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def offer(self, text: str, number: str) -> TextReady | Outcome:
        """Make ready to send; an outcome when the address is not one that Apprise knows."""
        service = cast(Any, apprise).Apprise()
        if not service.add(self._address(number)):
            return WRONG_URL
        return TextReady(service, text)

    def _address(self, number: str) -> str:
        digits = quote(number.lstrip("+"))
        if "{to}" in self._url:
            return self._url.replace("{to}", digits)
        before, question, after = self._url.partition("?")
        return f"{before.rstrip('/')}/{digits}{question}{after}"
