"""Events of the log as Avro records and back, exact in every field."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import IO, Any, Final, TypeAlias, cast

import fastavro
from fastavro.write import Writer
from msgspec import convert
from msgspec.structs import asdict, fields

from app import avro_schemas
from app.event_log import Logged
from domain.events import EVENT_NAME, EVENT_TYPE, STREAM_OF, DomainEvent
from domain.recorded import Metadata, Recorded

Record: TypeAlias = tuple[str, dict[str, Any]]
"""A record with its full name, as fastavro has the members of a union."""

_NAMESPACE: Final = "stakebook"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DIGITS: Final = 20  # of the schemas' decimals
_DECIMALS: Final = 4
_ONE_BLOCK: Final = 2**30  # bytes after which another one would begin


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

# The same bytes on paper, without the logical types: fastavro converts these value by value in
# Python, which takes it longer than all the rest.
_BARE: Final = fastavro.parse_schema(avro_schemas.bare(avro_schemas.union(list(_SCHEMAS.values()))))

_RECORD_NAMES: Final = {
    event_class: f"{_NAMESPACE}.{_SCHEMAS[stream]['name']}"
    for event_class, stream in STREAM_OF.items()
}
_NO_DATA: Final = {
    event_class: _nulls(_SCHEMAS[stream], "event_data") for event_class, stream in STREAM_OF.items()
}
_NO_METADATA: Final = _nulls(_SCHEMAS["bet"], "metadata")
_NONE: Final = Metadata()
_AMOUNTS: Final = {
    event_type: tuple(field.name for field in fields(event_class) if field.type is Decimal)
    for event_class, event_type in EVENT_TYPE.items()
}
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
    """The event of a record as fastavro reads it, with or without conversion of its timestamp.

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
    written = BytesIO()
    cast("Any", fastavro).writer(
        written, _BARE, map(_to_bare, events), sync_interval=_ONE_BLOCK, strict=True
    )
    written.seek(0)
    for block in fastavro.block_reader(written):
        cast("Any", writer).write_block(block)


def decode(file: IO[bytes]) -> Iterator[Logged]:
    """The events of an Avro object container, whatever version of the schemas wrote it.

    Raises what `from_avro` raises, and what fastavro raises for a file that is none.
    """
    return read_blocks(fastavro.block_reader(file, reader_schema=SCHEMA))


def read_blocks(blocks: fastavro.block_reader) -> Iterator[Logged]:
    """The events of a container that is being read with `SCHEMA`. Raises as `decode` does."""
    is_own = _unparsed(blocks.writer_schema) == _unparsed(SCHEMA)
    for block in blocks:
        if is_own:  # which is nearly always; then there is nothing to resolve either
            block.writer_schema, block.reader_schema = cast("Any", _BARE), cast("Any", None)
        for record in cast("Iterable[dict[str, Any]]", block):
            yield from_avro(_of_bare(record) if is_own else record)


def _to_bare(logged: Logged) -> Record:
    name, record = to_avro(logged)
    data = record["event_data"]
    for amount in _AMOUNTS[record["event_type"]]:
        data[amount] = _unscaled(data[amount])
    return name, record


def _of_bare(record: dict[str, Any]) -> dict[str, Any]:
    data = record["event_data"]
    for amount in _AMOUNTS.get(record["event_type"], ()):
        number = int.from_bytes(data[amount], "big", signed=True)
        data[amount] = Decimal(number).scaleb(-_DECIMALS)
    return record


def _unscaled(amount: Decimal) -> bytes:
    """An amount as Avro has it: its digits as a number in two's complement."""
    scaled = amount.scaleb(_DECIMALS)
    number = int(scaled)
    if number != scaled or abs(number) >= 10**_DIGITS:
        raise ValueError(
            f"{amount} does not fit into {_DIGITS} digits, {_DECIMALS} of them decimals"
        )
    return number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True)


def _unparsed(schema: Any) -> list[dict[str, Any]]:
    """The branches of a union without the marks that fastavro leaves."""
    return [
        {name: member for name, member in branch.items() if not name.startswith("__")}
        for branch in schema
    ]
