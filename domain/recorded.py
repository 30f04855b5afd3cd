"""An event as the log holds it: what happened, to whom, where in which order."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Generic, TypeVar

from msgspec import Struct

E_co = TypeVar("E_co", covariant=True)


class Metadata(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What accompanies an event without being part of the fact.

    `correlation_id` is the caller's own name for what he is doing, over as many requests as he
    likes. `causation_id` is the id of the command that caused the event: all events of one
    command share it, no event of another one has it. `related_to` names the aggregate whose
    event brought this one about (a balance follows a bet or a payment). `actor` is who sent the
    command, `traceparent` the caller's span (W3C Trace Context) as he sent it.

    A member that is None is left out, of the hash chain too: new ones go to the end, and an
    event from before them keeps its hash.
    """

    correlation_id: str | None = None
    related_to: str | None = None
    causation_id: str | None = None
    actor: str | None = None
    traceparent: str | None = None


class Recorded(Struct, Generic[E_co], frozen=True, kw_only=True):
    """One event of a tenant's log; `id` is a UUID in its usual form.

    `position` counts the tenant's events without gaps, `version` the aggregate's;
    `timestamp` is in milliseconds since 1970 and never goes back within a tenant.
    """

    tenant_id: int
    position: int
    id: str
    aggregate_id: str
    version: int
    timestamp: int
    idempotency_key: str
    metadata: Metadata
    event: E_co

    @property
    def occurred_at(self) -> datetime:
        """The timestamp as an aware datetime in UTC."""
        return instant(self.timestamp)


@lru_cache(maxsize=1024)  # the events of a batch share one timestamp
def instant(milliseconds: int) -> datetime:
    """The moment so many milliseconds after 1970, exact (no float), in UTC."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)
