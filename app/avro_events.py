"""Events of the log as Avro records and back, exact in every field."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import IO, Any, Final, NamedTuple, TypeAlias, cast

import fastavro
from fastavro.write import Writer
from msgspec import convert
from msgspec.structs import asdict

from app import avro_codec, avro_schemas
from app.avro_codec import Encode
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


class _Block(NamedTuple):
    """What fastavro takes for a block that is encoded already."""

    bytes_: BytesIO
    num_records: int


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
_NONE: Final = Metadata()
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
    """The event of a record as fastavro reads it, or as `avro_codec` does.

    Raises `UnknownEvent`, and `msgspec.ValidationError` for data that its type cannot have.
    """
    event_class = _CLASSES.get(record["event_type"])
    if event_class is None:
        raise UnknownEvent(record["event_name"])
    metadata, timestamp = record["metadata"], record["timestamp"]
    if isinstance(timestamp, datetime):
        timestamp = (timestamp - _EPOCH) // _MILLISECOND
    recorded: Recorded[DomainEvent] = Recorded(
        tenant_id=record["tenant_id"],
        position=record["position"],
        id=str(record["id"]),
        aggregate_id=record["aggregate_id"],
        version=record["version"],
        timestamp=timestamp,
        idempotency_key=record["idempotency_key"],
        metadata=convert(metadata, Metadata) if metadata != _NO_METADATA else _NONE,
        event=convert(record["event_data"], event_class),
    )
    return Logged(recorded, record["hash"])


def encode(events: Sequence[Logged]) -> bytes:
    """The events as one Avro object container."""
    file = BytesIO()
    writer = Writer(file, SCHEMA, codec="deflate")
    if events:
        write_block(writer, events)
    return file.getvalue()


def write_block(writer: Writer, events: Sequence[Logged]) -> None:
    """Write events as one block of a container whose schema is `SCHEMA`.

    Raises `ValueError` for an amount that the schemas have no room for.
    """
    records = [_ENCODERS[name](record) for name, record in map(to_avro, events)]
    cast("Any", writer).write_block(_Block(BytesIO(b"".join(records)), len(records)))


def decode(file: IO[bytes]) -> Iterator[Logged]:
    """The events of an Avro object container, whatever version of the schemas wrote it.

    Raises what `from_avro` raises, and what fastavro raises for a file that is none.
    """
    return read_blocks(fastavro.block_reader(file, reader_schema=SCHEMA))


def read_blocks(blocks: fastavro.block_reader) -> Iterator[Logged]:
    """The events of a container that is being read with `SCHEMA`. Raises as `decode` does.

    Where there is nothing to resolve, which is nearly always, our own codec is the faster one.
    """
    is_own = _unparsed(blocks.writer_schema) == _unparsed(SCHEMA)
    for block in blocks:
        records = _records(block) if is_own else cast("Iterable[dict[str, Any]]", block)
        for record in records:
            yield from_avro(record)


def _records(block: Any) -> Iterator[dict[str, Any]]:
    content: bytes = block.bytes_.getvalue()
    at = 0
    for _ in range(block.num_records):
        branch, at = avro_codec.decode_long(content, at)
        record, at = _DECODERS[branch](content, at)
        yield record
    if at != len(content):
        raise ValueError("a block is not as long as its records")


def _unparsed(schema: Any) -> list[dict[str, Any]]:
    """The branches of a union without the marks that fastavro leaves."""
    return [
        {name: member for name, member in branch.items() if not name.startswith("__")}
        for branch in schema
    ]


def _encoder(branch: int, schema: dict[str, Any]) -> Encode:
    """What encodes a record as a branch of the union."""
    place, encode = avro_codec.encode_long(branch), avro_codec.encoder(schema)
    return lambda record: place + encode(record)


_ENCODERS: Final = {
    f"{_NAMESPACE}.{schema['name']}": _encoder(branch, schema)
    for branch, schema in enumerate(_SCHEMAS.values())
}
_DECODERS: Final = [avro_codec.decoder(schema) for schema in _SCHEMAS.values()]
