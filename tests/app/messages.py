"""A client of server-sent events: what a stream sends, message by message."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from tests.conftest import Client


class Message(NamedTuple):
    """A message of a stream; a comment has neither an id nor an event."""

    id: str | None
    event: dict[str, Any] | None

    @property
    def position(self) -> int:
        """The position of the event, which is also the id."""
        assert self.event is not None
        position = int(self.event["position"])
        assert self.id == str(position)
        return position


@asynccontextmanager
async def stream(
    client: Client, after: int = 0, last: int | None = None
) -> AsyncGenerator[AsyncIterator[Message]]:
    """The messages of /feed/stream. Raises what httpx raises for a problem."""
    headers = {"X-Tenant-Id": str(client.tenant_id), "Accept": "text/event-stream"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    path = f"/feed/stream?after={after}"
    async with client.http.stream("GET", path, headers=headers) as answer:
        answer.raise_for_status()
        assert answer.headers["Content-Type"] == "text/event-stream"
        yield messages(answer)


async def messages(answer: httpx.Response) -> AsyncGenerator[Message]:
    """Each message, comments among them, as it arrives."""
    fields: dict[str, str] = {}
    async for line in _lines(answer):
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            yield Message(fields.get("id"), json.loads(fields["data"]))
        elif "" in fields:
            yield Message(None, None)
        fields = {}


async def _lines(answer: httpx.Response) -> AsyncGenerator[str]:
    """The lines of an answer; httpx takes far more than line feeds for their ends."""
    rest = ""
    async for text in answer.aiter_text():
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            yield line


async def events(of: AsyncIterator[Message], number: int) -> list[dict[str, Any]]:
    """The next so many events, comments passed over."""
    found: list[dict[str, Any]] = []
    while len(found) < number:
        message = await anext(of)
        if message.event is not None:
            found.append(message.event)
    return found
