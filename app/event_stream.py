"""A tenant's log as server-sent events, for as long as the caller stays."""

import asyncio
from math import inf
from time import time
from typing import Final, cast

import structlog
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

from app.answers import Answer
from app.feed import MESSAGES
from app.follower import following
from app.grant import Grant
from app.service import Service

_log: Final = structlog.get_logger()

EVENTS_AT_ONCE: Final = 250  # a slow caller keeps a few such pages in memory
SEND_SECONDS: Final = 30.0

_OPENING: Final = b"retry: 1000\n\n"  # milliseconds until a caller comes back by himself
_PING: Final = b":\n\n"
_HEADERS: Final = (
    *Answer.always,
    (b"content-type", MESSAGES.media_type.encode()),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
)


class EventStream(Answer):
    """Sends every event after a position, and a comment when there is none for a while.

    Litestar's ServerSentEvent takes a message at a time through several layers, begins before
    anything has been read, so that a failure comes after the 200, and waits without limit for
    a caller who takes nothing.
    """

    def __init__(
        self, service: Service, tenant_id: int, after: int, grant: Grant | None = None
    ) -> None:
        super().__init__(None)
        self._until = inf if grant is None else grant.until
        self._service = service
        self._tenant_id = tenant_id
        self._after = after
        self._ping_seconds = service.settings.feed_ping_seconds

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the stream; it ends when the process stops, or when its token would be refused.

        Raises `Problem` before it begins.
        """
        async with following(
            self._service, receive, MESSAGES, self._tenant_id, self._after
        ) as follower:
            page = await follower.page(EVENTS_AT_ONCE, 0)
            start = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
            await send(cast("HTTPResponseStartEvent", start))
            try:
                await _send(send, _OPENING)
                while not follower.ended and (left := self._until - time()) > 0:
                    await _send(send, page.body if page else _PING)
                    page = await follower.page(EVENTS_AT_ONCE, min(self._ping_seconds, left))
                await _send(send, b"", more=False)
            except TimeoutError:
                _log.info("follower takes nothing", tenant_id=self._tenant_id, after=follower.after)


async def _send(send: Send, chunk: bytes, *, more: bool = True) -> None:
    body = {"type": "http.response.body", "body": chunk, "more_body": more}
    async with asyncio.timeout(SEND_SECONDS):
        await send(cast("HTTPResponseBodyEvent", body))
