"""The headers that every answer carries: what browsers and caches may make of it."""

from collections.abc import Mapping
from typing import Final, TypeAlias

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]

# The media type is what it is said to be: no browser runs JSON as a script or shows it as a page.
SNIFF_NOTHING: Final = {"X-Content-Type-Options": "nosniff"}

# Bets and balances are kept by nobody on the way, nor on the disk of whoever asked. A caller
# with a copy of his own may send If-None-Match all the same (docs/decisions/0019-browsers.md).
OF_DATA: Final = SNIFF_NOTHING | {"Cache-Control": "no-store"}

# The same for everybody: a copy may be kept, and used once the service says that it is current.
OF_PUBLIC: Final = SNIFF_NOTHING | {"Cache-Control": "no-cache"}


def raw(headers: Mapping[str, str]) -> RawHeaders:
    """`headers` as ASGI sends them."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
