"""The hash chain of a tenant's log: each event's hash covers the one before it."""

from hashlib import sha256
from typing import Any, Final

from msgspec import Raw, Struct

from app.exact_json import ENCODER
from domain.events import EVENT_NAME, EVENT_TYPE, DomainEvent
from domain.recorded import Metadata, Recorded

_TAG_BYTES: Final = {
    event_class: len(f'{{"event_type":"{event_type}"')
    for event_class, event_type in EVENT_TYPE.items()
}


class Sealed(Struct, frozen=True):
    """A recorded event with its place in the chain: the row of its table.

    `event_data` is the event's payload as JSON.
    """

    tenant_id: int
    position: int
    id: str
    aggregate_id: str
    version: int
    event_type: str
    event_name: str
    event_data: Raw
    timestamp: int
    idempotency_key: str
    metadata: Metadata
    hash: bytes


def seal(recorded: Recorded[DomainEvent], previous: bytes) -> Sealed:
    """Chain `recorded` to the tenant's previous hash (empty for the first event).

    hash = SHA-256(previous ‖ header ‖ event), where header is the JSON array of tenant_id,
    position, id, aggregate_id, version, timestamp, idempotency_key and metadata, and event
    the JSON object of event_type and the payload's fields in the order of the schema; both
    without white space, amounts with four decimals.
    """
    event = ENCODER.encode(recorded.event)
    return _sealed(recorded, event, _digest(recorded, event, previous))


def sealed(recorded: Recorded[DomainEvent], hash_: bytes) -> Sealed:
    """The row of an event whose hash is known."""
    return _sealed(recorded, ENCODER.encode(recorded.event), hash_)


def _sealed(recorded: Recorded[DomainEvent], event: bytes, hash_: bytes) -> Sealed:
    event_type = EVENT_TYPE[type(recorded.event)]
    return Sealed(
        recorded.tenant_id,
        recorded.position,
        recorded.id,
        recorded.aggregate_id,
        recorded.version,
        event_type,
        EVENT_NAME[event_type],
        Raw(_untagged(recorded.event, event)),
        recorded.timestamp,
        recorded.idempotency_key,
        recorded.metadata,
        hash_,
    )


def digest(recorded: Recorded[DomainEvent], previous: bytes) -> bytes:
    """The hash alone, for who has the row already."""
    return _digest(recorded, ENCODER.encode(recorded.event), previous)


def _digest(recorded: Recorded[DomainEvent], event: bytes, previous: bytes) -> bytes:
    return sha256(previous + _header(recorded) + event).digest()


def _header(recorded: Recorded[Any]) -> bytes:
    return ENCODER.encode(
        (
            recorded.tenant_id,
            recorded.position,
            recorded.id,
            recorded.aggregate_id,
            recorded.version,
            recorded.timestamp,
            recorded.idempotency_key,
            recorded.metadata,
        )
    )


def _untagged(event: DomainEvent, encoded: bytes) -> bytes:
    """The encoded event without its tag, which has a column of its own."""
    return b"{" + encoded[_TAG_BYTES[type(event)] :].removeprefix(b",")
