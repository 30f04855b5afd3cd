"""What a process does about its commits: it wakes its own followers, and tells the others."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final

import structlog

from app.notices import FAULTS, Notices
from app.wakeups import Wakeups

_log: Final = structlog.get_logger()

HEEDED_SECONDS: Final = 0.02
UNHEEDED_SECONDS: Final = 1.0
MOST_TENANTS: Final = 4096


class Notifier:
    """Tells other processes which tenants have new events, of many commits at once.

    Nobody waits for it: a commit leaves the tenants' numbers here and goes on. It tells at most
    every 20 ms, and while nobody listens it asks once a second whether anybody does. What gets
    lost, or is too much, costs a follower elsewhere the time until he looks by himself.
    """

    def __init__(self, wakeups: Wakeups, notices: Notices) -> None:
        self._wakeups = wakeups
        self._notices = notices
        self._tenants: set[int] = set()
        self._some = asyncio.Event()
        self._telling = asyncio.create_task(self._tell())

    def committed(self, tenant_ids: Collection[int]) -> None:
        """These tenants have new events."""
        self._wakeups.ring(tenant_ids)
        if len(self._tenants) < MOST_TENANTS:
            self._tenants.update(tenant_ids)
            self._some.set()

    async def close(self) -> None:
        """Tell nobody any more."""
        self._telling.cancel()
        with suppress(asyncio.CancelledError):
            await self._telling

    async def _tell(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            told, self._tenants = self._tenants, set()
            heeded = False
            try:
                heeded = await self._notices.tell(told)
            except FAULTS as error:
                _log.warning("other processes not told of events", error=repr(error))
            await asyncio.sleep(HEEDED_SECONDS if heeded else UNHEEDED_SECONDS)
