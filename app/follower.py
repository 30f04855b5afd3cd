"""One who follows a tenant's log: its next page, as soon as there is one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import structlog
from litestar.types import Receive

from app.feed import Feed, Form, Page
from app.lines import PASSING
from app.service import Service
from app.wakeups import Bell

_log: Final = structlog.get_logger()

RETRY_SECONDS: Final = 1.0


class Follower:
    """Reads on from `after`, page by page; `ended` once there is nobody to read for."""

    def __init__(self, feed: Feed, bell: Bell, form: Form, tenant_id: int, after: int) -> None:
        self._feed = feed
        self._bell = bell
        self._form = form
        self._tenant_id = tenant_id
        self.after = after
        self._begun = False
        self._due = True

    @property
    def ended(self) -> bool:
        """Whether the caller has gone away, or the process is stopping."""
        return self._bell.ended

    async def page(self, limit: int, seconds: float) -> Page | None:
        """The next page; None if nothing comes for so long, or at the end.

        A read that fails is tried again, for a database that restarts is no reason to send a
        follower away. Raises what asyncpg raises if there is no time for that and no read has
        worked yet.
        """
        deadline = monotonic() + seconds
        while not self.ended:
            if self._due and (page := await self._read(limit, deadline)):
                return page
            if (left := deadline - monotonic()) <= 0:
                break
            rung = await self._bell.rung(min(left, RETRY_SECONDS) if self._due else left)
            self._due = self._due or rung
        return None

    async def _read(self, limit: int, deadline: float) -> Page | None:
        try:
            page = await self._feed.page(self._form, self._tenant_id, after=self.after, limit=limit)
        except PASSING as error:
            if not self._begun and monotonic() + RETRY_SECONDS > deadline:
                raise
            _log.warning("events not read", error=repr(error))
            return None
        self._begun = True
        # After a page that is not full there is nothing more that no ring will tell of.
        self._due = page.events == limit
        self.after = page.next
        return page if page.events else None


@asynccontextmanager
async def following(
    service: Service, receive: Receive, form: Form, tenant_id: int, after: int
) -> AsyncGenerator[Follower]:
    """One more follower, until the caller goes away. Raises `Problem` when there are too many."""
    with service.wakeups.follow(tenant_id) as bell:
        watching = asyncio.create_task(_end_with_caller(receive, bell))
        try:
            yield Follower(service.feed, bell, form, tenant_id, after)
        finally:
            watching.cancel()


async def _end_with_caller(receive: Receive, bell: Bell) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    bell.end()
