"""Numbers in addresses."""

from __future__ import annotations

from werkzeug.routing import IntegerConverter


class ShortNumber(IntegerConverter):
    """A number of at most nine digits: a longer one names nothing, and no database column holds
    it, so its address is unknown."""

    regex = r"\d{1,9}"
