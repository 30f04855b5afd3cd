"""The messages of PostgreSQL's protocol, one by one as they come over a connection."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final, Literal, NamedTuple, TypeAlias

Sender: TypeAlias = Literal["client", "server"]

FIRST: Final = "first"
_LENGTH_BYTES: Final = 4
_CANCEL: Final = (80877102).to_bytes(4)


class Message(NamedTuple):
    """A message as it is on the wire; its kind is its first letter, or `FIRST` without one."""

    kind: str
    data: bytes

    @property
    def body(self) -> bytes:
        """What follows the kind and the length."""
        return self.data[_LENGTH_BYTES + (self.kind != FIRST) :]


class Place(NamedTuple):
    """Where a message stands: what the client is about, who sends it, and of what kind it is."""

    about: str
    sender: Sender
    kind: str


async def messages(reader: asyncio.StreamReader, sender: Sender) -> AsyncGenerator[Message]:
    """What `sender` says until he hangs up; half a message is nothing.

    The client's first message has no letter. Raises `OSError` for a broken connection.
    """
    lettered = sender == "server"
    while True:
        try:
            start = await reader.readexactly(lettered + _LENGTH_BYTES)
            length = int.from_bytes(start[-_LENGTH_BYTES:])
            data = start + await reader.readexactly(length - _LENGTH_BYTES)
        except asyncio.IncompleteReadError:
            return
        yield Message(chr(start[0]) if lettered else FIRST, data)
        lettered = True


class Conversation:
    """What goes on over one connection, as far as its messages tell.

    It is an `aside` if it is the service's own about notices, which no command waits for.
    """

    def __init__(self) -> None:
        self.aside = False
        self._about = "connecting"
        self._prepared: dict[bytes, str] = {}

    def place(self, sender: Sender, message: Message) -> Place:
        """Where the message stands, which is the next one of the conversation."""
        if sender == "client":
            self._hear(message)
        return Place(self._about, sender, message.kind)

    def _hear(self, message: Message) -> None:
        body = message.body
        match message.kind:
            case "first":
                self.aside = b"synchronous_commit" in body
                self._about = "cancelling" if body.startswith(_CANCEL) else "connecting"
            case "P":
                name, query = body.split(b"\0")[:2]
                self._about = self._prepared[name] = _subject(query)
            case "B":
                self._about = self._prepared[body.split(b"\0")[1]]
            case "Q":
                self._about = _subject(body)
            case _:
                pass


def _subject(query: bytes) -> str:
    """What a statement of the service is about, by what only such a statement has."""
    word = query.split(maxsplit=1)[0].strip(b";\0")
    if word in {b"BEGIN", b"COMMIT", b"ROLLBACK", b"SET"}:
        return word.decode().lower()
    if b"INSERT INTO idempotency_keys" in query:
        return "writing"
    return "locking" if b"FOR UPDATE" in query else "reading"
