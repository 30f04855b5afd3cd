"""A way to the server that fails at any message it is told to, whoever sends it."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from random import Random
from typing import Final, Literal, NamedTuple, TypeAlias

from tests.app.proxy import Proxy
from tests.faults.wire import Conversation, Message, Place, Sender, messages

Action: TypeAlias = Literal["cut before", "cut within", "cut after", "delay", "silence"]

CUTS: Final[tuple[Action, ...]] = ("cut before", "cut within", "cut after")
LONGEST_DELAY_SECONDS: Final = 0.02


class Planned(NamedTuple):
    """A fault to come: what happens, after so many messages that pass unharmed.

    With a place, only the messages that stand there count.
    """

    action: Action
    after: int
    place: Place | None = None


class Hit(NamedTuple):
    """A fault that came: what happened, to which message."""

    action: Action
    place: Place


class _Line:
    """One connection: both ends, and whether it is silent until it is `gone`."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.conversation = Conversation()
        self.ends: dict[Sender, asyncio.StreamWriter] = {"client": client, "server": server}
        self.silent = False
        self.gone = asyncio.Event()

    def other(self, sender: Sender) -> asyncio.StreamWriter:
        """The end to which `sender` speaks."""
        return self.ends["server" if sender == "client" else "client"]

    async def cut(self, sender: Sender, arriving: bytes) -> None:
        """Break it; the end to which `sender` speaks still gets what is `arriving`."""
        self.ends[sender].transport.abort()
        target = self.other(sender)
        target.write(arriving)
        target.close()


class Breaker(Proxy):
    """Passes message by message on, until the next planned fault is due.

    A cut breaks both halves of a connection at once, before, within or after a message: what
    was passed on arrives, then the connection is gone. A delay holds a message up for some
    milliseconds. Silence is a network that takes everything and delivers nothing, in both
    directions, and tells neither end. While `refusing`, nobody can connect. `hits` are the
    faults that have come since they were planned.
    """

    def __init__(self, url: str, random: Random) -> None:
        super().__init__(url)
        self.refusing = False
        self._random = random
        self._lines: set[_Line] = set()
        self.hits: list[Hit] = []
        self._plan: Iterator[Planned] = iter(())
        self._next: Planned | None = None
        self._passed = Counter[Place]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until either side hangs up."""
        if self.refusing:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await self._connect()
        except OSError:  # the server is down
            writer.transport.abort()
            return
        line = _Line(writer, server_writer)
        self._lines.add(line)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._carry(line, "client", reader))
                tasks.create_task(self._carry(line, "server", server_reader))
        except* OSError:
            pass
        finally:
            self._lines.remove(line)
            for end in line.ends.values():
                end.close()

    def cut(self) -> None:
        """Break every connection at once, those that are silent too."""
        for line in self._lines:
            line.gone.set()
            for end in line.ends.values():
                end.transport.abort()

    def plan(self, faults: Iterable[Planned]) -> None:
        """Have these faults come, one after the other, each counted from the one before."""
        self.hits.clear()
        self._plan = iter(faults)
        self._turn()

    def relent(self) -> list[Hit]:
        """Let everything pass from now on, and return the faults that have come."""
        hits = self.hits.copy()
        self.plan(())
        return hits

    def _turn(self) -> None:
        self._next, self._passed = next(self._plan, None), Counter[Place]()

    def _due(self, line: _Line, place: Place) -> Action | None:
        """What is to happen to the message that has come, if anything."""
        if line.conversation.aside or line.silent:
            return None
        self._passed[place] += 1
        if self._next is None or self._next.place not in {None, place}:
            return None
        passed = self._passed[place] if self._next.place else self._passed.total()
        if passed <= self._next.after:
            return None
        action = self._next.action
        self.hits.append(Hit(action, place))
        self._turn()
        return action

    async def _carry(self, line: _Line, sender: Sender, source: asyncio.StreamReader) -> None:
        target = line.other(sender)
        async for message in messages(source, sender):
            place = line.conversation.place(sender, message)
            if action := self._due(line, place):
                await self._harm(action, line, sender, message)
            if line.silent or action in CUTS:
                break
            target.write(message.data)
            await target.drain()
        if line.silent:
            await line.gone.wait()
        target.close()

    async def _harm(self, action: Action, line: _Line, sender: Sender, message: Message) -> None:
        match action:
            case "cut before":
                await line.cut(sender, b"")
            case "cut within":
                arriving = self._random.randrange(1, len(message.data))
                await line.cut(sender, message.data[:arriving])
            case "cut after":
                await line.cut(sender, message.data)
            case "delay":
                await asyncio.sleep(self._random.uniform(0, LONGEST_DELAY_SECONDS))
            case "silence":
                line.silent = True
