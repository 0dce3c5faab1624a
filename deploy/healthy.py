#!/usr/bin/python3
"""`healthy URL`: exit 0 when the address answers 200. For health checks of containers and units.

It asks as localhost, which the program answers under any public address.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

SECONDS = 4


def is_healthy(url: str) -> bool:
    request = urllib.request.Request(url, headers={"Host": "localhost"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return answer.status == 200
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return False


if __name__ == "__main__":
    sys.exit(0 if len(sys.argv) == 2 and is_healthy(sys.argv[1]) else 1)
