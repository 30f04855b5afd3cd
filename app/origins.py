"""Origins of web pages, as browsers write them."""

import re
from typing import Final, Self

ANY: Final = "*"

_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_PORT_LEFT_OUT: Final = {"http": "80", "https": "443"}
_LARGEST_PORT: Final = 65535


class Origins(tuple[str, ...]):
    """Exact origins, or `*` alone for every one; written with commas between them."""

    __slots__ = ()

    def __new__(cls, text: str = "") -> Self:
        """Read `text`; nothing in it means none. Raises `ValueError` for what no browser sends."""
        found = tuple(part.strip() for part in text.split(",")) if text else ()
        for origin in found:
            if origin == ANY and len(found) > 1:
                raise ValueError(f"{ANY} stands for every origin, and alone")
            if origin != ANY and not _is_exact(origin):
                raise ValueError(
                    f"{origin!r} is no origin as browsers send it: http or https, the host in"
                    " lower case and a port other than the usual one, nothing after it"
                )
        return super().__new__(cls, found)


def _is_exact(origin: str) -> bool:
    found = _ORIGIN.fullmatch(origin)
    if found is None:
        return False
    port = found["port"]
    return port is None or (port != _PORT_LEFT_OUT[found["scheme"]] and int(port) <= _LARGEST_PORT)
