"""Whether events follow on one another: their tenant, positions, times and hash chain."""

from collections.abc import Iterable
from typing import Final

from app.chain import Sealed, seal
from app.complaint import Complaint
from app.event_log import Logged


class Discontinuity(Complaint):
    """An event does not follow on the one before; the message names its position."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"Position {position}: {reason}.")
        self.position = position


class Continuity:
    """A tenant's log from one event on; `position`, `hash` and `timestamp` are those of the last.

    For the start of a log they are 0, empty and 0.
    """

    def __init__(self, tenant_id: int, position: int, hash_: bytes, timestamp: int) -> None:
        self.position = position
        self.hash = hash_
        self.timestamp = timestamp
        self.tenant_id: Final = tenant_id

    def follow(self, events: Iterable[Logged]) -> list[Sealed]:
        """The events as the rows of their tables. Raises `Discontinuity` at the first fault."""
        return [self._next(logged) for logged in events]

    def _next(self, logged: Logged) -> Sealed:
        recorded = logged.recorded
        expected = self.position + 1
        if recorded.position != expected:
            raise Discontinuity(expected, f"the next event says that its is {recorded.position}")
        if recorded.tenant_id != self.tenant_id:
            raise Discontinuity(expected, f"the event is of tenant {recorded.tenant_id}")
        if recorded.timestamp < self.timestamp:
            raise Discontinuity(expected, "the event is older than the one before it")
        sealed = seal(recorded, self.hash)
        if sealed.hash != logged.hash:
            raise Discontinuity(
                expected,
                "the hash is not that of the event and the one before it: one of them was changed",
            )
        self.position, self.hash, self.timestamp = expected, sealed.hash, recorded.timestamp
        return sealed
