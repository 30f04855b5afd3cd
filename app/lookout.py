"""What a process does for its followers: it listens to the others, and looks for itself."""

import asyncio
from contextlib import suppress
from time import monotonic
from typing import Final

import structlog

from app.notices import FAULTS, Notices
from app.wakeups import Wakeups

_log: Final = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
LINGER_SECONDS: Final = 60.0


class Lookout:
    """Listens while anybody follows, and looks at the heads of all followed tenants together.

    A look is one statement for the whole process, however many follow. It finds what no notice
    told of, and finds out when the connection on which notices come is lost.
    """

    def __init__(self, wakeups: Wakeups, notices: Notices) -> None:
        self._wakeups = wakeups
        self._notices = notices
        self._seen: dict[int, int] = {}
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Look no more."""
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching

    async def _watch(self) -> None:
        while True:
            await self._wakeups.somebody.wait()
            needed = monotonic()
            # One who asks again and again is not there for moments only.
            while monotonic() < needed + LINGER_SECONDS:
                if self._wakeups.tenants:
                    needed = monotonic()
                    await self._look()
                await asyncio.sleep(LOOK_SECONDS)
            await self._notices.close()

    async def _look(self) -> None:
        try:
            positions = await self._notices.positions(self._wakeups.tenants)
        except FAULTS as error:
            _log.warning("new events not looked for", error=repr(error))
            return
        seen, self._seen = self._seen, positions
        self._wakeups.ring(
            [tenant_id for tenant_id, at in positions.items() if seen.get(tenant_id) != at]
        )
