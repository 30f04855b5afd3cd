"""The check of a tenant's log, event by event: tenant, positions, times, hash chain."""

from app.chain import digest
from app.event_log import Logged
from app.fault import Fault, FaultFound
from domain.events import STREAM_OF
from projections import EVENT_TABLES


class Audit:
    """What the next event of a tenant has to follow on.

    `after`, `previous` and `timestamp` are the position, hash and time (in milliseconds) of the
    event before the first one that is given; without a hash the first one's is taken as it is.
    """

    def __init__(
        self,
        tenant_id: int,
        *,
        after: int = 0,
        previous: bytes | None = b"",
        timestamp: int = 0,
    ) -> None:
        self.tenant_id = tenant_id
        self.position = after
        self.hash = previous
        self.timestamp = timestamp

    def take(self, logged: Logged) -> None:
        """Check the next event, and go on to it. Raises `FaultFound`."""
        recorded = logged.recorded
        if recorded.position != self.position + 1:
            raise self.fault(logged, "position", self.position + 1, recorded.position)
        if recorded.tenant_id != self.tenant_id:
            raise self.fault(logged, "tenant_id", self.tenant_id, recorded.tenant_id)
        if recorded.timestamp < self.timestamp:
            found = recorded.timestamp
            raise self.fault(logged, "timestamp", f"{self.timestamp} or more", found)
        if self.hash is not None:
            expected = digest(recorded, self.hash)
            if logged.hash != expected:
                raise self.fault(logged, "hash", expected.hex(), logged.hash.hex())
        self.go_on(logged)

    def go_on(self, logged: Logged) -> None:
        """Go on to an event that is known to follow, as all those before it are."""
        self.position, self.timestamp = logged.recorded.position, logged.recorded.timestamp
        self.hash = logged.hash

    def take_version(self, logged: Logged, before: int) -> None:
        """Check the version of an event whose aggregate was at `before`. Raises `FaultFound`."""
        version = logged.recorded.version
        if version != before + 1:
            raise self.fault(logged, "version", before + 1, version)

    def fault(self, logged: Logged, column: str, expected: object, found: object) -> FaultFound:
        """What to raise for a column of an event."""
        recorded = logged.recorded
        return FaultFound(
            Fault(
                tenant_id=self.tenant_id,
                # not SQLAlchemy's own kind of text
                table=str(EVENT_TABLES[STREAM_OF[type(recorded.event)]].name),
                column=column,
                # Where an event is missing, it is the missing one's place.
                position=self.position + 1 if column == "position" else recorded.position,
                key=recorded.aggregate_id,
                expected=str(expected),
                found=str(found),
            )
        )
