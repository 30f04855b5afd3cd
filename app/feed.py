"""Pages of the log for those who follow it, in every form in which it is handed out."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias, get_args

import asyncpg
from msgspec import Struct

from app import avro_events
from app.event_log import logged
from app.query import Query
from domain.events import Stream
from projections import events, feed
from projections.row_security import named

Rows: TypeAlias = Sequence[asyncpg.Record]


class Page(Struct, frozen=True):
    """So many events in their form, and the position after which the next page begins."""

    events: int
    next: int
    body: bytes


class Form(NamedTuple):
    """A way to hand out events: how they are read, and how a page of them is written."""

    media_type: str
    query: Query
    write: Callable[[Rows, int], bytes]
    takes_long: bool = False

    def page(self, rows: Rows, after: int) -> Page:
        """The page that holds `rows`, or none, after a position."""
        following = rows[-1]["position"] if rows else after
        return Page(len(rows), following, self.write(rows, following))


def _events(rows: Rows, following: int) -> bytes:
    return f'{{"events":[{_joined(rows)}],"next":{following}}}'.encode()


def _cloudevents(rows: Rows, _: int) -> bytes:
    return f"[{_joined(rows)}]".encode()


def _container(rows: Rows, _: int) -> bytes:
    return avro_events.encode([logged(row) for row in rows])


def _messages(rows: Rows, _: int) -> bytes:
    # PostgreSQL writes an event on one line: no line break ends the message before its end.
    return "".join([f"id: {row['position']}\ndata: {row['event']}\n\n" for row in rows]).encode()


def _joined(rows: Rows) -> str:
    return ",".join([row["event"] for row in rows])


_LINES: Final = Query(named(feed.as_events()))

EVENTS: Final = Form("application/json", _LINES, _events)
CLOUDEVENTS: Final = Form(
    "application/cloudevents-batch+json", Query(named(feed.as_cloudevents())), _cloudevents
)
# No media type of Avro is registered; this one says whose format it is, and which of its two.
AVRO: Final = Form(
    "application/vnd.apache.avro+binary",
    Query(named(events.log(get_args(Stream), period=False))),
    _container,
    takes_long=True,
)
MESSAGES: Final = Form("text/event-stream", _LINES, _messages)


class _Asked(NamedTuple):
    media_type: str
    tenant_id: int
    after: int
    limit: int


class Feed:
    """Reads pages; those who ask for the same page before its read begins share it.

    When an event wakes a hundred followers of a tenant, they all ask for what comes after one
    position. Nobody is handed what a read brought that had begun before he asked.
    """

    def __init__(self, pool: asyncpg.Pool, wait_seconds: float) -> None:
        self._pool = pool
        self._wait_seconds = wait_seconds
        self._waiting: dict[_Asked, asyncio.Task[Page]] = {}

    async def page(self, form: Form, tenant_id: int, *, after: int, limit: int) -> Page:
        """At most `limit` events after a position. Raises what asyncpg raises."""
        asked = _Asked(form.media_type, tenant_id, after, limit)
        read = self._waiting.get(asked)
        if read is None:
            read = self._waiting[asked] = asyncio.create_task(self._read(form, asked))
        return await asyncio.shield(read)  # others may wait for it when one goes away

    async def _read(self, form: Form, asked: _Asked) -> Page:
        arguments = form.query.arguments(
            tenant_id=asked.tenant_id, after=asked.after, limit=asked.limit
        )
        try:
            connection = await self._pool.acquire(timeout=self._wait_seconds)
        finally:
            del self._waiting[asked]  # from here on it is too late to join
        try:
            rows = await connection.fetch(form.query.text, *arguments)
        finally:
            await self._pool.release(connection)
        if form.takes_long:  # commands are not to wait for it
            return await asyncio.to_thread(form.page, rows, asked.after)
        return form.page(rows, asked.after)
