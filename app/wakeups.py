"""Those who wait in this process for a tenant's next events, and how they are woken."""

import asyncio
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager, suppress

from app import problems
from app.metrics import Metrics
from app.problems import problem


class Bell:
    """Rings for one follower; `ended` once there is nothing left to wait for.

    A ring says that there may be new events, never that there are: what is there, the follower
    reads by position. So one ring too many costs a read, and one too few costs time.
    """

    def __init__(self) -> None:
        self.ended = False
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the follower."""
        self._rung.set()

    def end(self) -> None:
        """Wake the follower for good."""
        self.ended = True
        self._rung.set()

    async def rung(self, seconds: float) -> bool:
        """Wait for a ring, at most so long; one that came since the last call counts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        heard = self._rung.is_set()
        self._rung.clear()
        return heard


class Wakeups:
    """The bells of this process, by tenant; never more than `most`.

    `somebody` is set while anybody follows.
    """

    def __init__(self, most: int, metrics: Metrics) -> None:
        self.somebody = asyncio.Event()
        self._most = most
        self._metrics = metrics
        self._bells: dict[int, set[Bell]] = {}
        self._number = 0
        self._ended = False

    @property
    def tenants(self) -> Collection[int]:
        """The tenants that are followed."""
        return self._bells.keys()

    @contextmanager
    def follow(self, tenant_id: int) -> Generator[Bell]:
        """A bell that rings for the tenant's events. Raises `Problem` when there are too many."""
        if self._ended or self._number >= self._most:
            reason = "The service is stopping" if self._ended else "Too many follow already"
            raise problem(problems.OVERLOADED, f"{reason}; try again, or elsewhere.")
        bell = Bell()
        self._bells.setdefault(tenant_id, set()).add(bell)
        self._count(1)
        try:
            yield bell
        finally:
            self._bells[tenant_id].remove(bell)
            if not self._bells[tenant_id]:
                del self._bells[tenant_id]
            self._count(-1)

    def ring(self, tenant_ids: Iterable[int]) -> None:
        """Wake those who follow one of these tenants."""
        if self._bells:
            for tenant_id in tenant_ids:
                for bell in self._bells.get(tenant_id, ()):
                    bell.ring()

    def end(self) -> None:
        """Let all followers go, and take no more: the process is stopping."""
        self._ended = True
        for bells in self._bells.values():
            for bell in bells:
                bell.end()

    def _count(self, change: int) -> None:
        self._number += change
        self._metrics.followers(self._number)
        if self._number:
            self.somebody.set()
        else:
            self.somebody.clear()
