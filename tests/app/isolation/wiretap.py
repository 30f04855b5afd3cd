"""Hears every statement that clients have the server carry out, whatever sends it."""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from tests.app.proxy import Proxy

Values: TypeAlias = defaultdict[int, set[bytes]]
"""What each parameter was, by its number from 1, as the driver wrote it: binary."""

_SHORT: Final = struct.Struct("!H")
_LONG: Final = struct.Struct("!i")


class Wiretap(Proxy):
    """A proxy that keeps the text of each statement, with the values of its parameters.

    A text reaches the server in a message Query, or in a message Parse, and is then carried out
    by messages Bind, each of which has values. One that is only described shows nobody a row.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.statements: Final[dict[str, Values]] = {}

    def listener(self) -> Callable[[bytes], object]:
        """One who takes what one client sends apart into messages."""
        return _Client(self.statements).take


class _Client:
    def __init__(self, statements: dict[str, Values]) -> None:
        self._statements = statements
        self._prepared: dict[bytes, str] = {}
        self._rest = b""
        self._started = False

    def take(self, data: bytes) -> None:
        """Take more of the stream, which may end within a message."""
        self._rest += data
        if not self._started:
            self._started = self._cut(0) is not None  # the first message has no type
        while self._started and (message := self._cut(1)) is not None:
            self._hear(message[:1], message[1 + _LONG.size :])

    def _cut(self, at: int) -> bytes | None:
        """The next message, whose length stands at an index of it, once it is complete."""
        if len(self._rest) < at + _LONG.size:
            return None
        end = at + int(_LONG.unpack_from(self._rest, at)[0])
        if len(self._rest) < end:
            return None
        message, self._rest = self._rest[:end], self._rest[end:]
        return message

    def _hear(self, kind: bytes, content: bytes) -> None:
        match kind:
            case b"Q":
                self._values(content.removesuffix(b"\0").decode())
            case b"P":
                name, text, _ = content.split(b"\0", 2)
                self._prepared[name] = text.decode()
            case b"B":
                _, name, rest = content.split(b"\0", 2)
                values = self._values(self._prepared[name])
                for number, value in enumerate(_parameters(rest), start=1):
                    values[number].add(value)
            case _:
                pass

    def _values(self, text: str) -> Values:
        return self._statements.setdefault(text, defaultdict(set))


def _parameters(rest: bytes) -> Iterator[bytes]:
    """The values in a message Bind after its names; none for NULL."""
    (formats,) = _SHORT.unpack_from(rest)
    at = _SHORT.size * (1 + formats)
    (number,) = _SHORT.unpack_from(rest, at)
    at += _SHORT.size
    for _ in range(number):
        (length,) = _LONG.unpack_from(rest, at)
        at += _LONG.size
        yield rest[at : at + max(length, 0)]
        at += max(length, 0)


def numbers(value: bytes) -> Iterator[int]:
    """The number in a parameter of type bigint, or the numbers in an array of them."""
    if len(value) == 8:
        yield int.from_bytes(value, signed=True)
        return
    dimensions, _, _ = struct.unpack_from("!iiI", value)
    at = 12 + 8 * int(dimensions)
    while at < len(value):
        yield int.from_bytes(value[at + _LONG.size : at + _LONG.size + 8], signed=True)
        at += _LONG.size + 8
