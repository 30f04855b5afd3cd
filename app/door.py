"""The door of a process, at which commands are turned away while the queue has no room."""

import asyncio
from math import ceil
from time import monotonic
from typing import Any, Final, NamedTuple, cast

from litestar.types import Receive, Scope, Send
from uuid_utils import uuid7

from app import headers, problems
from app.answers import Answer
from app.metrics import Metrics
from app.problems import Problem

MOST_READ_BYTES: Final = 1024 * 1024
MOST_TENANTS: Final = 10_000
CLOSED_SECONDS: Final = 0.25
SHARE: Final = 0.15  # turned away for each that is answered inside
LEAST_A_SECOND: Final = 100.0
LONGEST_SECONDS: Final = 5.0
MEASURED_SECONDS: Final = 0.5
TOGETHER_SECONDS: Final = 0.02
UNREAD: Final = "unread"  # the operation of a command that was not looked at
_RETRY_AFTER: Final = str(problems.RETRY_AFTER_SECONDS)
_ANSWER: Final = problems.document(problems.OVERLOADED, "The queue is full; nothing was done.")


class _Closed(NamedTuple):
    """How many were inside when there was no room, and when to ask again."""

    inside: int
    until: float


class _Refusal(Answer):
    content_type = problems.MEDIA_TYPE.encode()


class Door:
    """Closed to a tenant after the queue had no room for a command of it.

    By the time the queue turns a command away it has been routed, decoded and checked, which
    costs more than half of what carrying it out does: callers who go on calling would take the
    processor from those who are in the queue. At the door it costs less. It opens for as many
    as have been answered since, and after a moment the queue is asked again.

    Less is not nothing, and who calls again at once could still have all of the processor. So
    only a share of those who are answered inside are turned away meanwhile; the others wait
    for their answer, and with it for their next attempt.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._closed: dict[int, _Closed] = {}
        self._inside = 0
        self._left = 0
        self._since = 0.0
        self._a_second = LEAST_A_SECOND
        self._latest = 0.0

    def enter(self) -> None:
        """Count a command that has been let in."""
        self._inside += 1

    def leave(self) -> None:
        """Count a command that has been let in and is answered."""
        self._inside -= 1
        self._left += 1

    def close(self, tenant_id: int) -> None:
        """Take no command of the tenant while as many as now are inside, for a moment."""
        if len(self._closed) >= MOST_TENANTS:
            self._closed.clear()
        self._closed[tenant_id] = _Closed(self._inside - 1, monotonic() + CLOSED_SECONDS)

    def is_closed(self, raw_headers: headers.RawHeaders) -> bool:
        """Whether a command with these headers is of a tenant to which the door is closed."""
        if not self._closed:
            return False
        try:
            tenant_id = headers.tenant_id(raw_headers)
        except Problem:  # which the route answers
            return False
        closed = self._closed.get(tenant_id)
        if closed is not None and closed.until <= monotonic():
            del self._closed[tenant_id]
            return False
        return closed is not None and self._inside >= closed.inside

    async def turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503, as an ASGI application."""
        raw_headers = cast("dict[str, Any]", scope)["headers"]
        await _read(headers.content_length(raw_headers), receive)
        await self._turn()
        self._metrics.outcome(UNREAD, problems.OVERLOADED.slug)
        occurrence = str(uuid7())
        request_id = headers.request_id(raw_headers) or occurrence
        told = {"instance": f"urn:uuid:{occurrence}", "request_id": request_id}
        await _Refusal(
            _ANSWER | told,
            status_code=problems.OVERLOADED.status,
            headers={"Retry-After": _RETRY_AFTER, "X-Request-Id": request_id},
        ).send(scope, receive, send)

    async def _turn(self) -> None:
        """Wait until one more may be turned away, but not for long.

        Some are told together, which costs less. Those who have gone away meanwhile count, so
        without a longest time they could make others wait for ever.
        """
        now = monotonic()
        self._measure(now)
        following = max(now, self._latest + 1 / self._a_second)
        self._latest = min(following, now + LONGEST_SECONDS)
        if self._latest > now:
            await asyncio.sleep(ceil(self._latest / TOGETHER_SECONDS) * TOGETHER_SECONDS - now)

    def _measure(self, now: float) -> None:
        """Find out from time to time how many are answered inside, and what share that is."""
        if (seconds := now - self._since) > MEASURED_SECONDS:
            self._a_second = max(SHARE * self._left / seconds, LEAST_A_SECOND)
            self._left, self._since = 0, now


async def _read(announced: int | None, receive: Receive) -> None:
    """Read the body, up to a limit: the connection's next request comes behind it."""
    length, more = 0, announced != 0
    while more and length <= MOST_READ_BYTES:
        message = cast("dict[str, Any]", await receive())
        length += len(message.get("body", b""))  # who has gone away sends none
        more = message.get("more_body", False) and length != announced
