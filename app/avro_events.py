"""Events of the log as Avro records and back, exact in every field."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import IO, Any, Final, TypeAlias, cast

import fastavro
from msgspec import convert
from msgspec.structs import asdict

from app import avro_schemas
from app.event_log import Logged
from domain.events import EVENT_NAME, EVENT_TYPE, STREAM_OF, DomainEvent
from domain.recorded import Metadata, Recorded

Record: TypeAlias = tuple[str, dict[str, Any]]
"""A record with its full name, as fastavro has the members of a union."""

_NAMESPACE: Final = "stakebook"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class UnknownEvent(LookupError):
    """An event is of a type that this version does not know; the message names it."""


def _nulls(schema: dict[str, Any], field: str) -> dict[str, None]:
    """The members of a record's field that is itself a record, all null."""
    types = {each["name"]: each["type"] for each in schema["fields"]}
    return {member["name"]: None for member in types[field]["fields"]}


_SCHEMAS: Final = {
    stream: avro_schemas.documents()[name].schema for stream, name in avro_schemas.NAMES.items()
}
SCHEMA: Final = fastavro.parse_schema(avro_schemas.union(list(_SCHEMAS.values())))
"""The union of the streams' records."""

_RECORD_NAMES: Final = {
    event_class: f"{_NAMESPACE}.{_SCHEMAS[stream]['name']}"
    for event_class, stream in STREAM_OF.items()
}
_NO_DATA: Final = {
    event_class: _nulls(_SCHEMAS[stream], "event_data") for event_class, stream in STREAM_OF.items()
}
_NO_METADATA: Final = _nulls(_SCHEMAS["bet"], "metadata")
_CLASSES: Final = {event_type: event_class for event_class, event_type in EVENT_TYPE.items()}


def to_avro(logged: Logged) -> Record:
    """The record of an event, with the full name that tells the streams apart."""
    recorded, event = logged.recorded, logged.recorded.event
    event_class = type(event)
    event_type = EVENT_TYPE[event_class]
    return _RECORD_NAMES[event_class], {
        "id": recorded.id,
        "tenant_id": recorded.tenant_id,
        "position": recorded.position,
        "aggregate_id": recorded.aggregate_id,
        "version": recorded.version,
        "event_type": event_type,
        "event_name": EVENT_NAME[event_type],
        "event_data": _NO_DATA[event_class] | asdict(event),
        "timestamp": recorded.timestamp,
        "idempotency_key": recorded.idempotency_key,
        "metadata": _NO_METADATA | asdict(recorded.metadata),
        "hash": logged.hash,
    }


def from_avro(record: dict[str, Any]) -> Logged:
    """The event of a record as fastavro reads it.

    Raises `UnknownEvent`, and `msgspec.ValidationError` for data that its type cannot have.
    """
    event_class = _CLASSES.get(record["event_type"])
    if event_class is None:
        raise UnknownEvent(record["event_name"])
    recorded = Recorded[DomainEvent](
        tenant_id=record["tenant_id"],
        position=record["position"],
        id=str(record["id"]),
        aggregate_id=record["aggregate_id"],
        version=record["version"],
        timestamp=(record["timestamp"] - _EPOCH) // _MILLISECOND,
        idempotency_key=record["idempotency_key"],
        metadata=convert(record["metadata"], Metadata),
        event=convert(record["event_data"], event_class),
    )
    return Logged(recorded, record["hash"])


def encode(events: Iterable[Logged]) -> bytes:
    """The events as one Avro object container."""
    file = BytesIO()
    fastavro.writer(file, SCHEMA, map(to_avro, events), codec="deflate", strict=True)
    return file.getvalue()


def decode(file: IO[bytes]) -> Iterator[Logged]:
    """The events of an Avro object container, whatever version of the schemas wrote it.

    Raises what `from_avro` raises, and what fastavro raises for a file that is none.
    """
    for record in fastavro.reader(file, reader_schema=SCHEMA):
        yield from_avro(cast("dict[str, Any]", record))
